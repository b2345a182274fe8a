/** What the control database tells people who watch: counts of the past, never what a decision rests on. Reads only. */
import type pg from 'pg';
import type { PipelineSpec } from '../../contracts/pipeline.ts';
import type { HopCounts, PipelineLook } from '../../contracts/inspect.ts';
import { query } from './pool.ts';

interface CountsRow {
  replay_id: string;
  state: string;
  planned_at: Date;
  published_at: Date | null;
  expected: string;
  replayed: string;
  landed: string;
  loaded: string;
}

export interface InspectStore {
  /** Rows a hop since a replay was planned; null for an unknown replay. */
  hopCounts(replayId: string): Promise<HopCounts | null>;
  /** The newest replay of each pipeline, or of one. */
  pipelines(pipeline?: string): Promise<readonly { spec: PipelineSpec; topicId: string; counts: HopCounts }[]>;
  lake(dataset: string, topicId: string): Promise<PipelineLook['lake'] & { next: ReadonlyMap<number, number> }>;
  loads(pipeline: string): Promise<PipelineLook['load']>;
}

// Landed and loaded are of the topic since the replay was planned: another replay's rows of that time are among them.
const COUNTS_SQL = `
  SELECT r.replay_id, r.state, r.planned_at, r.published_at, r.spec, r.topic_id, r.estimated_rows AS expected,
    (SELECT coalesce(sum(rows), 0) FROM headrace.lane_transaction t WHERE t.replay_id = r.replay_id AND t.state = 'done') AS replayed,
    (SELECT coalesce(sum(c.rows), 0) FROM headrace.cut c JOIN headrace.manifest_partition p ON p.id = c.partition_id
      WHERE p.topic_id = r.topic_id AND c.state = 'sealed' AND c.sealed_at >= r.planned_at) AS landed,
    (SELECT coalesce(sum(rows), 0) FROM headrace.load_batch b WHERE b.pipeline = r.pipeline AND b.loaded_at >= r.planned_at) AS loaded
  FROM headrace.replay r`;

const toCounts = (row: CountsRow): HopCounts => ({
  replayId: row.replay_id,
  state: row.state,
  plannedAt: row.planned_at.toISOString(),
  publishedAt: row.published_at?.toISOString() ?? null,
  expected: Number(row.expected),
  replayed: Number(row.replayed),
  landed: Number(row.landed),
  loaded: Number(row.loaded),
});

export function openInspectStore(pool: pg.Pool): InspectStore {
  const ask = <Row extends pg.QueryResultRow>(doing: string, sql: string, values: readonly unknown[] = []) =>
    query<Row>(pool, 'ControlUnavailable', doing, sql, values);
  return {
    async hopCounts(replayId) {
      const rows = await ask<CountsRow>('reading progress', `${COUNTS_SQL} WHERE r.replay_id = $1`, [replayId]);
      return rows[0] ? toCounts(rows[0]) : null;
    },
    async pipelines(pipeline) {
      const rows = await ask<CountsRow & { spec: PipelineSpec; topic_id: string }>(
        'reading the pipelines',
        `${COUNTS_SQL} WHERE r.replay_id IN (SELECT DISTINCT ON (pipeline) replay_id FROM headrace.replay
           WHERE $1::text IS NULL OR pipeline = $1 ORDER BY pipeline, planned_at DESC) ORDER BY r.pipeline`,
        [pipeline ?? null],
      );
      return rows.map((row) => ({ spec: row.spec, topicId: row.topic_id, counts: toCounts(row) }));
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
