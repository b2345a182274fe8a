/**
 * What the catalogue says of a source table, and whether Headrace can read it. Every fault of the table comes in one
 * message: a user mends them all at once.
 */
import type pg from 'pg';
import type { Column, TableName, TableShape } from '../../contracts/columns.ts';
import { fault } from '../../contracts/errors.ts';
import {
  keyRefusal,
  mapPostgresType,
  PG_TYPES_SQL,
  type PgType,
  SUPPORTED_TYPES,
} from '../../formats/postgres-types.ts';
import { lakeNameFaults } from '../../formats/lake-types.ts';
import { chooseColumns, chooseKey, eventTimeFault, unreadableFaults } from '../../formats/source-key.ts';
import { quoteTable } from '../../formats/sql-names.ts';
import { query } from './pool.ts';

interface RelationRow {
  oid: string;
  relkind: string;
  estimated_rows: string;
  encoding: string;
  has_children: boolean;
}
interface ColumnRow {
  attname: string;
  attnotnull: boolean;
  type_oid: number;
  typmod: number;
}
interface KeyRow {
  index_name: string;
  is_primary: boolean;
  columns: string[];
  nullable: string[];
  nondeterministic: string[];
}

// reltuples of a partitioned table is -1 until analysed: its leaves are added up.
const RELATION_SQL = `
  SELECT c.oid::text, c.relkind::text AS relkind, getdatabaseencoding() AS encoding,
         EXISTS (SELECT 1 FROM pg_inherits h WHERE h.inhparent = c.oid) AS has_children,
         greatest(0, CASE WHEN c.relkind = 'p'
           THEN (SELECT coalesce(sum(greatest(l.reltuples, 0)), 0) FROM pg_partition_tree(c.oid) t JOIN pg_class l ON l.oid = t.relid WHERE t.isleaf)
           ELSE c.reltuples END)::bigint::text AS estimated_rows
  FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE n.nspname = $1 AND c.relname = $2`;

const COLUMNS_SQL = `
  SELECT attname, attnotnull, atttypid::int8::float8 AS type_oid, atttypmod AS typmod
  FROM pg_attribute WHERE attrelid = $1::oid AND attnum > 0 AND NOT attisdropped ORDER BY attnum`;

// Whole, plain, valid unique indexes: no expression, no predicate; INCLUDE columns (beyond indnkeyatts) are no key.
const KEYS_SQL = `
  SELECT i.relname AS index_name, x.indisprimary AS is_primary,
         array_agg(a.attname::text ORDER BY k.place) AS columns,
         coalesce(array_agg(a.attname::text) FILTER (WHERE NOT a.attnotnull), '{}') AS nullable,
         coalesce(array_agg(a.attname::text) FILTER (WHERE NOT coalesce(l.collisdeterministic, true)), '{}') AS nondeterministic
  FROM pg_index x JOIN pg_class i ON i.oid = x.indexrelid
  CROSS JOIN LATERAL unnest(x.indkey::int2[]) WITH ORDINALITY AS k (attnum, place)
  JOIN pg_attribute a ON a.attrelid = x.indrelid AND a.attnum = k.attnum
  LEFT JOIN pg_collation l ON l.oid = a.attcollation
  WHERE x.indrelid = $1::oid AND x.indisunique AND x.indisvalid AND x.indpred IS NULL AND x.indexprs IS NULL
    AND k.place <= x.indnkeyatts
  GROUP BY i.relname, x.indisprimary ORDER BY x.indisprimary DESC, i.relname`;

/**
 * @param key columns of the unique key to use, in any order; absent: the primary key
 * @param wanted columns to read, beside the key and the event time; absent: all
 * @throws Fault TableMissing, TableUnsuited (with every fault of the table)
 */
export async function describeTable(
  pool: pg.Pool,
  name: TableName,
  key?: readonly string[],
  eventTime?: string,
  wanted?: readonly string[],
): Promise<{ shape: TableShape; estimatedRows: number }> {
  const shown = quoteTable(name);
  const ask = <Row extends pg.QueryResultRow>(sql: string, values: unknown[]) =>
    query<Row>(pool, 'SourceUnavailable', `describing table ${shown}`, sql, values);
  const relation = (await ask<RelationRow>(RELATION_SQL, [name.schema, name.table]))[0];
  if (!relation) {
    throw fault(
      'TableMissing',
      `table ${shown} does not exist in the source (or the role may not see it); check source.table and its connection`,
    );
  }
  const faults: string[] = [];
  if (relation.relkind !== 'r' && relation.relkind !== 'p')
    faults.push(`${shown} is not a table (relkind ${relation.relkind}); name a table`);
  if (relation.relkind === 'r' && relation.has_children) {
    faults.push('other tables inherit from it: its key does not hold over their rows; name a table without children');
  }
  if (relation.encoding === 'SQL_ASCII')
    faults.push('the database has no encoding (SQL_ASCII); text cannot be carried safely');
  const chosen = keyOf(await ask<KeyRow>(KEYS_SQL, [relation.oid]), shown, key, faults);
  const columns: Column[] = [];
  const all = await ask<ColumnRow>(COLUMNS_SQL, [relation.oid]);
  const read = chooseColumns(
    all.map(({ attname }) => attname),
    wanted,
    [...chosen, eventTime],
    shown,
  );
  faults.push(...read.faults);
  const rows = all.filter(({ attname }) => read.names.has(attname));
  const types = await ask<PgType>(PG_TYPES_SQL, [rows.map((row) => row.type_oid)]);
  const byOid = new Map(types.map((type) => [type.oid, type]));
  const refused: { name: string; error: string }[] = [];
  for (const row of rows) {
    const mapped = mapPostgresType(row.type_oid, row.typmod, byOid);
    if ('error' in mapped) refused.push({ name: row.attname, error: mapped.error });
    else columns.push({ name: row.attname, nullable: !row.attnotnull, ...mapped.ok });
  }
  faults.push(...unreadableFaults(refused, [...chosen, eventTime], SUPPORTED_TYPES));
  faults.push(...lakeNameFaults(columns));
  for (const column of columns.filter((each) => chosen.includes(each.name))) {
    const refusal = keyRefusal(column.type);
    if (refusal !== null) faults.push(`key column "${column.name}": ${refusal}`);
  }
  if (eventTime !== undefined) {
    const unfit = eventTimeFault(columns, eventTime, shown, 'a timestamp, timestamptz or date');
    if (unfit !== null) faults.push(unfit);
  }
  if (faults.length > 0)
    throw fault('TableUnsuited', `table ${shown} cannot be replayed:\n  - ${faults.join('\n  - ')}`);
  return { shape: { columns, key: chosen }, estimatedRows: Number(relation.estimated_rows) };
}

function keyOf(keys: KeyRow[], shown: string, wanted: readonly string[] | undefined, faults: string[]): string[] {
  const found = chooseKey(keys, (candidate) => candidate.is_primary, wanted, shown);
  if (typeof found === 'string') {
    faults.push(found);
    return [];
  }
  if (found.nullable.length > 0)
    faults.push(`key column ${found.nullable.join(', ')} may be NULL; make it NOT NULL or choose another key`);
  if (found.nondeterministic.length > 0) {
    faults.push(
      `key column ${found.nondeterministic.join(', ')} has a nondeterministic collation: keys that differ could be equal; choose another key`,
    );
  }
  return found.columns;
}
