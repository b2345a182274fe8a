/**
 * What a warehouse table of MySQL's holds a column as, and whether a user's own column can. Guarantee: every value of the
 * source that such a column takes without a warning comes out as it went in.
 *
 * A source's own MySQL type is kept where it has one that holds as much; else: numeric without a scale is decimal(65,30), a
 * boolean tinyint(1), json and text longtext (MySQL's json would change numbers and the order of keys), timestamps are
 * datetime in UTC (MySQL's timestamp ends in 2038), uuid is char(36).
 */
import type { Column, ColumnType } from '../../contracts/columns.ts';
import type { FoundColumn } from './catalog.ts';
import type { Flavour } from './pool.ts';

/** Of these MySQL alone decides what a value is; char and text get a character set of ours, timestamp ends in 2038. */
const KEPT =
  /^(tinyint|smallint|mediumint|int|bigint|float|double|decimal|date|datetime|time|year|bit|binary|varbinary|tinyblob|blob|mediumblob|longblob)\b/;
/** Bytes of an index's key in InnoDB. */
const MOST_KEY_BYTES = 3072;
const MOST_VARCHAR = 16_383;

/** Trailing blanks and case count, and so does every code point: two keys of the source stay two. */
export function binaryCollation(flavour: Flavour): string {
  return flavour === 'mariadb' ? 'utf8mb4_nopad_bin' : 'utf8mb4_0900_bin';
}

/**
 * @param key all of the key's columns, where the column is one
 * @returns the column's type for DDL; or why it can have none
 */
export function warehouseType(
  column: Column,
  key: readonly Column[],
  flavour: Flavour,
): { ok: string } | { error: string } {
  const { type, native } = column;
  const isKey = key.includes(column);
  const bytes = type.kind === 'bytea';
  if (native !== undefined && KEPT.test(native) && !(isKey && /blob/.test(native))) {
    return { ok: native.replace(' zerofill', '') };
  }
  switch (type.kind) {
    case 'int16':
      return { ok: 'smallint' };
    case 'int32':
      return { ok: 'int' };
    case 'int64':
      return { ok: 'bigint' };
    case 'float32':
      return { ok: 'float' };
    case 'float64':
      return { ok: 'double' };
    case 'boolean':
      return { ok: 'tinyint(1)' };
    case 'decimal':
      return decimalType(type);
    case 'date':
      return { ok: 'date' };
    case 'time':
      return { ok: `time(${fractionOf(column)})` };
    case 'timestamp':
    case 'timestamptz':
      return { ok: `datetime(${fractionOf(column)})` };
    case 'uuid':
      return { ok: 'char(36) CHARACTER SET ascii COLLATE ascii_bin' };
    case 'array':
      return { error: 'MySQL has no arrays; replay a view or a generated column that has it as json' };
    case 'bytea':
    case 'text':
    case 'char':
    case 'json':
    case 'jsonb': {
      const set = bytes ? '' : ` CHARACTER SET utf8mb4 COLLATE ${binaryCollation(flavour)}`;
      const length = lengthOf(column);
      if (isKey) return { ok: `${bytes ? 'varbinary' : 'varchar'}(${keyLength(column, key)})${set}` };
      if (bytes) return { ok: 'longblob' };
      return { ok: `${length === null || length > MOST_VARCHAR ? 'longtext' : `varchar(${length})`}${set}` };
    }
  }
}

function decimalType({ precision, scale = 0 }: ColumnType & { kind: 'decimal' }): { ok: string } | { error: string } {
  if (precision === undefined) return { ok: 'decimal(65,30)' };
  const digits = Math.max(precision - Math.min(scale, 0), scale);
  const decimals = Math.max(scale, 0);
  if (digits <= 65 && decimals <= 30) return { ok: `decimal(${digits},${decimals})` };
  return {
    error: `numeric(${precision},${scale}) is beyond MySQL's decimal(65,30); declare it narrower in the source`,
  };
}

/** Digits of a second. */
function fractionOf({ sqlType }: Column): number {
  return Number(/\((\d)\)/.exec(sqlType)?.[1] ?? 6);
}

/** Characters; null where there is no bound. */
function lengthOf({ type, sqlType }: Column): number | null {
  const length = type.kind === 'char' ? type.length : Number(/^character varying\((\d+)\)$/.exec(sqlType)?.[1] ?? 0);
  return length === 0 ? null : length;
}

/** Room in the index for a column without a bound: what the others leave, in equal shares. */
function keyLength(column: Column, key: readonly Column[]): number {
  const perUnit = (each: Column): number => (each.type.kind === 'bytea' ? 1 : 4);
  const isBounded = (each: Column): boolean => !isTextual(each) || lengthOf(each) !== null;
  const taken = key
    .filter(isBounded)
    .reduce((sum, each) => sum + (isTextual(each) ? (lengthOf(each) ?? 0) * perUnit(each) : 40), 0);
  const share = Math.floor((MOST_KEY_BYTES - taken) / Math.max(1, key.filter((each) => !isBounded(each)).length));
  return lengthOf(column) ?? Math.max(1, Math.floor(share / perUnit(column)));
}

function isTextual({ type }: Column): boolean {
  return ['text', 'char', 'json', 'jsonb', 'bytea'].includes(type.kind);
}

const BITS: Readonly<Record<string, number>> = { tinyint: 8, smallint: 16, mediumint: 24, int: 32, bigint: 64 };
const TEXT_BYTES: Readonly<Record<string, number>> = {
  tiny: 255,
  '': 65_535,
  medium: 16_777_215,
  long: 4_294_967_295,
};

/** Whether every value of the wanted type (as warehouseType writes it) fits the column, and is printed alike. */
export function fits(wanted: string, column: Column, found: FoundColumn): boolean {
  const want = parsed(wanted);
  const have = parsed(found.columnType);
  if (found.columnType.includes('zerofill')) return false;
  if (want.base === have.base && want.sizes.join() === have.sizes.join() && want.unsigned === have.unsigned)
    return true;
  const wantBits = BITS[want.base];
  const haveBits = BITS[have.base];
  if (column.type.kind === 'boolean') return haveBits !== undefined || (have.base === 'bit' && have.sizes[0] === 1);
  if (wantBits !== undefined) {
    if (haveBits === undefined) return false;
    if (want.unsigned === have.unsigned) return haveBits >= wantBits;
    return want.unsigned && haveBits > wantBits;
  }
  const [wantSize = 0, wantScale = 0] = want.sizes;
  const [haveSize = 0, haveScale = 0] = have.sizes;
  switch (want.base) {
    case 'decimal':
      if (have.base === 'bigint' && have.unsigned && column.native?.includes('unsigned') === true)
        return wantScale === 0;
      return have.base === 'decimal' && !have.unsigned && wantScale === haveScale && haveSize >= wantSize;
    case 'datetime':
      if (have.base === 'timestamp') return column.native?.startsWith('timestamp') === true && haveSize >= wantSize;
      return have.base === 'datetime' && haveSize >= wantSize;
    case 'time':
      return have.base === 'time' && haveSize >= wantSize;
    case 'char': // a uuid
      return found.dataType === 'uuid' || (/char$/.test(have.base) && haveSize >= wantSize);
    case 'year':
    case 'bit':
      return haveBits !== undefined && haveBits >= 32;
    default:
      break;
  }
  if (column.type.kind === 'bytea')
    return capacity(have, 'blob', 'varbinary', 1) >= capacity(want, 'blob', 'varbinary', 1);
  if (isTextual(column)) return capacity(have, 'text', 'varchar', 4) >= capacity(want, 'text', 'varchar', 4);
  return false;
}

/** Bytes that a text or blob column holds for sure; binary(n) and varbinary(n) alike, as a binary value has its own length. */
function capacity({ base, sizes }: Parsed, family: string, varying: string, perUnit: number): number {
  if (base === varying || base === varying.replace('var', '')) return (sizes[0] ?? 0) * perUnit;
  return base.endsWith(family) ? (TEXT_BYTES[base.slice(0, -family.length)] ?? 0) : 0;
}

interface Parsed {
  base: string;
  sizes: readonly number[];
  unsigned: boolean;
}

/** `bigint(20) unsigned` → bigint, no sizes (a display width says nothing), unsigned. */
function parsed(type: string): Parsed {
  const match = /^([a-z]+)(?:\(([\d,]+)\))?/.exec(type);
  const base = match?.[1] ?? type;
  const sizes =
    BITS[base] === undefined && base !== 'year' ? (match?.[2] ?? '').split(',').filter(Boolean).map(Number) : [];
  return { base, sizes, unsigned: type.includes('unsigned') };
}
