/** Dead letters and losses. Both are found again by whoever finishes a range again, so both are inserted idempotently. */
import type pg from 'pg';
import type { DeadLetter, LostRange, Manifest } from '../../activities/ports/manifest.ts';
import { query } from './pool.ts';

/** Rows a statement: dead letters carry their records' bytes. */
const LETTERS_AT_ONCE = 500;
/** A letter may hold 10 MiB, which a statement carries in hex, and a hundred of those are longer than a string may be. */
const BYTES_AT_ONCE = 16 * 1024 * 1024;

interface LostRow {
  partition: number;
  start_offset: string;
  end_offset: string;
  accepted: boolean;
}
const toRange = (row: LostRow): LostRange => ({
  partition: row.partition,
  start: Number(row.start_offset),
  end: Number(row.end_offset),
  accepted: row.accepted,
});

type LossPart = Pick<Manifest, 'openLetters' | 'addDeadLetters' | 'noteLost' | 'skipLost' | 'acceptLost' | 'lost'>;

export function manifestLosses(pool: pg.Pool): LossPart {
  const ask = <Row extends pg.QueryResultRow>(doing: string, sql: string, values: readonly unknown[]) =>
    query<Row>(pool, 'ControlUnavailable', doing, sql, values);
  return {
    async addDeadLetters({ dataset, topicId, topic, partition, hop }, letters) {
      for (const some of inStatements(letters)) {
        await ask(
          `storing dead letters of ${topic}, partition ${partition}`,
          `INSERT INTO headrace.dead_letter
             (dataset, topic_id, topic, partition, hop, offset_, record_key, record_value, headers, replay_id, chunk, reason)
           SELECT $1, $2, $3, $4, $12, * FROM unnest($5::bigint[], $6::bytea[], $7::bytea[], $8::jsonb[], $9::text[],
                                                     $10::int[], $11::text[])
           ON CONFLICT DO NOTHING`,
          [
            dataset,
            topicId,
            topic,
            partition,
            some.map((letter) => letter.offset),
            some.map((letter) => letter.key),
            some.map((letter) => letter.value),
            some.map((letter) =>
              JSON.stringify(letter.headers.map(([name, bytes]) => [name, bytes.toString('base64')])),
            ),
            some.map((letter) => letter.replayId),
            some.map((letter) => letter.chunk),
            // A text of PostgreSQL holds no NUL; a reason may quote the record.
            some.map((letter) => letter.reason.replaceAll('\0', '\\0')),
            hop,
          ],
        );
      }
    },
    async openLetters(dataset) {
      const [row] = await ask<{ open: string }>(
        `counting the open dead letters of ${dataset}`,
        `SELECT count(*) AS open FROM headrace.dead_letter WHERE dataset = $1 AND state = 'open'`,
        [dataset],
      );
      return Number(row?.open ?? 0);
    },
    async noteLost(claim, start, end, why) {
      await ask(
        `noting offsets ${start} to ${end} of partition ${claim.partition} as lost`,
        `WITH locked AS (SELECT id FROM headrace.manifest_partition WHERE id = $1 AND token = $2 AND next = $3 FOR UPDATE)
         INSERT INTO headrace.lost AS l (partition_id, start_offset, end_offset, why) SELECT id, $3, $4, $5 FROM locked
         ON CONFLICT (partition_id, start_offset) DO UPDATE
           SET end_offset = greatest(l.end_offset, excluded.end_offset), why = excluded.why WHERE l.accepted_at IS NULL`,
        [claim.id, claim.token, start, end, why],
      );
    },
    async skipLost(claim) {
      const [row] = await ask<{ next: string }>(
        `going on behind the accepted loss of partition ${claim.partition}`,
        `UPDATE headrace.manifest_partition p SET next = l.end_offset FROM headrace.lost l
         WHERE p.id = $1 AND p.token = $2 AND l.partition_id = p.id AND l.start_offset = p.next
           AND l.accepted_at IS NOT NULL
           AND NOT EXISTS (SELECT FROM headrace.cut WHERE partition_id = $1 AND state = 'open')
         RETURNING p.next`,
        [claim.id, claim.token],
      );
      return row ? Number(row.next) : null;
    },
    async acceptLost(dataset, topicId) {
      const rows = await ask<LostRow>(
        `accepting the losses of ${dataset}`,
        `UPDATE headrace.lost l SET accepted_at = now() FROM headrace.manifest_partition p
         WHERE p.id = l.partition_id AND p.dataset = $1 AND p.topic_id = $2 AND l.accepted_at IS NULL
         RETURNING p.partition, l.start_offset, l.end_offset, true AS accepted`,
        [dataset, topicId],
      );
      return rows.map(toRange);
    },
    async lost(dataset, topicId) {
      const rows = await ask<LostRow>(
        `reading the losses of ${dataset}`,
        `SELECT p.partition, l.start_offset, l.end_offset, l.accepted_at IS NOT NULL AS accepted
         FROM headrace.lost l JOIN headrace.manifest_partition p ON p.id = l.partition_id
         WHERE p.dataset = $1 AND p.topic_id = $2 ORDER BY 1, l.start_offset`,
        [dataset, topicId],
      );
      return rows.map(toRange);
    },
  };
}

function inStatements(letters: readonly DeadLetter[]): DeadLetter[][] {
  const statements: DeadLetter[][] = [];
  let bytes = Infinity;
  for (const letter of letters) {
    const size = (letter.key?.length ?? 0) + (letter.value?.length ?? 0);
    const last = statements.at(-1);
    if (last && last.length < LETTERS_AT_ONCE && bytes + size <= BYTES_AT_ONCE) last.push(letter);
    else statements.push([letter]);
    bytes = statements.at(-1) === last ? bytes + size : size;
  }
  return statements;
}
