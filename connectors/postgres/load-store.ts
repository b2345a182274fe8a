/**
 * The manifest as loading and verifying read it, from the control database. Each question is one statement, so that it
 * sees one moment of the manifest; cuts of a partition are sealed in order, so that what is seen has no hole but a lost one.
 */
import type pg from 'pg';
import { fault } from '../../contracts/errors.ts';
import type { CutObject, CutState, EncoderSettings, FileForm } from '../../contracts/manifest.ts';
import type { LoadStore, ManifestTopic } from '../../activities/ports/load-store.ts';
import type { Column } from '../../contracts/columns.ts';
import { newestSchema } from './newest-schema.ts';
import { query } from './pool.ts';

interface CutRow {
  partition: number;
  start_offset: string;
  end_offset: string;
  rows: string;
  bytes: string;
  objects: CutObject[];
  state: CutState;
  schema_version: string | null;
  encoder: EncoderSettings;
  opened_at: Date;
  sealed_at: Date;
}

// LATERAL with a LIMIT a partition: walks the cut's primary key from `from` on, whatever the dataset's age. The first
// member of the OR is the cut that straddles `from`, if there is one.
const CUTS_SQL = `
  SELECT p.partition, c.* FROM headrace.manifest_partition p
  JOIN unnest($3::int[], $4::bigint[]) AS w (partition, from_offset) ON w.partition = p.partition
  CROSS JOIN LATERAL (
    SELECT start_offset, end_offset, state, rows, bytes, objects, schema_version, encoder, opened_at, sealed_at
    FROM headrace.cut
    WHERE partition_id = p.id AND state IN ('sealed', 'expired') AND end_offset > w.from_offset
      AND start_offset >= coalesce((SELECT max(b.start_offset) FROM headrace.cut b
                                    WHERE b.partition_id = p.id AND b.state IN ('sealed', 'expired') AND b.start_offset <= w.from_offset), 0)
    ORDER BY start_offset LIMIT $5) c
  WHERE p.dataset = $1 AND p.topic_id = $2 ORDER BY p.partition, c.start_offset`;

/** @param pool of the control database */
export function openLoadStore(pool: pg.Pool): LoadStore {
  const ask = <Row extends pg.QueryResultRow>(doing: string, sql: string, values: readonly unknown[]) =>
    query<Row>(pool, 'ControlUnavailable', doing, sql, values);
  return {
    topics: async (dataset) => {
      const rows = await ask<{ topic_id: string; topic: string; partition: number; log_start: string; next: string }>(
        `reading the manifest of ${dataset}`,
        `SELECT topic_id, topic, partition, log_start, next FROM headrace.manifest_partition
         WHERE dataset = $1 ORDER BY min(id) OVER (PARTITION BY topic_id), partition`,
        [dataset],
      );
      const names = new Map(rows.map((row) => [row.topic_id, row.topic]));
      const topics = new Map<string, ManifestTopic['partitions'][number][]>();
      for (const row of rows) {
        const partitions = topics.get(row.topic_id) ?? [];
        partitions.push({ partition: row.partition, logStart: Number(row.log_start), next: Number(row.next) });
        topics.set(row.topic_id, partitions);
      }
      return [...topics].map(([topicId, partitions]) => ({ topicId, topic: names.get(topicId) ?? '', partitions }));
    },
    sealedCuts: async (dataset, topicId, from, limit) => {
      const values = [dataset, topicId, [...from.keys()], [...from.values()], limit];
      const rows = await ask<CutRow>(`reading the sealed cuts of ${dataset}`, CUTS_SQL, values);
      return rows.map((row) => ({
        partition: row.partition,
        start: Number(row.start_offset),
        end: Number(row.end_offset),
        rows: Number(row.rows),
        bytes: Number(row.bytes),
        objects: row.state === 'expired' ? [] : row.objects,
        expired: row.state === 'expired',
        schemaVersion: row.schema_version,
        form: formOf(row.encoder),
        openedAt: row.opened_at.getTime(),
        sealedAt: row.sealed_at.getTime(),
      }));
    },
    lostRanges: async (dataset, topicId) => {
      const rows = await ask<{ partition: number; start: string; finish: string; accepted: boolean; found_at: Date }>(
        `reading the losses of ${dataset}`,
        `SELECT p.partition, l.start_offset AS start, l.end_offset AS finish, l.accepted_at IS NOT NULL AS accepted, l.found_at
         FROM headrace.lost l JOIN headrace.manifest_partition p ON p.id = l.partition_id
         WHERE p.dataset = $1 AND p.topic_id = $2 ORDER BY p.partition, l.start_offset`,
        [dataset, topicId],
      );
      return rows.map((row) => ({
        partition: row.partition,
        start: Number(row.start),
        end: Number(row.finish),
        accepted: row.accepted,
        foundAt: row.found_at.getTime(),
      }));
    },
    schema: async (dataset, version) => {
      const rows = await ask<{ columns: Column[]; key: string[] }>(
        `reading schema version ${version} of ${dataset}`,
        'SELECT columns, key FROM headrace.schema_version WHERE dataset = $1 AND version = $2',
        [dataset, version],
      );
      const [row] = rows;
      if (row) return { columns: row.columns, key: row.key };
      throw fault(
        'ManifestConflict',
        `dataset ${dataset} has sealed cuts of schema version ${version}, which headrace.schema_version in the control ` +
          `database does not know; restore that row from a backup`,
      );
    },
    sealedSchemas: async (dataset, topicId) => {
      const rows = await ask<{ version: string }>(
        `reading the schema versions of ${dataset}`,
        `SELECT DISTINCT c.schema_version AS version FROM headrace.cut c
         JOIN headrace.manifest_partition p ON p.id = c.partition_id
         WHERE p.dataset = $1 AND p.topic_id = $2 AND c.state = 'sealed' AND c.schema_version IS NOT NULL`,
        [dataset, topicId],
      );
      return rows.map((row) => row.version);
    },
    newestSchema: (dataset) => newestSchema(pool, dataset),
    replayGoal: async (replayId) => {
      const rows = await ask<{ topic_id: string; partition: number; end_offset: string }>(
        `reading the ends of replay ${replayId}`,
        `SELECT r.topic_id, e.partition, e.end_offset FROM headrace.replay r JOIN headrace.replay_end e USING (replay_id)
         WHERE r.replay_id = $1`,
        [replayId],
      );
      const [first] = rows;
      return first
        ? {
            topicId: first.topic_id,
            ends: Object.fromEntries(rows.map((row) => [row.partition, Number(row.end_offset)])),
          }
        : null;
    },
    noteBatch: async (note) => {
      await ask(
        `noting a load of ${note.pipeline}`,
        `INSERT INTO headrace.load_batch (pipeline, workflow_id, cuts, rows, seconds, topic_id, ends)
         VALUES ($1, $2, $3, $4, $5, $6, $7)`,
        [
          ...[note.pipeline, note.workflowId, note.cuts, note.rows, note.seconds, note.topicId],
          JSON.stringify(Object.fromEntries(note.steps.map(({ partition, end }) => [partition, end]))),
        ],
      );
    },
  };
}

/** Without what decides no reader's way: batches put files of one form together. */
function formOf({ format, compression, nullMarker }: EncoderSettings): FileForm {
  return { format, compression, ...(nullMarker === undefined ? {} : { nullMarker }) };
}
