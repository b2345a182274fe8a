/** Options of schedules and backfills: steps, and windows that are whole numbers of them. */
import { numberText } from '../contracts/count-words.ts';
import { fault } from '../contracts/errors.ts';
import type { IntervalInput, IntervalWindow } from '../contracts/intervals.ts';
import type { PipelineSpec } from '../contracts/pipeline.ts';
import type { ReplayDefaults } from '../contracts/replay.ts';
import { utcMs } from '../contracts/scope-words.ts';
import { parseDuration } from '../workers/config/index.ts';

const SHORTEST_MS = 10_000;
const LONGEST_MS = 366 * 86_400_000;
/** Each is an action of a Temporal Schedule, and a line of the overview. */
const INTERVALS_MOST = 10_000;

export interface IntervalOptions {
  lookBack?: string;
  where?: string;
  rate?: number;
  parallelism?: number;
}

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
export const DAY_MS = 24 * HOUR_MS;
/** Steps that people say; each ends where a day does. */
const ROUND_MS = [
  ...[1, 2, 5, 10, 15, 30].map((minutes) => minutes * MINUTE_MS),
  ...[1, 2, 3, 4, 6, 8, 12].map((hours) => hours * HOUR_MS),
  ...[1, 2, 5, 10, 20, 50, 100, 200].map((days) => days * DAY_MS),
];

/** The shortest step with which a backfill takes so much event time; the one that is wanted, where that does. */
export function fittingStepMs(lengthMs: number, wantedMs: number): number {
  const fits = (step: number): boolean => lengthMs / step <= INTERVALS_MOST;
  if (fits(wantedMs)) return wantedMs;
  return ROUND_MS.find((step) => step > wantedMs && fits(step)) ?? LONGEST_MS;
}

const UNITS = [
  ['d', DAY_MS],
  ['h', HOUR_MS],
  ['m', MINUTE_MS],
] as const;

/** In the largest unit that it is whole in. */
export function stepText(ms: number): string {
  const [unit, size] = UNITS.find(([, each]) => ms % each === 0) ?? ['s', 1_000];
  return `${ms / size}${unit}`;
}

/** @throws Fault ConfigInvalid */
export function stepOf(option: string, text: string): number {
  const ms = parseDuration(text);
  if (ms !== undefined && ms >= SHORTEST_MS && ms <= LONGEST_MS) return ms;
  throw fault(
    'ConfigInvalid',
    `${option} ${text} is no interval; allowed: a duration from 10s to 366d, such as 5m or 1d`,
  );
}

/** @throws Fault ConfigInvalid */
export function intervalInputOf(
  spec: PipelineSpec,
  stepMs: number,
  madeBy: IntervalInput['madeBy'],
  { lookBack, parallelism, ...given }: IntervalOptions,
  defaults: ReplayDefaults,
): IntervalInput {
  requireNoWindow(spec, defaults);
  const where = given.where ?? defaults.where;
  const rate = given.rate ?? defaults.rate;
  const { bytes, speed } = defaults;
  if (spec.source.eventTime === undefined) {
    throw fault(
      'ConfigInvalid',
      'intervals need source.eventTime in the pipeline file: the column whose windows they are',
    );
  }
  const lookBackMs = lookBack === undefined ? undefined : parseDuration(lookBack);
  if (lookBack !== undefined && lookBackMs === undefined) {
    throw fault('ConfigInvalid', `--look-back ${lookBack} is no duration; allowed: such as 30m, 2h or 1d`);
  }
  return {
    ...{ spec, stepMs, madeBy },
    ...(lookBackMs === undefined ? {} : { lookBackMs }),
    ...(where === undefined ? {} : { where }),
    ...(rate === undefined ? {} : { rate }),
    ...(bytes === undefined ? {} : { bytes }),
    ...(speed === undefined ? {} : { speed }),
    ...(parallelism === undefined ? {} : { parallelism }),
  };
}

/** An interval is a window of its own, and whole. @throws Fault ConfigInvalid */
function requireNoWindow({ name, warehouse }: PipelineSpec, { from, to, limit }: ReplayDefaults): void {
  if (warehouse.mode === 'replace') {
    throw fault(
      'ConfigInvalid',
      `warehouse.mode of pipeline ${name} is replace, which takes the whole table; an interval is a part of it: say mode: upsert, or run the pipeline by a schedule of your own`,
    );
  }
  const found = [
    ...(from === undefined ? [] : ['source.from']),
    ...(to === undefined ? [] : ['source.to']),
    ...(limit === undefined ? [] : ['replay.limit']),
  ];
  if (found.length === 0) return;
  throw fault(
    'ConfigInvalid',
    `the file of pipeline ${name} has ${found.join(' and ')}: an interval is a window of its own, with all of its rows; remove that, and say --from, --to and --limit where you replay by hand`,
  );
}

/** @throws Fault ConfigInvalid: not a whole number of steps, or too many */
export function windowOf(fromText: string, toText: string, stepMs: number): IntervalWindow & { count: number } {
  const [from, to] = [utcMs(fromText), utcMs(toText)];
  for (const [option, text, ms] of [
    ['--from', fromText, from],
    ['--to', toText, to],
  ] as const) {
    if (ms % stepMs === 0) continue;
    const near = new Date(Math.floor(ms / stepMs) * stepMs).toISOString();
    throw fault(
      'ConfigInvalid',
      `${option} ${text} is not where an interval of this --step begins (steps count from 1970); the one before is ${near}`,
    );
  }
  const count = (to - from) / stepMs;
  if (count < 1) throw fault('ConfigInvalid', `--from ${fromText} is not before --to ${toText}; there is no interval`);
  if (count > INTERVALS_MOST) {
    const fits = stepText(fittingStepMs(to - from, stepMs));
    const told = `${numberText(count)} intervals are more than ${numberText(INTERVALS_MOST)}`;
    throw fault('ConfigInvalid', `${told}; a --step of ${fits} or more fits, or a shorter window`);
  }
  return { from: new Date(from).toISOString(), to: new Date(to).toISOString(), count };
}
