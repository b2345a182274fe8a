/** The options that say which rows a replay reads, and how fast. */
import type { ReplayScope } from '../contracts/replay.ts';
import type { PipelineSpec } from '../contracts/pipeline.ts';
import { fault } from '../contracts/errors.ts';
import type { ReplayInput } from '../contracts/temporal.ts';
import type { FollowOptions } from './common-options.ts';
import { newId } from './replay-id.ts';

export interface WindowOptions {
  from?: string;
  to?: string;
  where?: string;
}

export interface ScopeOptions extends FollowOptions, WindowOptions {
  rate?: number;
  bytes?: number;
  lanes?: number;
  replayId?: string;
}

/** @throws Fault ConfigInvalid: a window without an event time, or one that ends before it begins */
export function scopeOf(spec: PipelineSpec, { from, to, where }: WindowOptions): ReplayScope {
  if ((from !== undefined || to !== undefined) && spec.source.eventTime === undefined) {
    throw fault('ConfigInvalid', '--from and --to need source.eventTime in the pipeline file: the column they compare');
  }
  if (from !== undefined && to !== undefined && Date.parse(from) >= Date.parse(to)) {
    throw fault('ConfigInvalid', `--from ${from} is not before --to ${to}; the window holds no row`);
  }
  return {
    ...(from === undefined ? {} : { from }),
    ...(to === undefined ? {} : { to }),
    ...(where === undefined ? {} : { where }),
  };
}

export function replayInputOf(spec: PipelineSpec, options: ScopeOptions): ReplayInput {
  const { lanes, rate, bytes } = options;
  return {
    spec: lanes === undefined ? spec : { ...spec, source: { ...spec.source, lanes } },
    replayId: options.replayId ?? newId(),
    scope: scopeOf(spec, options),
    ...(rate === undefined ? {} : { rate }),
    ...(bytes === undefined || bytes === 0 ? {} : { bytes }),
  };
}

/** A word as a shell takes it. */
export function shellWord(word: string): string {
  return /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`;
}
