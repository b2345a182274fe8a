/**
 * Rows read as hashes, computed here from what the server prints: MySQL has no SQL that gives the canonical form (it prints
 * floats, times and zero-filled numbers its own way). Rows are streamed; memory is a block of rows and the sums.
 */
import type { HashSum } from '../../activities/ports/lake-files.ts';
import type { SourceTable } from '../../activities/ports/source.ts';
import type { ScanRange, SourceHashes } from '../../activities/ports/verify.ts';
import type { Column, Key, TableShape } from '../../contracts/columns.ts';
import type { MysqlSettings } from '../../contracts/settings.ts';
import { createCopyRows } from '../../formats/copy-rows.ts';
import { createTextKeyJson } from '../../formats/key-json.ts';
import { mysqlReader } from '../../formats/mysql-text.ts';
import { createTextRowHash } from '../../formats/row-hash.ts';
import {
  closeDatabase,
  type Database,
  openDatabase,
  readOnlySession,
  type Row,
  select,
  withConnection,
} from './pool.ts';
import { streamCopy, streamRows } from './row-stream.ts';
import { keyList, keyOf, rangeQuery } from './source.ts';
import { compareKey, keyColumns, keyLiteral, quoteName, quoteTable, rangeColumns } from './sql-text.ts';

const CONNECTIONS = 4;
const STATEMENT_S = 15 * 60;
/** Keys put to the server in one statement: each is a range of the index to its optimizer. */
const FIND_KEYS = 200;
export const ROWS_A_BLOCK = 1_000;

export function openMysqlSourceHashes(settings: MysqlSettings): SourceHashes {
  const database = openDatabase(settings, 'verify source', 'SourceUnavailable', CONNECTIONS, (flavour) =>
    readOnlySession(flavour, STATEMENT_S),
  );
  const doing = (table: SourceTable): string => `verifying ${quoteTable(table.name)}`;
  return {
    // MySQL has no hash of a row of its own.
    ownHash: () => Promise.resolve(null),
    sumRange: async (table, range, buckets) => {
      if (buckets === 1) return new Map([[0, await sumAll(database, table, range)]]);
      const sums = new Map<number, HashSum>();
      const hashed = rowHasher(table.shape, buckets);
      for await (const rows of streamAll(database, doing(table), rangeQuery(table, range))) {
        for (const row of rows) addTo(sums, hashed.bucket(row), hashed.hash(row));
      }
      return sums;
    },
    rowsOfRange: async (table, range, wanted) => {
      const found = [];
      const hashed = rowHasher(table.shape, wanted.buckets);
      const numbers = new Set(wanted.numbers);
      for await (const rows of streamAll(database, doing(table), rangeQuery(table, range))) {
        for (const row of rows) {
          if (!numbers.has(hashed.bucket(row))) continue;
          found.push({ key: hashed.key(row), hash: hashed.hash(row), changedSince: false });
        }
      }
      return found;
    },
    find: async (table, keys, upper) => {
      const places = new Map<string, { exists: boolean; beyond: boolean }>();
      const columns = keyColumns(table.shape);
      const json = createTextKeyJson(columns);
      for (let from = 0; from < keys.length; from += FIND_KEYS) {
        const sql = findQuery(table, columns, keys.slice(from, from + FIND_KEYS), upper);
        for (const row of await withConnection(database, doing(table), (connection) => select(connection, sql))) {
          places.set(json(keyOf(table, row)), { exists: true, beyond: row[columns.length]?.toString() === '1' });
        }
      }
      return keys.map((key) => ({ exists: false, beyond: false, ...places.get(json(key)), changedSince: false }));
    },
    close: () => closeDatabase(database),
  };
}

/** In a collation that takes 'a' for 'A' more rows come back than were asked for: the caller tells them by their keys. */
function findQuery(table: SourceTable, columns: readonly Column[], keys: readonly Key[], upper: Key | null): string {
  const same = keys.map((key) =>
    columns.map((column, place) => `${quoteName(column.name)} = ${keyLiteral(column, key[place] ?? '')}`).join(' AND '),
  );
  const beyond = upper === null ? '1' : `COALESCE((${compareKey(rangeColumns(table), upper, '>')}), FALSE)`;
  return `SELECT ${keyList(table)}, ${beyond} FROM ${quoteTable(table.name)} WHERE (${same.join(') OR (')})`;
}

/** One sum of a range: the way of a replay's rows, which is the quickest. */
async function sumAll(database: Database, table: SourceTable, range: ScanRange): Promise<HashSum> {
  const rows = createCopyRows(table.shape, { partitions: 1 });
  const { columns } = table.shape;
  const stream = await streamCopy(database, `verifying ${quoteTable(table.name)}`, rangeQuery(table, range), columns);
  for await (const block of stream) rows.push(block, () => true);
  rows.finish();
  const { rows: count, checksum } = rows.sums();
  return { rows: count, sum: checksum };
}

/** A statement's rows in blocks. */
export async function* streamAll(database: Database, doing: string, sql: string): AsyncGenerator<Row[]> {
  let block: Row[] = [];
  yield* await streamRows<Row[]>(database, doing, sql, {
    add: (row) => block.push(row) >= ROWS_A_BLOCK,
    take: () => {
      const full = block;
      block = [];
      return full.length === 0 ? null : full;
    },
  });
}

export interface RowHasher {
  hash(row: Row): bigint;
  bucket(row: Row): number;
  /** As the topic has it. */
  key(row: Row): string;
  /** As PostgreSQL prints them. */
  keyTexts(row: Row): string[];
}

/** @returns functions of a row that `columnList` of the shape's columns selected, whatever comes behind */
export function rowHasher({ columns, key }: TableShape, buckets: number): RowHasher {
  const readers = columns.map(mysqlReader);
  const keys = keyColumns({ columns, key });
  const places = keys.map((column) => columns.indexOf(column));
  const rowHash = createTextRowHash(columns);
  const keyHash = createTextRowHash(keys);
  const json = createTextKeyJson(keys);
  const text = (row: Row, place: number): string | null => {
    const value = row[place];
    return value === null || value === undefined ? null : (readers[place]?.text(value) ?? null);
  };
  const keyTexts = (row: Row): string[] => places.map((place) => text(row, place) ?? '');
  return {
    hash: (row) => rowHash(readers.map((_, place) => text(row, place))),
    // One bucket needs no hash.
    bucket: (row) => (buckets === 1 ? 0 : Number(keyHash(keyTexts(row)) % BigInt(buckets))),
    key: (row) => json(keyTexts(row)),
    keyTexts,
  };
}

export function addTo(sums: Map<number, HashSum>, bucket: number, hash: bigint): void {
  const known = sums.get(bucket);
  if (known === undefined) sums.set(bucket, { rows: 1, sum: hash });
  else {
    known.rows += 1;
    known.sum += hash;
  }
}
