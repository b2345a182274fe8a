/**
 * Which re-drives stand for a replay's dead letters. A letter knows its replay and its re-drive; where that left a letter of
 * the same key again, the next re-drive is followed, and so on. By key: a re-drive takes letters of several replays, and only
 * those of the one in question are its own.
 */
import type pg from 'pg';
import type { Redriven } from '../../activities/ports/verify.ts';
import { query } from './pool.ts';

const SETTLED = `SELECT replay_id, redrive, record_key FROM headrace.dead_letter
  WHERE dataset = $1 AND topic_id = $2 AND state = 'redriven' AND redrive IS NOT NULL AND record_key IS NOT NULL`;

/** @param pool of the control database */
export async function redrivenLetters(
  pool: pg.Pool,
  dataset: string,
  topicId: string,
  replayId: string,
): Promise<Redriven> {
  const doing = `reading the re-driven dead letters of ${dataset}`;
  const ask = <Row extends pg.QueryResultRow>(sql: string, values: readonly unknown[]) =>
    query<Row>(pool, 'ControlUnavailable', doing, sql, values);
  const ours = await ask<{ redrive: string; record_key: Buffer }>(
    `WITH RECURSIVE settled AS (${SETTLED}), ours AS (
       SELECT redrive, record_key FROM settled WHERE replay_id = $3
       UNION SELECT s.redrive, s.record_key FROM settled s JOIN ours o ON (s.replay_id, s.record_key) = (o.redrive, o.record_key))
     SELECT redrive, record_key FROM ours`,
    [dataset, topicId, replayId],
  );
  const refused = await ask<{ partition: number; offsets: string[] }>(
    `SELECT partition, array_agg(offset_ ORDER BY offset_)::text[] AS offsets FROM headrace.dead_letter
     WHERE dataset = $1 AND topic_id = $2 AND state = 'redriven' AND hop = 'load' GROUP BY partition`,
    [dataset, topicId],
  );
  return {
    replays: [...new Set(ours.map(({ redrive }) => redrive))],
    keys: new Set(ours.map(({ record_key }) => record_key.toString('utf8'))),
    refused: new Map(refused.map(({ partition, offsets }) => [partition, offsets.map(Number)])),
  };
}
