/** Port to the intervals in the control database. One statement a call; all may be repeated. */
import type { IntervalInput, IntervalLook, IntervalWindow } from '../../contracts/intervals.ts';

export interface IntervalAttempt {
  workflowId: string;
  runId: string;
  replayId: string;
}

export interface Intervals {
  /** The interval that ends there; null where none was begun. */
  endingAt(pipeline: string, to: string): Promise<IntervalLook | null>;
  /** The end of the last interval that a schedule began before `to`; null where there is none. */
  lastEnd(pipeline: string, to: string): Promise<string | null>;
  begin(
    pipeline: string,
    window: IntervalWindow,
    madeBy: IntervalInput['madeBy'],
    attempt: IntervalAttempt,
  ): Promise<void>;
  /** Nothing where a later attempt has begun. */
  end(
    pipeline: string,
    window: IntervalWindow,
    runId: string,
    outcome: { rows: number } | { error: string },
  ): Promise<void>;
  /** Within [from, to), the oldest first. */
  list(pipeline: string, window: IntervalWindow | null, limit: number): Promise<IntervalLook[]>;
}
