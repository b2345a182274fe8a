/** The columns that a dataset was last given. */
import type pg from 'pg';
import type { Column, TableShape } from '../../contracts/columns.ts';
import { query } from './pool.ts';

/** @returns null: it never had any */
export async function newestSchema(pool: pg.Pool, dataset: string): Promise<TableShape | null> {
  const rows = await query<{ columns: Column[]; key: string[] }>(
    pool,
    'ControlUnavailable',
    `reading the newest schema version of ${dataset}`,
    'SELECT columns, key FROM headrace.schema_version WHERE dataset = $1 ORDER BY first_seen DESC, version LIMIT 1',
    [dataset],
  );
  return rows[0] ? { columns: rows[0].columns, key: rows[0].key } : null;
}
