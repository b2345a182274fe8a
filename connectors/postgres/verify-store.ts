/** What was published, as the control database has it from Kafka's own answers. One statement a question. */
import type pg from 'pg';
import type { Key } from '../../contracts/columns.ts';
import { fault } from '../../contracts/errors.ts';
import { RECOVERED } from '../../contracts/replay.ts';
import type { VerifyStore } from '../../activities/ports/verify.ts';
import { query } from './pool.ts';
import { redrivenLetters } from './redriven-letters.ts';
import { type ReplayRow, toReplay } from './replay-row.ts';

const recoveredText = (replayId: string): string =>
  `replay ${replayId} was found in the topic by headrace recover, after the control database was lost: what it published is ` +
  'not known any more, so it cannot be verified; replay again, and verify that';

interface PublishedRow extends ReplayRow {
  planned_at: Date;
  published_at: Date | null;
  ends: Record<string, number> | null;
}

/** @param pool of the control database */
export function openVerifyStore(pool: pg.Pool): VerifyStore {
  const ask = <Row extends pg.QueryResultRow>(doing: string, sql: string, values: readonly unknown[]) =>
    query<Row>(pool, 'ControlUnavailable', doing, sql, values);
  return {
    published: async (pipeline, replayId) => {
      const [row] = await ask<PublishedRow>(
        `reading the replay of ${pipeline}`,
        `SELECT r.*, (SELECT jsonb_object_agg(e.partition, e.end_offset) FROM headrace.replay_end e
                      WHERE e.replay_id = r.replay_id) AS ends
         FROM headrace.replay r
         WHERE pipeline = $1 AND CASE WHEN $2::text IS NULL THEN state = 'published' AND NOT scope ? 'keys' ELSE replay_id = $2 END
         ORDER BY published_at DESC NULLS LAST LIMIT 1`,
        [pipeline, replayId ?? null],
      );
      if (row?.state === 'published' && row.published_at) {
        return {
          ...toReplay(row),
          ends: Object.fromEntries(Object.entries(row.ends ?? {}).map(([p, end]) => [Number(p), end])),
          plannedAt: row.planned_at.getTime(),
          publishedAt: row.published_at.getTime(),
        };
      }
      if (row?.workflow_id === RECOVERED) throw fault('ReplayUnknown', recoveredText(row.replay_id));
      const what =
        replayId === undefined ? `pipeline ${pipeline} has no published replay that is known` : `replay ${replayId}`;
      const why = row
        ? ` is ${row.state}, not published`
        : replayId === undefined
          ? ''
          : ` of pipeline ${pipeline} is unknown`;
      throw fault('ReplayUnknown', `${what}${why}; there is nothing to verify yet (see: headrace status)`);
    },
    publishedSums: async (replayId) => {
      const rows = await ask<{ chunk: number; rows: string; sum: string }>(
        `reading what replay ${replayId} published`,
        `SELECT chunk, sum(rows)::text AS rows, sum(checksum)::text AS sum FROM headrace.lane_transaction
         WHERE replay_id = $1 AND state = 'done' GROUP BY chunk`,
        [replayId],
      );
      return new Map(rows.map((row) => [row.chunk, { rows: Number(row.rows), sum: BigInt(row.sum) }]));
    },
    deadLetters: async (dataset, topicId, replayId) => {
      const rows = await ask<{ chunk: number; rows: string; open: string }>(
        `counting the dead letters of replay ${replayId}`,
        `SELECT coalesce(chunk, -1) AS chunk, count(*) FILTER (WHERE hop = 'land') AS rows,
                count(*) FILTER (WHERE state = 'open') AS open
         FROM headrace.dead_letter WHERE dataset = $1 AND topic_id = $2 AND replay_id = $3 GROUP BY 1`,
        [dataset, topicId, replayId],
      );
      return new Map(rows.map((row) => [row.chunk, { rows: Number(row.rows), open: Number(row.open) }]));
    },
    redriven: (...letters) => redrivenLetters(pool, ...letters),
    discards: async (dataset, replayId) => {
      const rows = await ask<{ record_key: Buffer | null; why: string | null; ours: boolean }>(
        `reading the discarded dead letters of ${dataset}`,
        `SELECT record_key, why, replay_id = $2 OR NOT EXISTS (SELECT FROM headrace.replay r WHERE r.replay_id = d.replay_id) AS ours
         FROM headrace.dead_letter d WHERE dataset = $1 AND state = 'discarded'`,
        [dataset, replayId],
      );
      return rows.map((row) => ({
        key: row.record_key?.toString('utf8') ?? null,
        why: row.why ?? '',
        ours: row.ours,
      }));
    },
    strayDeadLetters: async (dataset, topicId, ends, since) => {
      const [row] = await ask<{ open: string }>(
        `counting the dead letters of unknown replays of ${dataset}`,
        `SELECT count(*) AS open FROM headrace.dead_letter d
         JOIN jsonb_each_text($3::jsonb) AS e (partition, end_offset) ON e.partition::int = d.partition
         WHERE d.dataset = $1 AND d.topic_id = $2 AND d.state = 'open' AND d.offset_ < e.end_offset::bigint
           AND d.found_at >= to_timestamp($4 / 1000.0)
           AND NOT EXISTS (SELECT FROM headrace.replay r WHERE r.replay_id = d.replay_id)`,
        [dataset, topicId, JSON.stringify(ends), since],
      );
      return Number(row?.open ?? 0);
    },
    chunks: async (replayId, from, limit) => {
      const rows = await ask<{ chunk: number; after_key: Key | null; up_to_key: Key; skipped: boolean }>(
        `reading the chunks of replay ${replayId}`,
        `SELECT chunk, after_key, up_to_key, skipped_at IS NOT NULL AS skipped FROM headrace.chunk
         WHERE replay_id = $1 AND chunk >= $2 ORDER BY chunk LIMIT $3`,
        [replayId, from, limit],
      );
      return rows.map((row) => ({
        chunk: row.chunk,
        after: row.after_key,
        upTo: row.up_to_key,
        skipped: row.skipped,
      }));
    },
    skips: async (replayId) => {
      const rows = await ask<{ chunk: number; reason: string | null; skipped_by: string | null; skipped_at: Date }>(
        `reading the skipped chunks of replay ${replayId}`,
        `SELECT chunk, skip_reason AS reason, skipped_by, skipped_at FROM headrace.chunk
         WHERE replay_id = $1 AND skipped_at IS NOT NULL ORDER BY chunk`,
        [replayId],
      );
      return rows.map((row) => ({
        ...{ chunk: row.chunk, reason: row.reason ?? '', by: row.skipped_by },
        at: row.skipped_at.toISOString(),
      }));
    },
    skippedChunks: async (replayId) => {
      const [row] = await ask<{ skipped: string }>(
        `counting the skipped chunks of replay ${replayId}`,
        'SELECT count(*) AS skipped FROM headrace.chunk WHERE replay_id = $1 AND skipped_at IS NOT NULL',
        [replayId],
      );
      return Number(row?.skipped ?? 0);
    },
    loadSeconds: async (pipeline, since) => {
      const [row] = await ask<{ seconds: number }>(
        `reading the loads of ${pipeline}`,
        `SELECT coalesce(sum(seconds), 0) AS seconds FROM headrace.load_batch
         WHERE pipeline = $1 AND loaded_at >= to_timestamp($2 / 1000.0)`,
        [pipeline, since],
      );
      return row?.seconds ?? 0;
    },
  };
}
