/**
 * Sums of row hashes over lake files. Rows without an overflow are hashed in SQL; the others (few) are handed out as texts and
 * hashed by the same code that hashed them when they were published.
 */
import type { DuckDBConnection, JS } from '@duckdb/node-api';
import type { HashSum, KeyedHash, LakeFile } from '../../activities/ports/lake-files.ts';
import { OVERFLOW_COLUMN, type Column } from '../../contracts/columns.ts';
import type { EncoderSettings } from '../../contracts/manifest.ts';
import { duckdbKeyHash, duckdbRowHash } from '../../formats/canonical-duckdb.ts';
import { createTextKeyJson } from '../../formats/key-json.ts';
import { createTextRowHash } from '../../formats/row-hash.ts';
import { rows, type DuckDb } from './instance.ts';
import { keyColumnsOf } from './key-columns.ts';
import { lastRows } from './last-rows.ts';
import { loadText } from './load-text.ts';
import { readLake } from './read-lake.ts';

type Format = EncoderSettings['format'];

export async function sumsByChunk(
  duckdb: DuckDb,
  files: readonly LakeFile[],
  columns: readonly Column[],
  format: Format,
): Promise<Map<string, HashSum>> {
  const sums = new Map<string, HashSum>();
  if (files.length === 0) return sums;
  const hashOf = createTextRowHash(columns);
  await readLake(duckdb, files, columns, format, async (connection, query) => {
    const group = `coalesce(_replay, '') || '/' || coalesce(_chunk::VARCHAR, '')`;
    for (const [name, count, sum] of await rows(
      connection,
      `SELECT ${group}, count(*), sum(${duckdbRowHash(columns, 'lake')})::VARCHAR FROM (${query}) AS lake ` +
        `WHERE ${OVERFLOW_COLUMN} IS NULL GROUP BY 1`,
    )) {
      addTo(sums, text(name), Number(count), BigInt(text(sum)));
    }
    for await (const row of overflowRows(connection, query, columns, group)) {
      addTo(sums, row.extra, 1, hashOf(row.texts));
    }
  });
  return sums;
}

export async function sumsByBucket(
  duckdb: DuckDb,
  files: readonly LakeFile[],
  columns: readonly Column[],
  key: readonly string[],
  format: Format,
  buckets: number,
): Promise<Map<number, HashSum>> {
  const sums = new Map<number, HashSum>();
  if (files.length === 0) return sums;
  const keyColumns = keyColumnsOf(columns, key);
  const hashOf = createTextRowHash(columns);
  const keyHashOf = createTextKeyHash(columns, keyColumns);
  await readLake(duckdb, files, columns, format, async (connection, query) => {
    const last = await lastRows(connection, query, keyColumns);
    for (const [bucket, count, sum] of await rows(
      connection,
      `SELECT ${duckdbKeyHash(keyColumns, 'lake')} % ${buckets}, count(*), sum(${duckdbRowHash(columns, 'lake')})::VARCHAR ` +
        `FROM (${last.query}) AS lake WHERE ${OVERFLOW_COLUMN} IS NULL GROUP BY 1`,
    )) {
      addTo(sums, Number(bucket), Number(count), BigInt(text(sum)));
    }
    if (last.overflowing === 0) return;
    for await (const { texts } of overflowRows(connection, last.query, columns, `''`)) {
      addTo(sums, Number(keyHashOf(texts) % BigInt(buckets)), 1, hashOf(texts));
    }
  });
  return sums;
}

export async function rowsOfBuckets(
  duckdb: DuckDb,
  files: readonly LakeFile[],
  columns: readonly Column[],
  key: readonly string[],
  format: Format,
  buckets: number,
  wanted: readonly number[],
): Promise<KeyedHash[]> {
  if (files.length === 0 || wanted.length === 0) return [];
  const keyColumns = keyColumnsOf(columns, key);
  const hashOf = createTextRowHash(columns);
  const keyHashOf = createTextKeyHash(columns, keyColumns);
  const keyJsonOf = createTextKeyJson(keyColumns);
  const keyIndexes = keyColumns.map((column) => columns.indexOf(column));
  const found: KeyedHash[] = [];
  await readLake(duckdb, files, columns, format, async (connection, query) => {
    const last = await lastRows(connection, query, keyColumns);
    const keyTexts = keyColumns.map((column) => loadText(column, false)).join(', ');
    for (const [hash, ...texts] of await rows(
      connection,
      `SELECT ${duckdbRowHash(columns, 'lake')}::VARCHAR, ${keyTexts} FROM (${last.query}) AS lake ` +
        `WHERE ${OVERFLOW_COLUMN} IS NULL AND ${duckdbKeyHash(keyColumns, 'lake')} % ${buckets} IN (${wanted.join(', ')})`,
    )) {
      found.push({ key: keyJsonOf(texts.map(text)), hash: BigInt(text(hash)) });
    }
    if (last.overflowing === 0) return;
    for await (const { texts } of overflowRows(connection, last.query, columns, `''`)) {
      if (!wanted.includes(Number(keyHashOf(texts) % BigInt(buckets)))) continue;
      found.push({ key: keyJsonOf(keyIndexes.map((index) => texts[index] ?? '')), hash: hashOf(texts) });
    }
  });
  return found;
}

/** The hash of the key alone, from a row's texts. */
function createTextKeyHash(
  columns: readonly Column[],
  keyColumns: readonly Column[],
): (texts: readonly (string | null)[]) => bigint {
  const hashOf = createTextRowHash(keyColumns);
  const indexes = keyColumns.map((column) => columns.indexOf(column));
  return (texts) => hashOf(indexes.map((index) => texts[index] ?? null));
}

/** Rows with an overflow, as PostgreSQL's texts. */
async function* overflowRows(
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

function addTo<K>(sums: Map<K, HashSum>, name: K, count: number, sum: bigint): void {
  const before = sums.get(name);
  sums.set(name, { rows: (before?.rows ?? 0) + count, sum: (before?.sum ?? 0n) + sum });
}

/** A value that the query made VARCHAR. */
function text(value: JS | undefined): string {
  return typeof value === 'string' ? value : '';
}
