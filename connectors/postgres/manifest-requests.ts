/** Who wants a dataset landed and how far it is: land requests, positions, counts. */
import type pg from 'pg';
import type { Manifest, OpenRequest } from '../../activities/ports/manifest.ts';
import { query } from './pool.ts';

const COUNTS_SQL = `
  SELECT coalesce(sum(c.rows), 0) AS rows, count(c.*) AS cuts, coalesce(sum(jsonb_array_length(c.objects)), 0) AS objects,
         coalesce(sum(c.bytes), 0) AS bytes, coalesce(sum(c.dead_letters), 0) AS letters,
         (SELECT coalesce(sum(l.end_offset - l.start_offset), 0) FROM headrace.lost l
          JOIN headrace.manifest_partition q ON q.id = l.partition_id WHERE q.dataset = $1) AS lost
  FROM headrace.manifest_partition p JOIN headrace.cut c ON c.partition_id = p.id AND c.state = 'sealed'
  WHERE p.dataset = $1`;

type RequestPart = Pick<Manifest, 'positions' | 'counts' | 'saveRequest' | 'setEnds' | 'endRequest' | 'requests'>;

export function manifestRequests(pool: pg.Pool): RequestPart {
  const ask = <Row extends pg.QueryResultRow>(doing: string, sql: string, values: readonly unknown[]) =>
    query<Row>(pool, 'ControlUnavailable', doing, sql, values);
  return {
    async positions(dataset, topicId) {
      const rows = await ask<{ partition: number; next: string }>(
        `reading how far ${dataset} is`,
        'SELECT partition, next FROM headrace.manifest_partition WHERE dataset = $1 AND topic_id = $2',
        [dataset, topicId],
      );
      return Object.fromEntries(rows.map((row) => [row.partition, Number(row.next)]));
    },
    async counts(dataset) {
      const [row] = await ask<Record<'rows' | 'cuts' | 'objects' | 'bytes' | 'letters' | 'lost', string>>(
        `counting what ${dataset} holds`,
        COUNTS_SQL,
        [dataset],
      );
      const count = (value: string | undefined) => Number(value ?? 0);
      return {
        rows: count(row?.rows),
        cuts: count(row?.cuts),
        objects: count(row?.objects),
        bytes: count(row?.bytes),
        deadLetters: count(row?.letters),
        lost: count(row?.lost),
      };
    },
    async saveRequest(dataset, { requestId, workflowId, topic, continuous }) {
      await ask(
        `asking for ${dataset} to be landed`,
        `INSERT INTO headrace.land_request (dataset, request_id, workflow_id, topic, continuous) VALUES ($1, $2, $3, $4, $5)
         ON CONFLICT DO NOTHING`,
        [dataset, requestId, workflowId, topic, continuous],
      );
    },
    async setEnds(dataset, { requestId, workflowId, topic }, topicId, ends) {
      const partitions = Object.keys(ends).map(Number);
      await ask(
        `setting how far ${dataset} is to be landed`,
        `WITH bounded AS (
           INSERT INTO headrace.land_request (dataset, request_id, workflow_id, topic, continuous)
           VALUES ($1, $2, $6, $7, false)
           ON CONFLICT (dataset, request_id) DO UPDATE SET continuous = false RETURNING dataset)
         INSERT INTO headrace.land_request_end (dataset, request_id, topic_id, partition, end_offset)
         SELECT $1, $2, $3, e.partition, e.end_offset FROM bounded, unnest($4::int[], $5::bigint[]) AS e (partition, end_offset)
         ON CONFLICT (dataset, request_id, topic_id, partition) DO UPDATE SET end_offset = excluded.end_offset`,
        [dataset, requestId, topicId, partitions, partitions.map((partition) => ends[partition]), workflowId, topic],
      );
    },
    async endRequest(dataset, requestId) {
      await ask(
        `ending a request for ${dataset}`,
        'DELETE FROM headrace.land_request WHERE dataset = $1 AND request_id = $2',
        [dataset, requestId],
      );
    },
    async requests(dataset) {
      const rows = await ask<{
        request_id: string;
        workflow_id: string | null;
        topic: string;
        continuous: boolean;
        ends: { topic_id: string; partition: number; end: string }[];
      }>(
        `reading the requests for ${dataset}`,
        `SELECT r.request_id, r.workflow_id, r.topic, r.continuous,
                coalesce(jsonb_agg(jsonb_build_object('topic_id', e.topic_id, 'partition', e.partition,
                                                      'end', e.end_offset::text))
                           FILTER (WHERE e.partition IS NOT NULL), '[]') AS ends
         FROM headrace.land_request r LEFT JOIN headrace.land_request_end e USING (dataset, request_id)
         WHERE r.dataset = $1 GROUP BY r.dataset, r.request_id ORDER BY r.created_at`,
        [dataset],
      );
      return rows.map((row): OpenRequest => ({
        requestId: row.request_id,
        workflowId: row.workflow_id,
        topic: row.topic,
        continuous: row.continuous,
        ends: row.ends.map((end) => ({ topicId: end.topic_id, partition: end.partition, end: Number(end.end) })),
      }));
    },
  };
}
