/** A replay's one budget of rows and bytes over all of its lanes, by the control database's clock. One statement a call. */
import type pg from 'pg';
import type { Replays } from '../../activities/ports/replays.ts';
import { query } from './pool.ts';

export function openPace(pool: pg.Pool): Pick<Replays, 'pace' | 'setPace' | 'pay'> {
  const ask = <Row extends pg.QueryResultRow>(doing: string, sql: string, values: readonly unknown[]) =>
    query<Row>(pool, 'ControlUnavailable', doing, sql, values);
  return {
    async pace(replayId) {
      const rows = await ask<{ rows: number | null; bytes: number | null; paused: boolean; owed_ms: number }>(
        'reading the pace',
        `SELECT rows_per_second AS rows, bytes_per_second AS bytes, paused,
                (extract(epoch FROM free_at - clock_timestamp()) * 1000)::float8 AS owed_ms
         FROM headrace.pace WHERE replay_id = $1`,
        [replayId],
      );
      const [row] = rows;
      return {
        rowsPerSecond: row?.rows ?? null,
        bytesPerSecond: row?.bytes ?? null,
        paused: row?.paused ?? false,
        owedMs: row?.owed_ms ?? 0,
      };
    },
    async setPace(replayId, { rowsPerSecond, bytesPerSecond, paused }) {
      await ask(
        'setting the pace',
        `INSERT INTO headrace.pace (replay_id, rows_per_second, bytes_per_second, paused) VALUES ($1, $2, $3, $4)
         ON CONFLICT (replay_id) DO UPDATE SET rows_per_second = $2, bytes_per_second = $3, paused = $4, free_at = now()`,
        [replayId, rowsPerSecond, bytesPerSecond, paused],
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
