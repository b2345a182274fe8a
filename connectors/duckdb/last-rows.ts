/**
 * The last row a key of lake files. All records of a key are in one partition, so the highest offset is the last. Keys that
 * come more than once are few in most sets: they are found first, from the key's columns alone, and only rows of theirs are
 * looked up; a window over all rows would sort them all.
 */
import type { DuckDBConnection } from '@duckdb/node-api';
import { OVERFLOW_COLUMN, type Column } from '../../contracts/columns.ts';
import { duckdbCanonical } from '../../formats/canonical-duckdb.ts';
import { quoteIdent } from '../../formats/sql-names.ts';
import { rows } from './instance.ts';
import { overflowText } from './load-text.ts';

export interface LastRows {
  /** Query of the last rows a key, with the lake's columns. */
  query: string;
  /** Rows read, before the last a key are kept. */
  read: number;
  /** Of the rows read, those with an overflow. */
  overflowing: number;
  /** Keys that come more than once; with none, `query` is all rows. */
  repeated: number;
}

/**
 * @param key empty: every row is one to keep
 * @param name of the temporary table that this makes on the connection
 */
export async function lastRows(
  connection: DuckDBConnection,
  query: string,
  key: readonly Column[],
  name = 'repeated',
): Promise<LastRows> {
  const counted = await rows(connection, `SELECT count(*), count(${OVERFLOW_COLUMN}) FROM (${query})`);
  const read = Number(counted[0]?.[0]);
  const overflowing = Number(counted[0]?.[1]);
  if (key.length === 0) return { query, read, overflowing, repeated: 0 };
  const parts = key.flatMap((column) => groupingParts(column, overflowing > 0));
  const grouped = parts.map((part, i) => `${part} AS k${i}`).join(', ');
  await connection.run(
    `CREATE OR REPLACE TEMP TABLE ${name} AS SELECT ${grouped}, max(_offset) AS last FROM (${query}) ` +
      `GROUP BY ${parts.map((_, i) => i + 1).join(', ')} HAVING count(*) > 1`,
  );
  const repeated = Number((await rows(connection, `SELECT count(*) FROM ${name}`))[0]?.[0]);
  if (repeated === 0) return { query, read, overflowing, repeated };
  const same = parts.map((part, i) => `${part} IS NOT DISTINCT FROM ${name}.k${i}`).join(' AND ');
  return {
    query: `SELECT * FROM (${query}) AS lake WHERE NOT EXISTS (SELECT 1 FROM ${name} WHERE ${same} AND lake._offset < ${name}.last)`,
    read,
    overflowing,
    repeated,
  };
}

/** Expressions that are equal for keys PostgreSQL holds equal: typed where types compare alike, else the canonical text. */
function groupingParts(column: Column, overflowing: boolean): string[] {
  const x = quoteIdent(column.name);
  const { kind } = column.type;
  const typed = kind === 'decimal' || kind === 'char' || kind === 'float32' || kind === 'float64';
  const part = typed ? duckdbCanonical(column.type, x) : x;
  return overflowing ? [part, overflowText(column.name)] : [part];
}
