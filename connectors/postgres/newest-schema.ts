/** The columns that a dataset was last given. */
import type pg from 'pg';
import type { Column, TableShape } from '../../contracts/columns.ts';
import { query } from './pool.ts';

/**
 * Newest first, by the replay that was planned with it last: a table may have had a column, lost it and have it again. Of what
 * was recovered no replay is known, so its own first appearance has to do.
 */
export const NEWEST_FIRST = `
  ORDER BY coalesce((SELECT max(r.planned_at) FROM headrace.replay r WHERE r.schema_version = s.version
                      AND r.spec->'lake'->>'bucket' || '/' || (r.spec->'lake'->>'prefix') = s.dataset), s.first_seen) DESC, s.version`;

/** @returns null: it never had any */
export async function newestSchema(pool: pg.Pool, dataset: string): Promise<TableShape | null> {
  const rows = await query<{ columns: Column[]; key: string[] }>(
    pool,
    'ControlUnavailable',
    `reading the newest schema version of ${dataset}`,
    `SELECT columns, key FROM headrace.schema_version s WHERE dataset = $1 ${NEWEST_FIRST} LIMIT 1`,
    [dataset],
  );
  return rows[0] ? { columns: rows[0].columns, key: rows[0].key } : null;
}
