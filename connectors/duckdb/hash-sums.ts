/**
 * Queries of sums of row hashes, over any query of lake rows: rows without an overflow are hashed in SQL; the others (few)
 * are handed out as texts and hashed by the same code that hashed them when they were published.
 */
import type { DuckDBConnection, JS } from '@duckdb/node-api';
import type { HashSum } from '../../activities/ports/lake-files.ts';
import { OVERFLOW_COLUMN, type Column } from '../../contracts/columns.ts';
import { duckdbKeyHash, duckdbRowHash } from '../../formats/canonical-duckdb.ts';
import { createTextRowHash } from '../../formats/row-hash.ts';
import { rows } from './instance.ts';
import type { LastRows } from './last-rows.ts';
import { loadText } from './load-text.ts';

/** @param groups expressions; their values, joined by a slash, are the names of the sums */
export async function groupSums(
  connection: DuckDBConnection,
  query: string,
  columns: readonly Column[],
  groups: readonly string[],
): Promise<Map<string, HashSum>> {
  const sums = new Map<string, HashSum>();
  const hashOf = createTextRowHash(columns);
  const names = groups.map((_, place) => `g${place}`);
  const name = names.map((each) => `coalesce(${each}::VARCHAR, '')`).join(` || '/' || `);
  const grouped = groups.map((group, place) => `${group} AS g${place}`).join(', ');
  const hashes =
    `SELECT ${grouped}, count(*) AS counted, sum(${duckdbRowHash(columns, 'lake')})::VARCHAR AS summed ` +
    `FROM (${query}) AS lake WHERE ${OVERFLOW_COLUMN} IS NULL GROUP BY ${names.join(', ')}`;
  for (const [group, count, sum] of await rows(connection, `SELECT ${name}, counted, summed FROM (${hashes})`)) {
    addTo(sums, text(group), Number(count), BigInt(text(sum)));
  }
  const texts = groups.map((group) => `coalesce((${group})::VARCHAR, '')`).join(` || '/' || `);
  for await (const row of overflowRows(connection, query, columns, texts)) {
    addTo(sums, row.extra, 1, hashOf(row.texts));
  }
  return sums;
}

export async function lastSums(
  connection: DuckDBConnection,
  last: LastRows,
  columns: readonly Column[],
  keyColumns: readonly Column[],
  buckets: number,
): Promise<Map<number, HashSum>> {
  const sums = new Map<number, HashSum>();
  const hashOf = createTextRowHash(columns);
  const keyHashOf = createTextKeyHash(columns, keyColumns);
  // One bucket needs no hash of the key: a fifth of the time.
  const bucket = buckets === 1 ? '0' : `${duckdbKeyHash(keyColumns, 'lake')} % ${buckets}`;
  for (const [number, count, sum] of await rows(
    connection,
    `SELECT ${bucket} AS bucket, count(*), sum(${duckdbRowHash(columns, 'lake')})::VARCHAR ` +
      `FROM (${last.query}) AS lake WHERE ${OVERFLOW_COLUMN} IS NULL GROUP BY bucket`,
  )) {
    addTo(sums, Number(number), Number(count), BigInt(text(sum)));
  }
  if (last.overflowing === 0) return sums;
  for await (const { texts } of overflowRows(connection, last.query, columns, `''`)) {
    addTo(sums, Number(keyHashOf(texts) % BigInt(buckets)), 1, hashOf(texts));
  }
  return sums;
}

/** The hash of the key alone, from a row's texts. */
export function createTextKeyHash(
  columns: readonly Column[],
  keyColumns: readonly Column[],
): (texts: readonly (string | null)[]) => bigint {
  const hashOf = createTextRowHash(keyColumns);
  const indexes = keyColumns.map((column) => columns.indexOf(column));
  return (texts) => hashOf(indexes.map((index) => texts[index] ?? null));
}

/** Rows with an overflow, as PostgreSQL's texts. */
export async function* overflowRows(
  connection: DuckDBConnection,
  query: string,
  columns: readonly Column[],
  extra: string,
): AsyncGenerator<{ texts: (string | null)[]; extra: string }> {
  const texts = columns.map((column) => loadText(column, true)).join(', ');
  const result = await connection.stream(
    `SELECT ${extra}, ${texts} FROM (${query}) WHERE ${OVERFLOW_COLUMN} IS NOT NULL`,
  );
  for (;;) {
    const chunk = await result.fetchChunk();
    if (!chunk || chunk.rowCount === 0) return;
    for (const [first, ...values] of chunk.getRows()) {
      yield { extra: String(first), texts: values.map((value) => (value === null ? null : String(value))) };
    }
  }
}

export function addTo<K>(sums: Map<K, HashSum>, name: K, count: number, sum: bigint): void {
  const before = sums.get(name);
  sums.set(name, { rows: (before?.rows ?? 0) + count, sum: (before?.sum ?? 0n) + sum });
}

/** A value that the query made VARCHAR. */
export function text(value: JS | undefined): string {
  return typeof value === 'string' ? value : '';
}
