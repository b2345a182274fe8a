/**
 * Dead letters on their way to the topic of dead letters. Each gets a number in its dataset when it is first to be sent. A
 * number, once visible, has all lower ones visible before it: two that number at once collide on the unique index, and
 * whoever comes later sees the highest. So "all up to n are in the topic" can be said by one number.
 */
import type pg from 'pg';
import type { NumberedLetter } from '../../activities/ports/letters.ts';
import { query } from './pool.ts';

/** A topic of another pipeline's may bring millions: all in one statement took longer than any answer is waited for. */
const NUMBERED_AT_ONCE = 5_000;

interface QueuedRow {
  seq: string;
  topic: string;
  topic_id: string;
  partition: number;
  offset_: string;
  hop: string;
  record_key: Buffer | null;
  record_value: Buffer | null;
  headers: [string, string][];
  reason: string;
  found_at: Date;
}

export async function sentSoFar(pool: pg.Pool, dataset: string): Promise<number> {
  const rows = await query<{ sent: string | null }>(
    pool,
    'ControlUnavailable',
    `reading which dead letters of ${dataset} are in their topic`,
    'SELECT max(dlq_seq) AS sent FROM headrace.dead_letter WHERE dataset = $1 AND in_dlq',
    [dataset],
  );
  return Number(rows[0]?.sent ?? 0);
}

/** @param upTo number that Kafka has the letters up to */
export async function lettersToSend(
  pool: pg.Pool,
  dataset: string,
  upTo: number,
  most: number,
): Promise<NumberedLetter[]> {
  const doing = `queueing the dead letters of ${dataset}`;
  const ask = <Row extends pg.QueryResultRow>(sql: string, values: readonly unknown[]) =>
    query<Row>(pool, 'ControlUnavailable', doing, sql, values);
  await ask('UPDATE headrace.dead_letter SET in_dlq = true WHERE dataset = $1 AND dlq_seq <= $2 AND NOT in_dlq', [
    dataset,
    upTo,
  ]);
  const numbered = (): Promise<QueuedRow[]> =>
    ask<QueuedRow>(
      `SELECT dlq_seq AS seq, topic, topic_id, partition, offset_, hop, record_key, record_value, headers, reason, found_at
       FROM headrace.dead_letter WHERE dataset = $1 AND dlq_seq > $2 ORDER BY dlq_seq LIMIT $3`,
      [dataset, upTo, most],
    );
  let rows = await numbered();
  if (rows.length < most) {
    await ask(
      `UPDATE headrace.dead_letter d SET dlq_seq = n.seq FROM (
         SELECT topic_id, partition, offset_,
                greatest($2::bigint, (SELECT coalesce(max(dlq_seq), 0) FROM headrace.dead_letter WHERE dataset = $1))
                  + row_number() OVER (ORDER BY found_at, topic_id, partition, offset_) AS seq
         FROM (SELECT topic_id, partition, offset_, found_at FROM headrace.dead_letter
               WHERE dataset = $1 AND dlq_seq IS NULL LIMIT $3) AS unnumbered) n
       WHERE d.dataset = $1 AND d.topic_id = n.topic_id AND d.partition = n.partition AND d.offset_ = n.offset_ AND d.dlq_seq IS NULL`,
      [dataset, upTo, NUMBERED_AT_ONCE],
    );
    rows = await numbered();
  }
  return rows.map((row) => ({
    seq: Number(row.seq),
    topic: row.topic,
    topicId: row.topic_id,
    partition: row.partition,
    offset: Number(row.offset_),
    hop: row.hop,
    key: row.record_key,
    value: row.record_value,
    headers: row.headers.map(([name, value]) => [name, Buffer.from(value, 'base64')] as const),
    reason: row.reason,
    foundAt: row.found_at.toISOString(),
  }));
}
