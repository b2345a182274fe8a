/**
 * PostgreSQL's types as Headrace's. Guarantees that every column is either mapped to a type that survives the whole way
 * exactly, or refused with a reason a person can act on; nothing is carried "as text and hope".
 *
 * Facts come from the catalogue by `PG_TYPES_SQL`, so that domains over domains, arrays of domains and enums in any schema
 * are seen through without asking the server again.
 */
import type { ColumnType } from '../contracts/columns.ts';
import { quoteIdent } from './sql-names.ts';

/** A row of pg_type, as PG_TYPES_SQL gives it. */
export interface PgType {
  oid: number;
  name: string;
  schema: string;
  /** b base, c composite, d domain, e enum, p pseudo, r range, m multirange. */
  typtype: string;
  /** Of a domain; else 0. */
  base: number;
  /** Of a domain: the modifier of its base; else -1. */
  basemod: number;
  /** Element type of a true array (not of int2vector and the like); else 0. */
  element: number;
}

/** All pg_type rows needed to map the types whose oids are in $1 (oid[]). Columns as in PgType. */
export const PG_TYPES_SQL = `
WITH RECURSIVE needed(oid) AS (
  SELECT unnest($1::oid[])
  UNION
  SELECT next.oid FROM needed JOIN pg_catalog.pg_type t ON t.oid = needed.oid
  CROSS JOIN LATERAL (VALUES (t.typelem), (t.typbasetype)) AS next(oid) WHERE next.oid <> 0
)
SELECT t.oid::int8::float8 AS oid, t.typname::text AS name, n.nspname::text AS schema, t.typtype::text AS typtype,
       t.typbasetype::int8::float8 AS base, t.typtypmod AS basemod, coalesce(e.oid, 0)::int8::float8 AS element
FROM needed JOIN pg_catalog.pg_type t ON t.oid = needed.oid
JOIN pg_catalog.pg_namespace n ON n.oid = t.typnamespace
LEFT JOIN pg_catalog.pg_type e ON e.oid = t.typelem AND e.typarray = t.oid`;

export type MappedType = { ok: { type: ColumnType; sqlType: string } } | { error: string };

/** What is taken: to be said once in a message that lists refusals. */
export const SUPPORTED_TYPES =
  'smallint, integer, bigint, numeric, real, double precision, text, varchar, char, boolean, date, time, timestamp, ' +
  'timestamptz, uuid, json, jsonb, bytea, enums, domains over these, and arrays of these';

/** Plain types: PostgreSQL's name → kind and the name as format_type prints it. */
const PLAIN = {
  int2: ['int16', 'smallint'],
  int4: ['int32', 'integer'],
  int8: ['int64', 'bigint'],
  float4: ['float32', 'real'],
  float8: ['float64', 'double precision'],
  bool: ['boolean', 'boolean'],
  text: ['text', 'text'],
  date: ['date', 'date'],
  uuid: ['uuid', 'uuid'],
  json: ['json', 'json'],
  jsonb: ['jsonb', 'jsonb'],
  bytea: ['bytea', 'bytea'],
} as const;

/** Remedies for types that people do meet. */
const REMEDIES: Readonly<Record<string, string>> = {
  interval: 'its meaning depends on the calendar; add a column with seconds',
  timetz: 'use time, or timestamptz',
  money: "its text depends on the server's lc_monetary; use numeric",
  inet: 'store it as text',
  cidr: 'store it as text',
  xml: 'store it as text',
  citext: 'its equality ignores case, which the topic cannot; use text',
};

/**
 * @param oid of the column's type (pg_attribute.atttypid)
 * @param typmod of the column (pg_attribute.atttypmod)
 * @param types rows of PG_TYPES_SQL by oid
 * @returns the type and its SQL name with domains resolved to their base (the warehouse does not know the domain), or why not
 */
export function mapPostgresType(oid: number, typmod: number, types: ReadonlyMap<number, PgType>): MappedType {
  const type = types.get(oid);
  if (!type) return { error: `type with oid ${oid} is not in the catalogue` };
  if (type.typtype === 'd') return mapPostgresType(type.base, type.basemod, types);
  if (type.typtype === 'e') {
    return { ok: { type: { kind: 'text' }, sqlType: `${quoteIdent(type.schema)}.${quoteIdent(type.name)}` } };
  }
  if (type.element !== 0) {
    const element = mapPostgresType(type.element, typmod, types);
    if ('error' in element) return { error: `array: ${element.error}` };
    if (element.ok.type.kind === 'array') return { error: 'array of a domain over an array' };
    return { ok: { type: { kind: 'array', element: element.ok.type }, sqlType: `${element.ok.sqlType}[]` } };
  }
  const mapped = type.typtype === 'b' && type.schema === 'pg_catalog' ? mapBase(type.name, typmod) : null;
  if (mapped) return { ok: mapped };
  const remedy = REMEDIES[type.name];
  return { error: `type ${type.name} is not supported${remedy ? ` (${remedy})` : ''}` };
}

function mapBase(name: string, typmod: number): { type: ColumnType; sqlType: string } | null {
  const plain = Object.hasOwn(PLAIN, name) ? PLAIN[name as keyof typeof PLAIN] : undefined;
  if (plain) return { type: { kind: plain[0] }, sqlType: plain[1] };
  const length = typmod - 4; // varlena modifiers count a header of 4 bytes
  switch (name) {
    case 'varchar':
      return { type: { kind: 'text' }, sqlType: typmod < 0 ? 'character varying' : `character varying(${length})` };
    case 'bpchar':
      return typmod < 0
        ? { type: { kind: 'char', length: 0 }, sqlType: 'bpchar' }
        : { type: { kind: 'char', length }, sqlType: `character(${length})` };
    case 'numeric': {
      if (typmod < 0) return { type: { kind: 'decimal' }, sqlType: 'numeric' };
      const precision = (length >> 16) & 0xffff;
      const scale = ((length & 0x7ff) ^ 1024) - 1024; // 11 bits, signed since PostgreSQL 15
      return { type: { kind: 'decimal', precision, scale }, sqlType: `numeric(${precision},${scale})` };
    }
    case 'time':
    case 'timestamp':
      return { type: { kind: name }, sqlType: `${name}${typmod < 0 ? '' : `(${typmod})`} without time zone` };
    case 'timestamptz':
      return { type: { kind: name }, sqlType: `timestamp${typmod < 0 ? '' : `(${typmod})`} with time zone` };
    default:
      return null;
  }
}

/**
 * The type for the warehouse's DDL: the source's own, but text where the source has an enum.
 * @param sqlType as mapPostgresType gives it
 */
export function warehouseType(type: ColumnType, sqlType: string): string {
  if (type.kind === 'array') return `${warehouseType(type.element, sqlType.replace(/\[\]$/, ''))}[]`;
  if (type.kind !== 'text') return sqlType;
  return /^(text|character varying(\(\d+\))?)$/.test(sqlType) ? sqlType : 'text';
}

/** Why a type cannot be a key's, or null: equal keys must have equal bytes in the topic and be ordered in an index. */
export function keyRefusal(type: ColumnType): string | null {
  switch (type.kind) {
    case 'json':
    case 'jsonb':
    case 'array':
      return `a key column cannot be of type ${type.kind}: equal values may be written differently`;
    default:
      return null;
  }
}
