/**
 * The canonical form of formats/canonical.ts as SQL for PostgreSQL 13 and later, so that the server hashes rows where they
 * lie. Session settings (DateStyle, TimeZone, extra_float_digits, bytea_output, search_path) have no say in the hashes, nor has the
 * server's encoding: the statement asks for that itself, once (an InitPlan), and converts only where it is not UTF-8.
 *
 * Measured: 2.1 microseconds a product_sales row, of which 0.5 are md5. It was 3.4: conversions to UTF-8 that change nothing
 * took 0.5, times in numeric arithmetic, written twice (once for their length), 0.5, and a longer chain of || much of the rest.
 * concat() took 0.3 more than ||: it calls an output function a value. Each text made once, in a subquery that OFFSET 0 keeps
 * apart, came to the same as integers compared for their length.
 */
import type { Column, ColumnType } from '../contracts/columns.ts';
import { isNumberDecimal } from './json-values.ts';
import { quoteIdent, quoteLiteral } from './sql-names.ts';

/**
 * @param alias of the table, as written in FROM (unquoted)
 * @returns a bigint expression: the row's hash
 */
export function postgresRowHash(columns: readonly Column[], alias: string): string {
  const fields = columns.map((column) => field(column.type, `${quoteIdent(alias)}.${quoteIdent(column.name)}`));
  return hash60(fields.join(' || '));
}

/** @returns a bigint expression: the hash of the key alone, for bucketing; `keyColumns` in key order */
export function postgresKeyHash(keyColumns: readonly Column[], alias: string): string {
  return postgresRowHash(keyColumns, alias);
}

/**
 * @returns a text expression: the same bytes as the message's key (formats/key-json.ts). A float in a key is printed by
 *   the session's extra_float_digits, which must be 1 or more (the default).
 */
export function postgresKeyJson(keyColumns: readonly Column[], alias: string): string {
  const parts = keyColumns.map((column, i) => {
    const prefix = `${i === 0 ? '{' : ','}${JSON.stringify(column.name)}:`;
    return `${quoteLiteral(prefix)} || ${keyValue(column.type, `${quoteIdent(alias)}.${quoteIdent(column.name)}`)}`;
  });
  return `(${parts.join(' || ')} || '}')`;
}

/** A subquery without a relation of the outer query is evaluated once a statement, not once a row. */
const IS_UTF8 = `(SELECT getdatabaseencoding() = 'UTF8')`;

function hash60(text: string): string {
  const md5 = `CASE WHEN ${IS_UTF8} THEN md5(${text}) ELSE md5(convert_to(${text}, 'UTF8')) END`;
  return `('x' || left(${md5}, 15))::bit(60)::bigint`;
}

function field(type: ColumnType, x: string): string {
  return `coalesce(${lengthAndText(type, x)}, '~')`;
}

/** NULL where x is. In brackets from the right: copies of a few bytes, where from the left each || copies all before it. */
function lengthAndText(type: ColumnType, x: string): string {
  const text = canonical(type, x);
  const general = `${lengthOf(type, text)} || (':' || ${text})`;
  switch (type.kind) {
    case 'int16':
    case 'int32':
    case 'int64': {
      const usual = USUAL_DIGITS.map((digits) => `WHEN ${x} < ${10 ** digits} THEN '${digits}:' || ${x}`);
      return `CASE WHEN ${x} < 0 THEN ${general} ${usual.join(' ')} ELSE ${general} END`;
    }
    case 'boolean':
      return `'1:' || (${text})`;
    case 'uuid':
      return `'36:' || ${text}`;
    case 'timestamp':
    case 'timestamptz': {
      const micros = `(date_part('epoch', ${x}) * 1000000)::bigint`;
      const isUsual = `${x} >= '${USUAL_FROM}'::${type.kind} AND ${x} < '${USUAL_TO}'::${type.kind}`;
      return `CASE WHEN ${isUsual} THEN '16:' || ${micros} ELSE ${general} END`;
    }
    default:
      return general;
  }
}

/** Comparing costs less than printing an integer a second time, to see its length (0.18 microseconds for two columns). */
const USUAL_DIGITS = [1, 2, 3, 4, 5, 6, 7, 8, 9];

/**
 * In between, microseconds have 16 digits and are below 2^51, so that two roundings of a double (seconds, and back) are less
 * than half of one off, and the cast finds the integer.
 */
const USUAL_FROM = '2001-09-09 01:46:40+00';
const USUAL_TO = '2039-01-01 00:00:00+00';

function lengthOf(type: ColumnType, text: string): string {
  const plain = `octet_length(${text})`;
  return isUnicode(type)
    ? `CASE WHEN ${IS_UTF8} THEN ${plain} ELSE octet_length(convert_to(${text}, 'UTF8')) END`
    : plain;
}

function isUnicode(type: ColumnType): boolean {
  return type.kind === 'array' ? isUnicode(type.element) : ['text', 'char', 'json', 'jsonb'].includes(type.kind);
}

/** The canonical text; NULL where x is. */
function canonical(type: ColumnType, x: string): string {
  switch (type.kind) {
    case 'decimal':
      return type.scale === undefined ? `trim_scale(${x})::text` : `${x}::text`;
    case 'float32':
    case 'float64': {
      const send = type.kind === 'float32' ? `float4send(${x} + 0::float4)` : `float8send(${x} + 0::float8)`;
      return `CASE WHEN ${x} = 'NaN' THEN 'NaN' ELSE encode(${send}, 'hex') END`;
    }
    case 'boolean':
      return `CASE WHEN ${x} THEN 't' WHEN NOT ${x} THEN 'f' END`;
    case 'date':
      return `CASE WHEN isfinite(${x}) THEN (${x} - '1970-01-01'::date)::text ELSE ${x}::text END`;
    case 'time':
      return `round(extract(epoch FROM ${x}) * 1000000)::text`;
    case 'timestamp':
    case 'timestamptz':
      return (
        `CASE WHEN NOT isfinite(${x}) THEN ${x}::text WHEN ${x} < '${LAST_EXACT}'::${type.kind} THEN ${micros(x)}::text ` +
        `ELSE (${micros(`(${x} - interval '480000 hours')`)} + 1728000000000000)::text END`
      );
    case 'bytea':
      return `encode(${x}, 'hex')`;
    case 'array':
      return (
        `CASE WHEN ${x} IS NOT NULL THEN coalesce(array_dims(${x}), '') || coalesce((SELECT string_agg(` +
        `${field(type.element, 'e.v')}, '' ORDER BY e.n) FROM unnest(${x}) WITH ORDINALITY AS e(v, n)), '') END`
      );
    default:
      return `${x}::text`; // char(n) to text drops the padding
  }
}

/**
 * From here on extract(epoch) loses microseconds (PostgreSQL 18: 294276-12-31 23:59:59.999999 comes out as the next
 * midnight), so later timestamps are moved into the exact range first. In hours: a day's length hangs on the time zone.
 */
const LAST_EXACT = '294246-01-01 00:00:00+00';

/** Numeric, not bigint: the last years that PostgreSQL knows do not fit when counted from 1970. */
function micros(x: string): string {
  return `round(extract(epoch FROM ${x}) * 1000000)`;
}

function keyValue(type: ColumnType, x: string): string {
  switch (type.kind) {
    case 'int16':
    case 'int32':
    case 'boolean':
      return `${x}::text`;
    case 'int64':
      return `CASE WHEN ${x} BETWEEN -999999999999999 AND 999999999999999 THEN ${x}::text ELSE '"' || ${x} || '"' END`;
    case 'decimal':
      if (isNumberDecimal(type)) return quotedIfWord(`${x}::text`);
      return `'"' || ${type.scale === undefined ? `trim_scale(${x})` : x}::text || '"'`;
    case 'float32':
    case 'float64':
      return quotedIfWord(`(${x} + 0::${type.kind === 'float32' ? 'float4' : 'float8'})::text`);
    case 'bytea':
      return `'"' || encode(${x}, 'hex') || '"'`;
    case 'timestamp':
      return `CASE WHEN ${x} < '0001-01-01 00:00:00'::timestamp THEN replace(${iso(x)}, 'T', ' ') ELSE ${iso(x)} END`;
    case 'timestamptz': {
      const utc = iso(`(${x} AT TIME ZONE 'UTC')`);
      return (
        `CASE WHEN NOT isfinite(${x}) THEN ${utc} WHEN ${x} < '0001-01-01 00:00:00+00'::timestamptz ` +
        `THEN replace(replace(${utc}, ' BC', '+00 BC'), 'T', ' ') ELSE rtrim(${utc}, '"') || 'Z"' END`
      );
    }
    case 'date':
    case 'time':
    case 'uuid':
      return iso(x);
    default:
      return `to_json(${x}::text)::text`;
  }
}

/** to_json prints dates and times in ISO form whatever DateStyle says. */
function iso(x: string): string {
  return `to_json(${x})::text`;
}

function quotedIfWord(text: string): string {
  return `CASE WHEN ${text} ~ '[A-Z]' THEN '"' || ${text} || '"' ELSE ${text} END`;
}
