/** Data intervals: the windows of event time that a schedule or a backfill runs, one after the other or side by side. */
import type { PipelineSpec } from './pipeline.ts';

export interface IntervalInput {
  spec: PipelineSpec;
  stepMs: number;
  /** Event time before the interval that is read again, for rows that came late. */
  lookBackMs?: number;
  /**
   * `schedule`: goes on from the end of the last interval begun, so that pauses and other steps leave no hole.
   * `backfill`: exactly the step before the scheduled time, and nothing if that is done already.
   */
  madeBy: 'schedule' | 'backfill';
  /** Where a schedule's first interval begins, ISO 8601; absent: a step before its end. */
  since?: string;
  where?: string;
  /** Rows a second. */
  rate?: number;
  /** Bytes of values a second. */
  bytes?: number;
  /** Seconds of event time a second. */
  speed?: number;
  parallelism?: number;
}

/** ISO 8601, UTC; `to` is exclusive, and the interval's key. */
export interface IntervalWindow {
  from: string;
  to: string;
}

export type IntervalState = 'running' | 'done' | 'failed';

export interface IntervalLook extends IntervalWindow {
  madeBy: IntervalInput['madeBy'];
  state: IntervalState;
  workflowId: string;
  replayId: string;
  attempts: number;
  rows: number | null;
  error: string | null;
  startedAt: string;
  endedAt: string | null;
}

export interface IntervalReport extends IntervalWindow {
  /** False: it was done already, and left as it is. */
  ran: boolean;
  rows: number;
}

/** The key of the interval that a scheduled time stands for: floor(time, step), counted from 1970 as Temporal's schedules do. */
export function intervalEnd(scheduledMs: number, stepMs: number): number {
  return Math.floor(scheduledMs / stepMs) * stepMs;
}

/** `20261121T150000Z`: an instant as part of an id. */
export function instantId(iso: string): string {
  return iso.replaceAll(/[-:]|\.000/g, '');
}
