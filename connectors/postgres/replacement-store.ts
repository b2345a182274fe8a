/**
 * Cuts that give way. Locks the partition's row first and cuts second, as manifest-cuts.ts does; `FOR UPDATE` sees the newest
 * version of a row after a lock wait, so that what another statement has retired in the meantime is not found sealed.
 */
import type pg from 'pg';
import type { Replacements, RetiredCut, StandingCut } from '../../activities/ports/replacements.ts';
import type { CutObject } from '../../contracts/manifest.ts';
import { CUT_JSON, type CutJson, toCut } from './manifest-rows.ts';
import { query } from './pool.ts';

/** Aliases `c` and `p`. */
const STANDING = `p.id, p.topic_id, p.partition, ${CUT_JSON} AS cut,
  (SELECT max(a.attempt) FROM headrace.cut a WHERE a.partition_id = c.partition_id AND a.start_offset = c.start_offset) AS last`;

const LOADED_SQL = `
  SELECT ${STANDING} FROM (
    SELECT c.*, max(c.sealed_at) OVER (PARTITION BY c.partition_id ORDER BY c.start_offset) AS newest_so_far, w.up_to
    FROM headrace.manifest_partition p
    JOIN unnest($2::text[], $3::int[], $4::bigint[]) AS w (topic_id, partition, up_to) USING (topic_id, partition)
    JOIN headrace.cut c ON c.partition_id = p.id
    WHERE p.dataset = $1 AND c.state = 'sealed' AND jsonb_array_length(c.objects) > 0) c
  JOIN headrace.manifest_partition p ON p.id = c.partition_id
  WHERE c.end_offset <= c.up_to AND c.newest_so_far <= now() - $5 * interval '1 ms'
    AND ($6::text IS NULL OR NOT starts_with(c.objects->0->>'name', $6))
  ORDER BY p.id, c.start_offset LIMIT $7`;

const BEGIN_SQL = `
  INSERT INTO headrace.cut (partition_id, start_offset, end_offset, attempt, state, reason, rows, bytes, objects,
                            input_sha256, encoder, schema_version, dead_letters, replaces)
  VALUES ($1, $2, $3, $4, 'replacing', $5, $6, $7, $8, $9, $10, $11, $12, $13)
  ON CONFLICT (partition_id, start_offset, attempt) DO NOTHING RETURNING attempt`;

/** That the ranges and rows add up is an alarm: whoever began it had compared them. */
const FINISH_SQL = `
  WITH p AS (SELECT id FROM headrace.manifest_partition WHERE id = $1 FOR UPDATE),
  new AS (
    SELECT c.* FROM headrace.cut c JOIN p ON c.partition_id = p.id
    WHERE c.start_offset = $2 AND c.attempt = $3 AND c.state = 'replacing' FOR UPDATE OF c),
  old AS (
    SELECT c.* FROM new CROSS JOIN jsonb_to_recordset(new.replaces) AS r (start bigint, attempt int)
    JOIN headrace.cut c ON c.partition_id = new.partition_id AND c.start_offset = r.start AND c.attempt = r.attempt
    WHERE c.state = 'sealed' FOR UPDATE OF c),
  whole AS (
    SELECT max(old.opened_at) AS opened_at, max(old.sealed_at) AS sealed_at
    FROM old JOIN new USING (partition_id)
    GROUP BY new.replaces, new.rows, new.start_offset, new.end_offset
    HAVING count(*) = jsonb_array_length(new.replaces) AND sum(old.rows) = new.rows
      AND min(old.start_offset) = new.start_offset AND max(old.end_offset) = new.end_offset
      AND sum(old.end_offset - old.start_offset) = new.end_offset - new.start_offset),
  touched AS (SELECT partition_id, start_offset, attempt FROM new UNION ALL SELECT partition_id, start_offset, attempt FROM old)
  UPDATE headrace.cut c SET
    state = CASE c.state WHEN 'replacing' THEN 'sealed' ELSE 'replaced' END,
    retired_at = CASE c.state WHEN 'replacing' THEN NULL ELSE now() END,
    opened_at = CASE c.state WHEN 'replacing' THEN whole.opened_at ELSE c.opened_at END,
    sealed_at = CASE c.state WHEN 'replacing' THEN whole.sealed_at ELSE c.sealed_at END
  FROM whole, touched
  WHERE c.partition_id = touched.partition_id AND c.start_offset = touched.start_offset AND c.attempt = touched.attempt
  RETURNING c.attempt`;

const EXPIRE_SQL = `
  WITH locked AS (SELECT id FROM headrace.manifest_partition WHERE id = $1 FOR UPDATE)
  UPDATE headrace.cut c SET state = 'expired', retired_at = now()
  FROM locked, jsonb_to_recordset($2) AS w (start bigint, attempt int)
  WHERE c.partition_id = locked.id AND c.start_offset = w.start AND c.attempt = w.attempt AND c.state = 'sealed'
  RETURNING c.attempt`;

// A name that a living cut has, too, is not handed out: none should be, as names are not used again.
const RETIRED_SQL = `
  SELECT c.partition_id, c.start_offset, c.attempt, coalesce((
    SELECT jsonb_agg(o) FROM jsonb_array_elements(c.objects) AS o
    WHERE NOT EXISTS (SELECT FROM headrace.cut l WHERE l.partition_id = c.partition_id AND l.start_offset = c.start_offset
      AND l.state IN ('open', 'sealed', 'replacing') AND l.objects @> jsonb_build_array(jsonb_build_object('name', o->'name')))
  ), '[]') AS objects
  FROM headrace.cut c JOIN headrace.manifest_partition p ON p.id = c.partition_id
  WHERE p.dataset = $1 AND c.retired_at <= now() - $2 * interval '1 ms' AND c.removed_at IS NULL
  ORDER BY c.retired_at LIMIT $3`;

interface StandingRow {
  id: string;
  topic_id: string;
  partition: number;
  cut: CutJson;
  last: number;
}

const toStanding = (row: StandingRow): StandingCut => ({
  ...toCut(row.partition, row.cut),
  ...{ partitionId: row.id, topicId: row.topic_id, lastAttempt: row.last },
});

/** @param pool of the control database */
export function openReplacements(pool: pg.Pool): Replacements {
  const ask = <Row extends pg.QueryResultRow>(doing: string, sql: string, values: readonly unknown[]) =>
    query<Row>(pool, 'ControlUnavailable', doing, sql, values);
  return {
    async standing({ dataset, topicId, partition }, from, limit) {
      const rows = await ask<StandingRow>(
        `reading the sealed cuts of ${dataset}`,
        `SELECT ${STANDING} FROM headrace.cut c JOIN headrace.manifest_partition p ON p.id = c.partition_id
         WHERE p.dataset = $1 AND p.topic_id = $2 AND p.partition = $3 AND c.state = 'sealed' AND c.start_offset >= $4
         ORDER BY c.start_offset LIMIT $5`,
        [dataset, topicId, partition, from, limit],
      );
      return rows.map(toStanding);
    },
    async loaded({ dataset, ledger, olderThanMs, notUnder, limit }) {
      const of = <Key extends keyof (typeof ledger)[number]>(key: Key) => ledger.map((each) => each[key]);
      const under = notUnder === undefined ? null : `${notUnder}/`;
      const values = [dataset, of('topicId'), of('partition'), of('end'), olderThanMs, under, limit];
      return (await ask<StandingRow>(`reading what is loaded of ${dataset}`, LOADED_SQL, values)).map(toStanding);
    },
    async begin(cut) {
      const rows = await ask(`recording a replacement at ${cut.start}`, BEGIN_SQL, [
        ...[cut.partitionId, cut.start, cut.end, cut.attempt, cut.reason, cut.rows, cut.bytes],
        ...[JSON.stringify(cut.objects), cut.inputSha256, JSON.stringify(cut.encoder), cut.schemaVersion],
        ...[cut.deadLetters, JSON.stringify(cut.replaces)],
      ]);
      return rows.length > 0;
    },
    async finish({ partitionId, start, attempt }) {
      const doing = `replacing the cuts from ${start} on`;
      if ((await ask(doing, FINISH_SQL, [partitionId, start, attempt])).length > 0) return true;
      // An answer that was lost, and asked for again.
      const sql = `SELECT FROM headrace.cut WHERE partition_id = $1 AND start_offset = $2 AND attempt = $3 AND state IN ('sealed', 'replaced', 'expired')`;
      return (await ask(doing, sql, [partitionId, start, attempt])).length > 0;
    },
    async abandon({ partitionId, start, attempt }) {
      const sql = `UPDATE headrace.cut SET state = 'void', retired_at = now() WHERE partition_id = $1 AND start_offset = $2 AND attempt = $3
        AND state = 'replacing' RETURNING attempt`;
      return (await ask(`giving up the replacement at ${start}`, sql, [partitionId, start, attempt])).length > 0;
    },
    async abandonOld(dataset, olderThanMs) {
      const sql = `UPDATE headrace.cut c SET state = 'void', retired_at = now() FROM headrace.manifest_partition p
        WHERE p.id = c.partition_id AND p.dataset = $1 AND c.state = 'replacing'
          AND c.opened_at <= now() - $2 * interval '1 ms' RETURNING c.attempt`;
      return (await ask(`giving up old replacements of ${dataset}`, sql, [dataset, olderThanMs])).length;
    },
    async expire(partitionId, cuts) {
      const rows = await ask('marking cuts as expired', EXPIRE_SQL, [partitionId, JSON.stringify(cuts)]);
      return rows.length;
    },
    async retired(dataset, olderThanMs, limit) {
      const rows = await ask<{ partition_id: string; start_offset: string; attempt: number; objects: CutObject[] }>(
        `looking for retired cuts of ${dataset}`,
        RETIRED_SQL,
        [dataset, olderThanMs, limit],
      );
      return rows.map((row): RetiredCut => ({
        ...{ partitionId: row.partition_id, start: Number(row.start_offset), attempt: row.attempt },
        objects: row.objects,
      }));
    },
    async noteRemoved(cuts) {
      await ask(
        'noting removed objects',
        `UPDATE headrace.cut c SET removed_at = now()
         FROM jsonb_to_recordset($1) AS w ("partitionId" bigint, start bigint, attempt int)
         WHERE c.partition_id = w."partitionId" AND c.start_offset = w.start AND c.attempt = w.attempt AND c.removed_at IS NULL`,
        [JSON.stringify(cuts.map(({ partitionId, start, attempt }) => ({ partitionId, start, attempt })))],
      );
    },
  };
}
