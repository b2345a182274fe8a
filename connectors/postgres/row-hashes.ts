/**
 * The source read as hashes: every call is one short statement over one range of the key's index. What PostgreSQL itself
 * can hash never leaves it; rows come out only for the buckets that differ.
 */
import pg from 'pg';
import type { SourceTable } from '../../activities/ports/source.ts';
import type { OwnSourceSum, ScanRange, SourceHashes, Wanted } from '../../activities/ports/verify.ts';
import type { Column, Key } from '../../contracts/columns.ts';
import { fault } from '../../contracts/errors.ts';
import type { PostgresSettings } from '../../contracts/settings.ts';
import { postgresKeyHash, postgresKeyJson, postgresRowHash } from '../../formats/canonical-postgres.ts';
import { quoteIdent, quoteTable } from '../../formats/sql-names.ts';
import { changedSinceSql, seenBySql, standsAsSeenSql } from './changed-since.ts';
import { postgresFault } from './errors.ts';
import { castSql, isEnum, keyColumns, rangeColumns } from './key-sql.ts';
import { ownHash } from './own-hash.ts';
import { openPool, query } from './pool.ts';
import { scopeSql } from './source.ts';

const CONNECTIONS = 4;
/** Stands for the keys that are looked up; no table is called that. */
const ASKED = '" asked"';
/** A range is a chunk: seconds. JIT compiles the long expressions for longer than a chunk takes. */
const SESSION = ['default_transaction_read_only=on', 'jit=off', 'statement_timeout=600000'];

export function openSourceHashes(settings: PostgresSettings): SourceHashes {
  const pool = openPool(settings, 'verify source', CONNECTIONS, SESSION);
  const ask = <Row extends pg.QueryResultRow>(table: SourceTable, sql: string, values: readonly unknown[] = []) =>
    query<Row>(pool, 'SourceUnavailable', `verifying ${quoteTable(table.name)}`, sql, values);
  return {
    ownHash: async (table) => {
      const own = await ownHash(pool, table.name, table.shape.columns, table.name.table).catch((error: unknown) => {
        throw postgresFault(error, 'SourceUnavailable', `verifying ${quoteTable(table.name)}`);
      });
      if (own === null) return null;
      const sum = async (range: ScanRange, snapshot: string): Promise<OwnSourceSum> => {
        const [row] = await ask<TotalRow & { unchanged: boolean }>(
          table,
          `SELECT count(*) AS rows, coalesce(sum(${own.sql}), 0)::text AS sum,
                  coalesce(bool_and(${seenBySql(alias(table), '$1')}), true) AS unchanged FROM ${fromRange(table, range)}`,
          [snapshot],
        );
        return { rows: Number(row?.rows), sum: BigInt(row?.sum ?? 0), unchanged: row?.unchanged === true };
      };
      const stands = async (snapshot: string): Promise<boolean> => {
        const [row] = await ask<{ stands: boolean }>(table, `SELECT ${standsAsSeenSql('$2', '$3', '$1')} AS stands`, [
          snapshot,
          quoteTable(table.name),
          table.name.schema,
        ]);
        return row?.stands === true;
      };
      return { name: own.name, sum, stands };
    },
    sumRange: async (table, range, buckets) => {
      const rows = await ask<SumRow>(
        table,
        `SELECT ${bucketSql(table, buckets)} AS bucket, count(*) AS rows, sum(${rowHash(table)})::text AS sum
         FROM ${fromRange(table, range)} GROUP BY 1`,
      );
      return new Map(rows.map((row) => [Number(row.bucket), { rows: Number(row.rows), sum: BigInt(row.sum) }]));
    },
    rowsOfRange: async (table, range, wanted, snapshot) => {
      const rows = await ask<{ key: string; hash: string; changed: boolean }>(
        table,
        `SELECT ${keyJson(table)} AS key, ${rowHash(table)} AS hash, ${changedSinceSql(alias(table), '$2')} AS changed
         FROM ${fromRange(table, range)} AND ${inBuckets(table, wanted, '$1')}`,
        [wanted.numbers, snapshot],
      );
      return rows.map((row) => ({ key: row.key, hash: BigInt(row.hash), changedSince: row.changed }));
    },
    find: async (table, keys, upper, snapshot) => {
      if (keys.length === 0) return [];
      const columns = keyColumns(table);
      const asked = columns.map((_, place) => `$${place + 2}::text[]`).join(', ');
      const names = columns.map((_, place) => `k${place}`).join(', ');
      const same = columns.map((column, place) => sameSql(table, column, `${ASKED}.k${place}`));
      const rows = await ask<{ found: boolean; changed: boolean; beyond: boolean }>(
        table,
        `SELECT ${alias(table)}.ctid IS NOT NULL AS found, coalesce(${changedSinceSql(alias(table), '$1')}, false) AS changed,
                coalesce(${beyondSql(table, upper)}, false) AS beyond
         FROM unnest(${asked}) WITH ORDINALITY AS ${ASKED} (${names}, place)
         LEFT JOIN ${quoteTable(table.name)} AS ${alias(table)} ON ${same.join(' AND ')} ORDER BY ${ASKED}.place`,
        [snapshot, ...columns.map((_, place) => keys.map((key) => key[place]))],
      );
      return rows.map((row) => ({ exists: row.found, changedSince: row.changed, beyond: row.beyond }));
    },
    close: () => pool.end(),
  };
}

export interface TotalRow extends pg.QueryResultRow {
  rows: string;
  sum: string;
}

export interface SumRow extends TotalRow {
  bucket: string;
}

export function rowHash(table: SourceTable): string {
  return postgresRowHash(table.shape.columns, table.name.table);
}

export function keyJson(table: SourceTable): string {
  return postgresKeyJson(keyColumns(table), table.name.table);
}

/** One bucket needs no hash: a sixth of the time. */
export function bucketSql(table: SourceTable, buckets: number): string {
  return buckets === 1 ? '0' : `(${postgresKeyHash(keyColumns(table), table.name.table)} % ${Math.trunc(buckets)})`;
}

export function inBuckets(table: SourceTable, wanted: Wanted, parameter: string): string {
  return `${bucketSql(table, wanted.buckets)} = ANY (${parameter}::bigint[])`;
}

/** The source table's own name, on both servers, so that a filter that is qualified with it means the same. */
export function alias(table: SourceTable): string {
  return quoteIdent(table.name.table);
}

export function at(table: SourceTable, column: Column): string {
  return `${alias(table)}.${quoteIdent(column.name)}`;
}

function fromRange(table: SourceTable, range: ScanRange): string {
  const left = `(${rangeColumns(table)
    .map((column) => at(table, column))
    .join(', ')})`;
  const after = range.after === null ? '' : ` AND ${left} > ${keyLiteral(table, range.after)}`;
  return (
    `${quoteTable(table.name)} AS ${alias(table)} WHERE ${left} <= ${keyLiteral(table, range.upTo)}${after}` +
    scopeSql(table, range.scope)
  );
}

/** A range's end as a row of literals of the source's own types. */
export function keyLiteral(table: SourceTable, key: Key): string {
  const values = rangeColumns(table).map((column, place) => {
    const value = key[place];
    if (value === undefined)
      throw fault('Unexpected', `the key ${key.join(', ')} does not fit ${quoteTable(table.name)}`);
    return `${pg.escapeLiteral(value)}::${column.sqlType}`;
  });
  return `(${values.join(', ')})`;
}

/** An enum is compared as text, without the index: a label that it does not know would be an error, not a key not found. */
function sameSql(table: SourceTable, column: Column, text: string): string {
  return isEnum(column) ? `${at(table, column)}::text = ${text}` : `${at(table, column)} = ${castSql(column, text)}`;
}

/** Whether a row that was found lies above the upper key, in its columns' own order. */
function beyondSql(table: SourceTable, upper: Key | null): string {
  const key = rangeColumns(table).map((column) => at(table, column));
  return upper === null ? 'true' : `(${key.join(', ')}) > ${keyLiteral(table, upper)}`;
}
