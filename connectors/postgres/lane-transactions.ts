/**
 * Transactions of lanes in the control database: begun before anything is sent, done once Kafka says so. One statement a call;
 * a lane begins none while its last one's outcome is not noted, nor for a replay that does not publish (any more).
 */
import type pg from 'pg';
import type { LaneTransaction, Replays } from '../../activities/ports/replays.ts';
import type { Key } from '../../contracts/columns.ts';
import { query } from './pool.ts';

type LaneTransactions = Pick<
  Replays,
  'clock' | 'lastTransaction' | 'begin' | 'done' | 'forget' | 'openLanes' | 'rowsIn'
>;

const json = (value: unknown): string | null => (value === null ? null : JSON.stringify(value));

export function openLaneTransactions(pool: pg.Pool): LaneTransactions {
  const ask = <Row extends pg.QueryResultRow>(doing: string, sql: string, values: readonly unknown[]) =>
    query<Row>(pool, 'ControlUnavailable', doing, sql, values);
  return {
    async clock() {
      const rows = await ask<{ now: number }>(
        'reading the clock',
        'SELECT (extract(epoch FROM clock_timestamp()) * 1000)::float8 AS now',
        [],
      );
      return rows[0]?.now ?? Date.now();
    },
    async lastTransaction(replayId, lane): Promise<LaneTransaction | null> {
      const rows = await ask<{
        seq: string;
        chunk: number;
        from_key: Key | null;
        state: 'begun' | 'done';
        age_ms: number;
        last_key: Key | null;
        chunk_done: boolean | null;
      }>(
        'reading the lane',
        `SELECT seq, chunk, from_key, state, (extract(epoch FROM now() - begun_at) * 1000)::float8 AS age_ms, last_key, chunk_done
         FROM headrace.lane_transaction WHERE replay_id = $1 AND lane = $2 ORDER BY seq DESC LIMIT 1`,
        [replayId, lane],
      );
      const row = rows[0];
      return row
        ? {
            seq: Number(row.seq),
            chunk: row.chunk,
            fromKey: row.from_key,
            state: row.state,
            ageMs: row.age_ms,
            lastKey: row.last_key,
            chunkDone: row.chunk_done ?? false,
          }
        : null;
    },
    async begin(replayId, lane, seq, chunk, fromKey) {
      const rows = await ask(
        'recording a transaction’s begin',
        `INSERT INTO headrace.lane_transaction (replay_id, lane, seq, chunk, from_key, state)
         SELECT replay_id, $2, $3, $4, $5, 'begun' FROM (
           SELECT replay_id FROM headrace.replay WHERE replay_id = $1 AND state = 'publishing' FOR SHARE) AS publishing
         WHERE NOT EXISTS (SELECT 1 FROM headrace.lane_transaction t
                           WHERE t.replay_id = $1 AND t.lane = $2 AND (t.state = 'begun' OR t.seq >= $3))
         ON CONFLICT DO NOTHING RETURNING seq`,
        [replayId, lane, seq, chunk, json(fromKey)],
      );
      return rows.length === 1;
    },
    async done(replayId, lane, seq, progress, chunkDone) {
      await ask(
        'noting a transaction’s outcome',
        `UPDATE headrace.lane_transaction SET state = 'done', last_key = $4, rows = $5, checksum = $6, chunk_done = $7, done_at = now()
         WHERE replay_id = $1 AND lane = $2 AND seq = $3 AND state = 'begun'`,
        [replayId, lane, seq, json(progress.lastKey), progress.rows, progress.checksum, chunkDone],
      );
    },
    async openLanes(replayId) {
      const rows = await ask<{ lane: number }>(
        'reading open lanes',
        `SELECT lane FROM headrace.lane_transaction WHERE replay_id = $1 AND state = 'begun' ORDER BY lane`,
        [replayId],
      );
      return rows.map((row) => row.lane);
    },
    async rowsIn(replayId, chunk) {
      const rows = await ask<{ rows: string }>(
        'counting rows that are in',
        `SELECT coalesce(sum(rows), 0) AS rows FROM headrace.lane_transaction
         WHERE replay_id = $1 AND state = 'done' AND ($2::int IS NULL OR chunk = $2)`,
        [replayId, chunk ?? null],
      );
      return Number(rows[0]?.rows ?? 0);
    },
    async forget(replayId, lane, seq) {
      await ask(
        'forgetting a transaction that never came in',
        `DELETE FROM headrace.lane_transaction WHERE replay_id = $1 AND lane = $2 AND seq = $3 AND state = 'begun'`,
        [replayId, lane, seq],
      );
    },
  };
}
