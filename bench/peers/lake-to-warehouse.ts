/** What the peers of `load` share: the lake and the warehouse as a script's task, and the count at the far end. */
import type pg from 'pg';
import type { StackInfo } from '../../stack/types.ts';
import { withClient } from '../client.ts';
import { TABLES } from '../shapes.ts';

/** Where the objects are and where the rows go. */
export function lakeTask({ s3, postgres }: StackInfo, prefix: string): Readonly<Record<string, unknown>> {
  return { ...s3, prefix, warehouse: postgres.warehouse };
}

/** The table's columns in its order: a peer loads these, not the lineage. */
export async function columnsOf(info: StackInfo): Promise<readonly string[]> {
  const sql = `SELECT attname FROM pg_attribute WHERE attrelid = $1::regclass AND attnum > 0 AND NOT attisdropped ORDER BY attnum`;
  const rows = await query<{ attname: string }>(info.postgres.sales, sql, [TABLES.sales]);
  return rows.map(({ attname }) => attname);
}

/** Columns of the table's primary key. */
export async function keyOf(info: StackInfo): Promise<readonly string[]> {
  const sql = `SELECT a.attname FROM pg_index AS i JOIN pg_attribute AS a ON a.attrelid = i.indrelid AND a.attnum = ANY (i.indkey)
    WHERE i.indrelid = $1::regclass AND i.indisprimary`;
  const rows = await query<{ attname: string }>(info.postgres.sales, sql, [TABLES.sales]);
  return rows.map(({ attname }) => attname);
}

/** An empty table with the columns, types and key of the one that Headrace has loaded. @param name of Headrace's; @param table schema.table */
export async function keyedLike(info: StackInfo, name: string, table: string): Promise<void> {
  await query(info.postgres.warehouse, `CREATE TABLE ${table} (LIKE bench.${name.replaceAll('-', '_')} INCLUDING ALL)`);
}

/** @param table schema.table */
export async function warehouseRows(info: StackInfo, table: string): Promise<number> {
  const rows = await query<{ count: string }>(info.postgres.warehouse, `SELECT count(*) FROM ${table}`);
  return Number(rows[0]?.count);
}

/** One statement on a connection of its own. */
export async function query<Row extends pg.QueryResultRow>(
  url: string,
  sql: string,
  values: readonly unknown[] = [],
): Promise<Row[]> {
  return await withClient(url, async (client) => (await client.query<Row>(sql, [...values])).rows);
}

/** As Java's PostgreSQL driver takes it. @param url postgres://… */
export function jdbcOf(url: string): Readonly<Record<'url' | 'user' | 'password', string>> {
  const { host, pathname, username, password } = new URL(url);
  const decoded = { user: decodeURIComponent(username), password: decodeURIComponent(password) };
  return { url: `jdbc:postgresql://${host}${pathname}`, ...decoded };
}
