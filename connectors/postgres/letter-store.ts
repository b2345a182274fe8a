/** Dead letters in the control database, as they are looked at, claimed, and settled. One statement a call. */
import type pg from 'pg';
import type { ClaimedLetter, Letters } from '../../activities/ports/letters.ts';
import type { LetterLook, LetterPlace } from '../../contracts/letters.ts';
import { query } from './pool.ts';
import { lettersToSend, sentSoFar } from './letter-queue.ts';

/** Of key and value, for people. */
const PREVIEW_BYTES = 200;
/** A claim whose replay was never stored: whoever made it has died in between. */
const STALE_CLAIM = "interval '10 minutes'";

interface LetterRow {
  topic: string;
  topic_id: string;
  partition: number;
  offset_: string;
  hop: 'land' | 'load';
  reason: string;
  state: LetterLook['state'];
  replay_id: string | null;
  chunk: number | null;
  redrive: string | null;
  why: string | null;
  found_at: Date;
  settled_at: Date | null;
  bytes: string;
  key_head: Buffer | null;
  value_head: Buffer | null;
}

const toLook = (row: LetterRow): LetterLook => ({
  topic: row.topic,
  topicId: row.topic_id,
  partition: row.partition,
  offset: Number(row.offset_),
  hop: row.hop,
  reason: row.reason,
  state: row.state,
  replayId: row.replay_id,
  chunk: row.chunk,
  redrive: row.redrive,
  why: row.why,
  foundAt: row.found_at.toISOString(),
  settledAt: row.settled_at?.toISOString() ?? null,
  bytes: Number(row.bytes),
  key: row.key_head?.toString('utf8') ?? null,
  preview: row.value_head?.toString('utf8') ?? null,
});

/** Places as parameters; NULL: all. */
const placesOf = (places: readonly LetterPlace[] | null): [number[] | null, number[] | null] =>
  places === null ? [null, null] : [places.map(({ partition }) => partition), places.map(({ offset }) => offset)];
const isMeant = (first: number): string =>
  `($${first}::int[] IS NULL OR (d.partition, d.offset_) IN (SELECT * FROM unnest($${first}::int[], $${first + 1}::bigint[])))`;
/** A re-drive under way will read its key, or has. */
const isHeld = `d.redrive IS NOT NULL AND (EXISTS (SELECT FROM headrace.replay r WHERE r.replay_id = d.redrive AND r.state <> 'abandoned')
  OR (d.claimed_at > now() - ${STALE_CLAIM} AND NOT EXISTS (SELECT FROM headrace.replay r WHERE r.replay_id = d.redrive)))`;

/** @param pool of the control database */
export function openLetters(pool: pg.Pool): Letters {
  const ask = <Row extends pg.QueryResultRow>(doing: string, sql: string, values: readonly unknown[]) =>
    query<Row>(pool, 'ControlUnavailable', doing, sql, values);
  return {
    async list(dataset, state, limit) {
      const rows = await ask<LetterRow>(
        `reading the dead letters of ${dataset}`,
        `SELECT topic, topic_id, partition, offset_, hop, reason, state, replay_id, chunk, redrive, why, found_at, settled_at,
                coalesce(length(record_key), 0) + coalesce(length(record_value), 0) AS bytes,
                substr(record_key, 1, ${PREVIEW_BYTES}) AS key_head, substr(record_value, 1, ${PREVIEW_BYTES}) AS value_head
         FROM headrace.dead_letter WHERE dataset = $1 AND ($2::text IS NULL OR state = $2)
         ORDER BY found_at DESC, partition, offset_ LIMIT $3`,
        [dataset, state ?? null, limit],
      );
      return rows.map(toLook);
    },
    async counts(dataset) {
      const [row] = await ask<Record<'open' | 'redriven' | 'discarded' | 'without_key', string>>(
        `counting the dead letters of ${dataset}`,
        `SELECT count(*) FILTER (WHERE state = 'open') AS open, count(*) FILTER (WHERE state = 'redriven') AS redriven,
                count(*) FILTER (WHERE state = 'discarded') AS discarded,
                count(*) FILTER (WHERE state = 'open' AND record_key IS NULL) AS without_key
         FROM headrace.dead_letter WHERE dataset = $1`,
        [dataset],
      );
      return {
        open: Number(row?.open ?? 0),
        redriven: Number(row?.redriven ?? 0),
        discarded: Number(row?.discarded ?? 0),
        withoutKey: Number(row?.without_key ?? 0),
      };
    },
    async claimants(dataset) {
      const rows = await ask<{ redrive: string }>(
        `reading who re-drives dead letters of ${dataset}`,
        `SELECT DISTINCT d.redrive FROM headrace.dead_letter d JOIN headrace.replay r ON r.replay_id = d.redrive
         WHERE d.dataset = $1 AND d.state = 'open' AND r.state <> 'abandoned' ORDER BY 1`,
        [dataset],
      );
      return rows.map((row) => row.redrive);
    },
    async claim(dataset, replayId, places, limit) {
      await ask(
        `claiming dead letters of ${dataset}`,
        `UPDATE headrace.dead_letter SET redrive = $2, claimed_at = now()
         WHERE (dataset, topic_id, partition, offset_) IN (
           SELECT d.dataset, d.topic_id, d.partition, d.offset_ FROM headrace.dead_letter d
           WHERE d.dataset = $1 AND d.state = 'open' AND d.record_key IS NOT NULL AND d.redrive IS DISTINCT FROM $2
             AND NOT (${isHeld}) AND ${isMeant(3)}
           ORDER BY d.found_at, d.partition, d.offset_ LIMIT $5 FOR UPDATE SKIP LOCKED) AND state = 'open'`,
        [dataset, replayId, ...placesOf(places), limit],
      );
      const rows = await ask<{ topic_id: string; partition: number; offset_: string; record_key: Buffer | null }>(
        `reading the dead letters that ${replayId} claimed`,
        `SELECT topic_id, partition, offset_, record_key FROM headrace.dead_letter WHERE redrive = $1 AND state = 'open'
         ORDER BY partition, offset_`,
        [replayId],
      );
      return rows.map((row): ClaimedLetter => ({
        topicId: row.topic_id,
        partition: row.partition,
        offset: Number(row.offset_),
        key: row.record_key,
      }));
    },
    async unclaim(replayId, letters) {
      await ask(
        `giving up dead letters that ${replayId} claimed`,
        `UPDATE headrace.dead_letter d SET redrive = NULL, claimed_at = NULL WHERE redrive = $1 AND state = 'open'
           AND ($2::text[] IS NULL OR (topic_id, partition, offset_) IN (SELECT * FROM unnest($2::text[], $3::int[], $4::bigint[])))`,
        [
          replayId,
          letters?.map(({ topicId }) => topicId) ?? null,
          letters?.map(({ partition }) => partition) ?? null,
          letters?.map(({ offset }) => offset) ?? null,
        ],
      );
    },
    async redriven(replayId) {
      await ask(
        `noting that ${replayId} re-drove its dead letters`,
        `UPDATE headrace.dead_letter SET state = 'redriven', settled_at = now() WHERE redrive = $1 AND state = 'open'`,
        [replayId],
      );
      const [row] = await ask<{ count: string }>(
        `counting the dead letters that ${replayId} re-drove`,
        `SELECT count(*) FROM headrace.dead_letter WHERE redrive = $1 AND state = 'redriven'`,
        [replayId],
      );
      return Number(row?.count ?? 0);
    },
    async discard(dataset, places, why) {
      const rows = await ask<{ partition: number; offset_: string }>(
        `discarding dead letters of ${dataset}`,
        `UPDATE headrace.dead_letter d SET state = 'discarded', why = $2, settled_at = now(), redrive = NULL
         WHERE d.dataset = $1 AND d.state = 'open' AND NOT (${isHeld}) AND ${isMeant(3)} RETURNING d.partition, d.offset_`,
        [dataset, why, ...placesOf(places)],
      );
      return rows.map((row) => ({ partition: row.partition, offset: Number(row.offset_) }));
    },
    toSend: (dataset, upTo, most) => lettersToSend(pool, dataset, upTo, most),
    sent: (dataset) => sentSoFar(pool, dataset),
  };
}
