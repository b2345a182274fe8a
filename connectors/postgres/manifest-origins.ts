/** Whose records a dataset takes in: the replays that publish to its topic, and the columns of each schema version. */
import type pg from 'pg';
import type { Manifest } from '../../activities/ports/manifest.ts';
import type { Column } from '../../contracts/columns.ts';
import { query } from './pool.ts';

/** The lake is compared as datasetOf (contracts/pipeline.ts) writes it. */
const KNOWN_SQL = `
  SELECT replay_id FROM headrace.replay
  WHERE replay_id = ANY($3::text[]) AND topic_id = $2 AND concat(spec->'lake'->>'bucket', '/', spec->'lake'->>'prefix') = $1
    AND ($4::timestamptz IS NULL OR planned_at <= $4)`;

export function manifestOrigins(pool: pg.Pool): Pick<Manifest, 'knownReplays' | 'saveSchema' | 'schema'> {
  const ask = <Row extends pg.QueryResultRow>(doing: string, sql: string, values: readonly unknown[]) =>
    query<Row>(pool, 'ControlUnavailable', doing, sql, values);
  return {
    async knownReplays(dataset, topicId, ids, plannedBy) {
      const values = [dataset, topicId, ids, plannedBy];
      const rows = await ask<{ replay_id: string }>(`looking replays of ${dataset} up`, KNOWN_SQL, values);
      return rows.map((row) => row.replay_id);
    },
    async saveSchema(dataset, version, { columns, key }) {
      await ask(
        `storing schema version ${version} of ${dataset}`,
        'INSERT INTO headrace.schema_version (dataset, version, columns, key) VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING',
        [dataset, version, JSON.stringify(columns), JSON.stringify(key)],
      );
    },
    async schema(dataset, version) {
      const [row] = await ask<{ columns: Column[]; key: string[] }>(
        `reading schema version ${version} of ${dataset}`,
        'SELECT columns, key FROM headrace.schema_version WHERE dataset = $1 AND version = $2',
        [dataset, version],
      );
      return row ?? null;
    },
  };
}
