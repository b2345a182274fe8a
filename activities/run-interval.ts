/**
 * Which window an interval's key stands for, recorded before it is run and after. A schedule's interval begins where the last
 * one begun ends: so a pause, a trigger by hand or another step leaves neither a hole nor an overlap. One that failed is
 * recorded as such and not read again by the next; it is run again by itself.
 */
import { instantId, type IntervalInput, type IntervalWindow } from '../contracts/intervals.ts';
import type { ReplayScope } from '../contracts/replay.ts';
import type { Intervals } from './ports/intervals.ts';

export interface OpenIntervalRequest extends Pick<
  IntervalInput,
  'stepMs' | 'lookBackMs' | 'madeBy' | 'since' | 'where'
> {
  pipeline: string;
  /** The key, epoch milliseconds. */
  endMs: number;
  workflowId: string;
  runId: string;
}

export interface OpenedInterval extends IntervalWindow {
  replayId: string;
  scope: ReplayScope;
  /** It was done before, and a backfill leaves it alone. */
  done: boolean;
  rows: number;
}

const RUN_ID_LETTERS = 8;

export async function openInterval(intervals: Intervals, request: OpenIntervalRequest): Promise<OpenedInterval> {
  const { pipeline, endMs, stepMs, lookBackMs = 0, madeBy, since, where, workflowId, runId } = request;
  const to = new Date(endMs).toISOString();
  const stepBefore = new Date(endMs - stepMs).toISOString();
  const first = since !== undefined && Date.parse(since) < endMs ? new Date(since).toISOString() : stepBefore;
  const known = await intervals.endingAt(pipeline, to);
  const from = madeBy === 'backfill' ? stepBefore : (known?.from ?? (await intervals.lastEnd(pipeline, to)) ?? first);
  const replayId = `interval-${instantId(to)}-${runId.replaceAll('-', '').slice(-RUN_ID_LETTERS)}`;
  const readFrom = new Date(Date.parse(from) - lookBackMs).toISOString();
  const scope = { from: readFrom, to, ...(where === undefined ? {} : { where }) };
  const opened = { from, to, replayId, scope };
  if (madeBy === 'backfill' && known?.state === 'done' && known.from <= from) {
    return { ...opened, done: true, rows: known.rows ?? 0 };
  }
  await intervals.begin(pipeline, { from, to }, madeBy, { workflowId, runId, replayId });
  return { ...opened, done: false, rows: 0 };
}

export interface CloseIntervalRequest extends IntervalWindow {
  pipeline: string;
  runId: string;
  outcome: { rows: number } | { error: string };
}

/** For the queue `orchestrate`. */
export function createIntervalActivities(intervals: Intervals) {
  return {
    openInterval: (request: OpenIntervalRequest) => openInterval(intervals, request),
    closeInterval: ({ pipeline, from, to, runId, outcome }: CloseIntervalRequest) =>
      intervals.end(pipeline, { from, to }, runId, outcome),
  };
}

export type IntervalActivities = ReturnType<typeof createIntervalActivities>;
