/**
 * A replay's one budget of rows and bytes over all of its lanes, and its clock of event time, by the control database's clock.
 * One statement a call.
 */
import type pg from 'pg';
import type { Replays } from '../../activities/ports/replays.ts';
import { query } from './pool.ts';

interface PaceRow {
  rows: number | null;
  bytes: number | null;
  paused: boolean;
  speed: number | null;
  clock_ms: number | null;
  owed_ms: number;
}

/** Of a row `p`: the event time that is due now. It stands while paused. */
export const CLOCK_MS = `(p.clock_ms + CASE WHEN p.paused OR p.speed IS NULL THEN 0
  ELSE extract(epoch FROM clock_timestamp() - p.clock_at) * 1000 * p.speed END)::float8`;

export function openPace(pool: pg.Pool): Pick<Replays, 'pace' | 'setPace' | 'startClock' | 'pay'> {
  const ask = <Row extends pg.QueryResultRow>(doing: string, sql: string, values: readonly unknown[]) =>
    query<Row>(pool, 'ControlUnavailable', doing, sql, values);
  return {
    async pace(replayId) {
      const rows = await ask<PaceRow>(
        'reading the pace',
        `SELECT rows_per_second AS rows, bytes_per_second AS bytes, paused, speed, ${CLOCK_MS} AS clock_ms,
                (extract(epoch FROM free_at - clock_timestamp()) * 1000)::float8 AS owed_ms
         FROM headrace.pace AS p WHERE replay_id = $1`,
        [replayId],
      );
      const [row] = rows;
      return {
        rowsPerSecond: row?.rows ?? null,
        bytesPerSecond: row?.bytes ?? null,
        paused: row?.paused ?? false,
        speed: row?.speed ?? null,
        clockMs: row?.clock_ms ?? null,
        owedMs: row?.owed_ms ?? 0,
      };
    },
    async setPace(replayId, { rowsPerSecond, bytesPerSecond, paused, speed = null }) {
      // The clock goes on from where it stands: a pause, or another speed, makes no jump.
      await ask(
        'setting the pace',
        `INSERT INTO headrace.pace AS p (replay_id, rows_per_second, bytes_per_second, paused, speed) VALUES ($1, $2, $3, $4, $5)
         ON CONFLICT (replay_id) DO UPDATE SET rows_per_second = $2, bytes_per_second = $3, paused = $4, free_at = now(),
           speed = $5, clock_at = clock_timestamp(), clock_ms = CASE WHEN $5::float8 IS NOT NULL THEN ${CLOCK_MS} END`,
        [replayId, rowsPerSecond, bytesPerSecond, paused, speed],
      );
    },
    async startClock(replayId, eventMs) {
      await ask(
        'starting the clock',
        'UPDATE headrace.pace SET clock_ms = $2, clock_at = clock_timestamp() WHERE replay_id = $1 AND clock_ms IS NULL',
        [replayId, eventMs],
      );
    },
    async pay(replayId, rows, bytes) {
      await ask(
        'paying for what was sent',
        `UPDATE headrace.pace SET free_at = greatest(free_at, now()) + interval '1 second' *
           greatest(coalesce($2 / rows_per_second, 0), coalesce($3 / bytes_per_second, 0)) WHERE replay_id = $1`,
        [replayId, rows, bytes],
      );
    },
  };
}
