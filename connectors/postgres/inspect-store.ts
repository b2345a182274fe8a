/** What the control database tells people who watch: counts of the past, never what a decision rests on. Reads only. */
import type pg from 'pg';
import type { PipelineSpec } from '../../contracts/pipeline.ts';
import type { HopCounts, PipelineLook } from '../../contracts/inspect.ts';
import { NEWEST_FIRST } from './newest-schema.ts';
import { query } from './pool.ts';
import { STANDING_SQL, type StandingRow, toCounts } from './standing-row.ts';

/** Replays under way that are shown, of all pipelines. */
const OPEN_MOST = 100;

export interface InspectStore {
  /** Rows a hop since a replay was planned; null for an unknown replay. */
  hopCounts(replayId: string): Promise<HopCounts | null>;
  /** A replay of the same pipeline that publishes; null where none does. */
  ahead(replayId: string): Promise<string | null>;
  /** The newest replay of each pipeline, or of one. */
  pipelines(pipeline?: string): Promise<readonly { spec: PipelineSpec; topicId: string; counts: HopCounts }[]>;
  /** Replays of these pipelines that publish, or wait for their turn to. */
  openReplays(pipelines: readonly string[]): Promise<ReadonlyMap<string, readonly HopCounts[]>>;
  lake(dataset: string, topicId: string): Promise<PipelineLook['lake'] & { next: ReadonlyMap<number, number> }>;
  /** What the newest version of the dataset's columns has beyond the one before it. */
  newColumns(dataset: string): Promise<PipelineLook['newColumns']>;
  loads(pipeline: string): Promise<PipelineLook['load']>;
}

export function openInspectStore(pool: pg.Pool): InspectStore {
  const ask = <Row extends pg.QueryResultRow>(doing: string, sql: string, values: readonly unknown[] = []) =>
    query<Row>(pool, 'ControlUnavailable', doing, sql, values);
  return {
    async hopCounts(replayId) {
      const rows = await ask<StandingRow>('reading progress', `${STANDING_SQL} WHERE r.replay_id = $1`, [replayId]);
      return rows[0] ? toCounts(rows[0]) : null;
    },
    async ahead(replayId) {
      const rows = await ask<{ replay_id: string }>(
        'reading who publishes',
        `SELECT o.replay_id FROM headrace.replay r JOIN headrace.replay o ON o.pipeline = r.pipeline AND o.replay_id <> r.replay_id
         WHERE r.replay_id = $1 AND o.state = 'publishing' ORDER BY o.planned_at DESC LIMIT 1`,
        [replayId],
      );
      return rows[0]?.replay_id ?? null;
    },
    async pipelines(pipeline) {
      const rows = await ask<StandingRow & { topic_id: string }>(
        'reading the pipelines',
        `${STANDING_SQL} WHERE r.replay_id IN (SELECT DISTINCT ON (pipeline) replay_id FROM headrace.replay
           WHERE $1::text IS NULL OR pipeline = $1 ORDER BY pipeline, planned_at DESC) ORDER BY r.pipeline`,
        [pipeline ?? null],
      );
      return rows.map((row) => ({ spec: row.spec, topicId: row.topic_id, counts: toCounts(row) }));
    },
    async openReplays(pipelines) {
      const rows = await ask<StandingRow & { pipeline: string }>(
        'reading the replays under way',
        `${STANDING_SQL} WHERE r.pipeline = ANY ($1) AND r.state IN ('planned', 'publishing')
           AND (r.state = 'publishing' OR r.planned_at > now() - interval '7 days') ORDER BY r.planned_at LIMIT ${OPEN_MOST}`,
        [pipelines],
      );
      return new Map(pipelines.map((name) => [name, rows.filter((row) => row.pipeline === name).map(toCounts)]));
    },
    async lake(dataset, topicId) {
      const [sums, next] = await Promise.all([
        ask<{
          rows: string;
          cuts: string;
          objects: string;
          bytes: string;
          dead_letters: string;
          lost: string;
          open_seconds: string;
        }>(
          'reading the lake’s counts',
          `SELECT coalesce(sum(c.rows), 0) AS rows, count(c.*) AS cuts, coalesce(sum(c.bytes), 0) AS bytes,
                  coalesce(sum(jsonb_array_length(c.objects)), 0) AS objects,
                  (SELECT count(*) FROM headrace.dead_letter WHERE dataset = $1 AND state = 'open') AS dead_letters,
                  (SELECT coalesce(sum(l.end_offset - l.start_offset), 0) FROM headrace.lost l
                     JOIN headrace.manifest_partition q ON q.id = l.partition_id WHERE q.dataset = $1) AS lost,
                  (SELECT coalesce(extract(epoch FROM now() - min(o.opened_at)), 0) FROM headrace.cut o
                     JOIN headrace.manifest_partition q ON q.id = o.partition_id
                     WHERE q.dataset = $1 AND o.state = 'open') AS open_seconds
           FROM headrace.cut c JOIN headrace.manifest_partition p ON p.id = c.partition_id
           WHERE p.dataset = $1 AND c.state = 'sealed'`,
          [dataset],
        ),
        ask<{ partition: number; next: string }>(
          'reading the manifest',
          'SELECT partition, next FROM headrace.manifest_partition WHERE dataset = $1 AND topic_id = $2',
          [dataset, topicId],
        ),
      ]);
      const [sum] = sums;
      return {
        rows: Number(sum?.rows ?? 0),
        cuts: Number(sum?.cuts ?? 0),
        objects: Number(sum?.objects ?? 0),
        bytes: Number(sum?.bytes ?? 0),
        deadLetters: Number(sum?.dead_letters ?? 0),
        lost: Number(sum?.lost ?? 0),
        oldestOpenCutSeconds: Number(sum?.open_seconds ?? 0),
        next: new Map(next.map((row) => [row.partition, Number(row.next)])),
      };
    },
    async newColumns(dataset) {
      const [newest, before] = await ask<{ names: string[]; seen: Date }>(
        'reading the versions of the columns',
        `SELECT ARRAY(SELECT c->>'name' FROM jsonb_array_elements(columns) c) AS names, first_seen AS seen
         FROM headrace.schema_version s WHERE dataset = $1 ${NEWEST_FIRST} LIMIT 2`,
        [dataset],
      );
      const names = newest && before ? newest.names.filter((name) => !before.names.includes(name)) : [];
      return newest && names.length > 0 ? { names, since: newest.seen.toISOString() } : null;
    },
    async loads(pipeline) {
      const rows = await ask<{ rows: string; cuts: string; seconds: number; last: Date | null }>(
        'reading the loads',
        `SELECT coalesce(sum(rows), 0) AS rows, coalesce(sum(cuts), 0) AS cuts, coalesce(sum(seconds), 0) AS seconds, max(loaded_at) AS last
         FROM headrace.load_batch WHERE pipeline = $1`,
        [pipeline],
      );
      const [row] = rows;
      return {
        rows: Number(row?.rows ?? 0),
        cuts: Number(row?.cuts ?? 0),
        seconds: row?.seconds ?? 0,
        lastAt: row?.last?.toISOString() ?? null,
      };
    },
  };
}
