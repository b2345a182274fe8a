/** How PostgreSQL would read a window: an index that begins with the event time, and the planner's guess of the rows. */
import type pg from 'pg';
import type { SourceTable } from '../../activities/ports/source.ts';
import { query } from './pool.ts';

/** By the catalogue, not by EXPLAIN: of a small table the planner reads all, whatever its indexes. */
export async function indexOf(pool: pg.Pool, table: SourceTable): Promise<string | null> {
  if (table.eventTime === undefined) return null;
  const rows = await query<{ name: string }>(
    pool,
    'SourceUnavailable',
    'looking for an index of the event time',
    `SELECT i.relname AS name FROM pg_index x JOIN pg_class i ON i.oid = x.indexrelid JOIN pg_class c ON c.oid = x.indrelid
     JOIN pg_namespace n ON n.oid = c.relnamespace JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum = x.indkey[0]
     JOIN pg_am m ON m.oid = i.relam
     WHERE n.nspname = $1 AND c.relname = $2 AND a.attname = $3 AND x.indisvalid AND x.indpred IS NULL AND m.amname IN ('btree', 'brin')
     ORDER BY m.amname DESC, i.relname LIMIT 1`,
    [table.name.schema, table.name.table, table.eventTime],
  );
  return rows[0]?.name ?? null;
}

/** The planner's guess of a statement's rows. */
export async function estimateOf(pool: pg.Pool, sql: string): Promise<number | null> {
  const rows = await query<{ 'QUERY PLAN': { Plan?: { 'Plan Rows'?: number } }[] }>(
    pool,
    'SourceUnavailable',
    'asking how a window would be read',
    `EXPLAIN (FORMAT JSON) ${sql}`,
  );
  return rows[0]?.['QUERY PLAN'][0]?.Plan?.['Plan Rows'] ?? null;
}
