/** Intervals in the control database. */
import type pg from 'pg';
import type { Intervals } from '../../activities/ports/intervals.ts';
import type { IntervalLook, IntervalState } from '../../contracts/intervals.ts';
import { query } from './pool.ts';

interface IntervalRow {
  from_time: Date;
  to_time: Date;
  made_by: IntervalLook['madeBy'];
  state: IntervalState;
  workflow_id: string;
  replay_id: string;
  attempts: number;
  rows: string | null;
  error: string | null;
  started_at: Date;
  ended_at: Date | null;
}

const toLook = (row: IntervalRow): IntervalLook => ({
  from: row.from_time.toISOString(),
  to: row.to_time.toISOString(),
  madeBy: row.made_by,
  state: row.state,
  workflowId: row.workflow_id,
  replayId: row.replay_id,
  attempts: row.attempts,
  rows: row.rows === null ? null : Number(row.rows),
  error: row.error,
  startedAt: row.started_at.toISOString(),
  endedAt: row.ended_at?.toISOString() ?? null,
});

/** @param pool of the control database */
export function openIntervals(pool: pg.Pool): Intervals {
  const ask = <Row extends pg.QueryResultRow>(doing: string, sql: string, values: readonly unknown[]) =>
    query<Row>(pool, 'ControlUnavailable', doing, sql, values);
  return {
    async endingAt(pipeline, to) {
      const rows = await ask<IntervalRow>(
        `reading the interval of ${pipeline} that ends at ${to}`,
        `SELECT * FROM headrace.interval WHERE pipeline = $1 AND to_time = $2 ORDER BY from_time LIMIT 1`,
        [pipeline, to],
      );
      return rows[0] ? toLook(rows[0]) : null;
    },
    async lastEnd(pipeline, to) {
      const rows = await ask<{ last: Date | null }>(
        `reading the last interval of ${pipeline}`,
        `SELECT max(to_time) AS last FROM headrace.interval WHERE pipeline = $1 AND made_by = 'schedule' AND to_time < $2`,
        [pipeline, to],
      );
      return rows[0]?.last?.toISOString() ?? null;
    },
    async begin(pipeline, { from, to }, madeBy, { workflowId, runId, replayId }) {
      await ask(
        `beginning an interval of ${pipeline}`,
        `INSERT INTO headrace.interval AS i (pipeline, from_time, to_time, made_by, state, workflow_id, run_id, replay_id)
         VALUES ($1, $2, $3, $4, 'running', $5, $6, $7)
         ON CONFLICT (pipeline, from_time, to_time) DO UPDATE SET state = 'running', workflow_id = $5, run_id = $6, replay_id = $7,
           attempts = i.attempts + 1, rows = NULL, error = NULL, started_at = now(), ended_at = NULL WHERE i.run_id <> $6`,
        [pipeline, from, to, madeBy, workflowId, runId, replayId],
      );
    },
    async end(pipeline, { from, to }, runId, outcome) {
      const failed = 'error' in outcome;
      await ask(
        `ending an interval of ${pipeline}`,
        `UPDATE headrace.interval SET state = $5, rows = $6, error = $7, ended_at = now()
         WHERE pipeline = $1 AND from_time = $2 AND to_time = $3 AND run_id = $4`,
        [
          ...[pipeline, from, to, runId, failed ? 'failed' : 'done'],
          ...[failed ? null : outcome.rows, failed ? outcome.error : null],
        ],
      );
    },
    async list(pipeline, window, limit) {
      const rows = await ask<IntervalRow>(
        `reading the intervals of ${pipeline}`,
        `SELECT * FROM (SELECT * FROM headrace.interval WHERE pipeline = $1 AND ($2::timestamptz IS NULL OR from_time >= $2)
           AND ($3::timestamptz IS NULL OR to_time <= $3) ORDER BY to_time DESC LIMIT $4) AS latest ORDER BY from_time`,
        [pipeline, window?.from ?? null, window?.to ?? null, limit],
      );
      return rows.map(toLook);
    },
  };
}
