/** The options that say which rows a replay reads, and how fast. */
import type { ReplayDefaults, ReplayScope } from '../contracts/replay.ts';
import { utcMs } from '../contracts/scope-words.ts';
import type { PipelineSpec } from '../contracts/pipeline.ts';
import { fault } from '../contracts/errors.ts';
import type { ReplayInput } from '../contracts/temporal.ts';
import type { CommonOptions, FollowOptions } from './common-options.ts';
import { newId } from './replay-id.ts';

export interface WindowOptions {
  from?: string;
  to?: string;
  where?: string;
  limit?: number;
}

export interface ScopeOptions extends FollowOptions, WindowOptions {
  rate?: number;
  bytes?: number;
  speed?: number;
  lanes?: number;
  columns?: string[];
  replayId?: string;
}

/**
 * @param defaults the pipeline file's; an option wins over the key of its name
 * @throws Fault ConfigInvalid: a window without an event time, or one that ends before it begins
 */
export function scopeOf(spec: PipelineSpec, options: WindowOptions, defaults: ReplayDefaults): ReplayScope {
  const { from = defaults.from, to = defaults.to, where = defaults.where, limit = defaults.limit } = options;
  if ((from !== undefined || to !== undefined) && spec.source.eventTime === undefined) {
    throw fault('ConfigInvalid', '--from and --to need source.eventTime in the pipeline file: the column they compare');
  }
  if (from !== undefined && to !== undefined && utcMs(from) >= utcMs(to)) {
    const name = (key: 'from' | 'to'): string => (options[key] === undefined ? `the file's source.${key}` : `--${key}`);
    throw fault('ConfigInvalid', `${name('from')} ${from} is not before ${name('to')} ${to}; the window holds no row`);
  }
  return {
    ...(from === undefined ? {} : { from }),
    ...(to === undefined ? {} : { to }),
    ...(where === undefined ? {} : { where }),
    ...(limit === undefined ? {} : { limit }),
  };
}

/** @throws Fault ConfigInvalid */
export function replayInputOf(spec: PipelineSpec, options: ScopeOptions, defaults: ReplayDefaults): ReplayInput {
  const { lanes, rate = defaults.rate, bytes = defaults.bytes, speed = defaults.speed } = options;
  if (options.columns !== undefined) requireColumns(spec);
  requirePaced(spec, speed);
  return {
    spec: lanes === undefined ? spec : { ...spec, source: { ...spec.source, lanes } },
    replayId: options.replayId ?? newId(),
    scope: scopeOf(spec, options, defaults),
    ...(rate === undefined ? {} : { rate }),
    ...(bytes === undefined || bytes === 0 ? {} : { bytes }),
    ...(speed === undefined ? {} : { speed }),
  };
}

/** @throws Fault ConfigInvalid: a speed without an event time */
export function requirePaced({ source }: PipelineSpec, speed: number | undefined): void {
  if (speed === undefined || source.eventTime !== undefined) return;
  throw fault('ConfigInvalid', '--speed needs source.eventTime in the pipeline file: the column that paces it');
}

/** A record without some columns would be loaded as a row whose other columns are NULL. */
function requireColumns({ warehouse }: PipelineSpec): never {
  const { schema, table } = warehouse.table;
  throw fault(
    'ConfigInvalid',
    `--columns cannot be: the topic's records are loaded into ${schema}.${table}, which has one set of columns; list them in the pipeline file (source.columns), with a topic, a lake prefix and a warehouse table of their own`,
  );
}

/** The file, and the table in it, as a command has them. */
export function fileWords(file: string, { table }: Pick<CommonOptions, 'table'>): string {
  return `${shellWord(file)}${table === undefined ? '' : ` --table ${shellWord(table)}`}`;
}

/** A word as a shell takes it. */
export function shellWord(word: string): string {
  return /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`;
}
