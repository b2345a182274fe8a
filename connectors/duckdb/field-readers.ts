/**
 * Readers of one value as formats/json-values.ts writes it, from bytes to bytes. Guarantee: what a reader accepts is exactly the
 * form that this program prints of a value of the type (digits, zeros, quotes, calendar), and what it writes is a text that
 * DuckDB casts to that value and no other. All else is refused, right or wrong: it goes another way (encode-cut.ts).
 *
 * Left to the casts: integers that are too large (an error), and to strictChecks of printed-json.ts: lengths, JSON, precisions.
 */
import type { ColumnType } from '../../contracts/columns.ts';
import { isNumberDecimal, SAFE_DIGITS } from '../../formats/json-values.ts';
import { lakeType } from '../../formats/lake-types.ts';

export interface FieldCursor {
  readonly src: Buffer;
  /** Of the same bytes. */
  readonly srcView: DataView;
  at: number;
  /** Has room for all of `src`: no field is written longer than it is read. */
  readonly out: Buffer;
  readonly outView: DataView;
  to: number;
  /** Set by a text in which a line break or tab had to be written otherwise (BREAKS). */
  substituted: boolean;
}

/** @returns false where the value is not in our form; the cursor is then anywhere */
export type FieldReader = (cursor: FieldCursor) => boolean;

/** A byte for NULL, and bytes for what would end a field or a line: none can be in a text, as escapes by number are refused. */
export const NULL_BYTE = 0x01;
export const BREAKS: ReadonlyMap<number, number> = new Map([
  [0x0a, 0x02],
  [0x09, 0x03],
  [0x0d, 0x04],
]);

/** Null for a type whose values have no such reader (arrays). */
export function fieldReader(type: ColumnType): FieldReader | null {
  switch (type.kind) {
    case 'int16':
    case 'int32':
      return copied((src, at) => integerEnd(src, at, 1, SAFE_DIGITS));
    case 'int64':
      return copied(int64End);
    case 'decimal':
      return decimalReader(type);
    case 'float32':
      return copied((src, at) => floatEnd(src, at, 30));
    case 'float64':
      return copied((src, at) => floatEnd(src, at, 290));
    case 'boolean':
      return copied((src, at) => Math.max(wordEnd(src, at, TRUE), wordEnd(src, at, FALSE)));
    case 'text':
    case 'char':
    case 'json':
    case 'jsonb':
      return readText;
    case 'date':
      return copied(quoted(dateEnd));
    case 'time':
      return copied(quoted(timeEnd));
    case 'timestamp':
      return copied(quoted(timestampEnd));
    case 'timestamptz':
      return copied(quoted(zonedEnd), 1); // without the Z
    case 'uuid':
      return copied(quoted(uuidEnd));
    case 'bytea':
      return copied(quoted(byteaEnd));
    case 'array':
      return null;
  }
}

/** @returns the place behind a value in our form that begins at `at`, or NONE */
type FieldEnd = (src: Buffer, at: number) => number;

const NONE = -1;
const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const MINUS = 0x2d;
const PLUS = 0x2b;
const POINT = 0x2e;
const COLON = 0x3a;
const ZERO = 0x30;
const TRUE = Buffer.from('true');
const FALSE = Buffer.from('false');
const NULL = Buffer.from('null');

/** Copies the value as it is, but for its quotes and the last `dropped` bytes within. */
function copied(endOf: FieldEnd, dropped = 0): FieldReader {
  return (cursor) => {
    const { src, at } = cursor;
    const end = endOf(src, at);
    if (end < 0) return false;
    if (src[at] === QUOTE) copy(cursor, at + 1, end - 1 - dropped);
    else copy(cursor, at, end);
    cursor.at = end;
    return true;
  };
}

/** Four bytes at a time (0.04 us a row less than one by one); up to three too many are written, which what follows overwrites. */
function copy(cursor: FieldCursor, from: number, end: number): void {
  const { src, srcView, out, outView, to } = cursor;
  const length = end - from;
  cursor.to = to + length;
  if (end + 4 > src.length || to + length + 4 > out.length) {
    for (let i = 0; i < length; i++) out[to + i] = src[from + i] as number;
    return;
  }
  for (let i = 0; i < length; i += 4) outView.setInt32(to + i, srcView.getInt32(from + i, true), true);
}

function quoted(endOf: FieldEnd): FieldEnd {
  return (src, at) => {
    if (src[at] !== QUOTE) return NONE;
    const end = endOf(src, at + 1);
    return end >= 0 && src[end] === QUOTE ? end + 1 : NONE;
  };
}

function wordEnd(src: Buffer, at: number, word: Buffer): number {
  for (let i = 0; i < word.length; i++) if (src[at + i] !== word[i]) return NONE;
  return at + word.length;
}

/** Moves over `null`, if it stands here, and writes NULL_BYTE. */
export function readNull(cursor: FieldCursor): boolean {
  const end = wordEnd(cursor.src, cursor.at, NULL);
  if (end < 0) return false;
  cursor.out[cursor.to++] = NULL_BYTE;
  cursor.at = end;
  return true;
}

/** The place of the first byte that is no digit. */
function digitsEnd(src: Buffer, at: number): number {
  let end = at;
  for (let byte = src[end] as number; byte >= ZERO && byte <= 0x39; byte = src[++end] as number);
  return end;
}

/** No zeros in front, no -0. */
function integerEnd(src: Buffer, at: number, minDigits: number, maxDigits: number): number {
  const start = src[at] === MINUS ? at + 1 : at;
  const end = digitsEnd(src, start);
  const digits = end - start;
  if (digits < minDigits || digits > maxDigits) return NONE;
  return src[start] === ZERO && (digits > 1 || start > at) ? NONE : end;
}

const MAX_INT64_DIGITS = 19;
const longInt64End = quoted((src, at) => integerEnd(src, at, SAFE_DIGITS + 1, MAX_INT64_DIGITS));

function int64End(src: Buffer, at: number): number {
  return src[at] === QUOTE ? longInt64End(src, at) : integerEnd(src, at, 1, SAFE_DIGITS);
}

function decimalReader(type: { kind: 'decimal'; precision?: number; scale?: number }): FieldReader {
  const { precision, scale = 0 } = type;
  if (precision === undefined || lakeType(type) === 'VARCHAR') return readText; // strictChecks looks at its digits
  const wholeDigits = Math.max(precision - scale, 1);
  const endOf: FieldEnd = (src, at) => decimalEnd(src, at, wholeDigits, Math.max(scale, 0));
  return copied(isNumberDecimal(type) ? endOf : quoted(endOf));
}

/** At its scale exactly; no zeros in front, no -0.00. */
function decimalEnd(src: Buffer, at: number, wholeDigits: number, scale: number): number {
  const start = src[at] === MINUS ? at + 1 : at;
  const point = digitsEnd(src, start);
  const whole = point - start;
  if (whole === 0 || whole > wholeDigits || (src[start] === ZERO && whole > 1)) return NONE;
  let end = point;
  if (scale > 0) {
    if (src[point] !== POINT) return NONE;
    end = digitsEnd(src, point + 1);
    if (end - point - 1 !== scale) return NONE;
  }
  return start > at && src[start] === ZERO && !anyNonZero(src, start, end) ? NONE : end;
}

function anyNonZero(src: Buffer, from: number, to: number): boolean {
  for (let i = from; i < to; i++) if ((src[i] as number) > ZERO) return true;
  return false;
}

/** Of a whole number or a fraction; PostgreSQL prints 17 at most. */
const MAX_FLOAT_DIGITS = 20;

/** A JSON number well within the type's range; not -0, whose sign Parquet's dictionary loses. */
function floatEnd(src: Buffer, at: number, maxExponent: number): number {
  const start = src[at] === MINUS ? at + 1 : at;
  let end = digitsEnd(src, start);
  const whole = end - start;
  if (whole === 0 || whole > MAX_FLOAT_DIGITS || (src[start] === ZERO && whole > 1)) return NONE;
  if (src[end] === POINT) {
    const from = end + 1;
    end = digitsEnd(src, from);
    if (end === from || end - from > MAX_FLOAT_DIGITS) return NONE;
  }
  if (start > at && !anyNonZero(src, start, end)) return NONE;
  return src[end] === 0x65 ? exponentEnd(src, end + 1, maxExponent) : end;
}

function exponentEnd(src: Buffer, at: number, maxExponent: number): number {
  const start = src[at] === MINUS || src[at] === PLUS ? at + 1 : at;
  const end = digitsEnd(src, start);
  if (end === start || end - start > 3) return NONE;
  let exponent = 0;
  for (let i = start; i < end; i++) exponent = exponent * 10 + (src[i] as number) - ZERO;
  return exponent <= maxExponent ? end : NONE;
}

/** For each byte of a text: 1 where it stands for itself. */
const PLAIN = new Uint8Array(256).fill(1, 0x20);
PLAIN[QUOTE] = PLAIN[BACKSLASH] = 0;
/** For each letter behind a backslash: the byte to write; 0 where the escape is refused. */
const DECODED = new Uint8Array(256);
for (const [letter, byte] of [
  ['"', QUOTE],
  ['\\', BACKSLASH],
  ['b', 0x08],
  ['f', 0x0c],
  ['n', 0x0a],
  ['t', 0x09],
  ['r', 0x0d],
] as const) {
  DECODED[letter.charCodeAt(0)] = BREAKS.get(byte) ?? byte;
}
const LAST_BREAK = Math.max(...BREAKS.values());

function readText(cursor: FieldCursor): boolean {
  const { src, out } = cursor;
  let { at, to } = cursor;
  if (src[at++] !== QUOTE) return false;
  for (;;) {
    const byte = src[at++] as number;
    if (PLAIN[byte] === 1) {
      out[to++] = byte;
      continue;
    }
    if (byte === QUOTE) break;
    const decoded = byte === BACKSLASH ? (DECODED[src[at++] as number] as number) : 0;
    if (decoded === 0) return false; // a raw control character, the end of the bytes, or an escape that is not ours
    if (decoded <= LAST_BREAK) cursor.substituted = true;
    out[to++] = decoded;
  }
  cursor.at = at;
  cursor.to = to;
  return true;
}

const NOT_TWO_DIGITS = 100;

function twoDigits(src: Buffer, at: number): number {
  const tens = (src[at] as number) - ZERO;
  const ones = (src[at + 1] as number) - ZERO;
  // So that the comparisons fail behind the buffer's end too, where both are NaN.
  return tens >= 0 && tens <= 9 && ones >= 0 && ones <= 9 ? tens * 10 + ones : NOT_TWO_DIGITS;
}

const DAYS = [0, 31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];

/** Years 0001 to 9999; the others are printed with more digits or with BC. */
function dateEnd(src: Buffer, at: number): number {
  const century = twoDigits(src, at);
  const yearOfCentury = twoDigits(src, at + 2);
  const month = twoDigits(src, at + 5);
  const day = twoDigits(src, at + 8);
  if (century > 99 || yearOfCentury > 99 || src[at + 4] !== MINUS || src[at + 7] !== MINUS) return NONE;
  const year = century * 100 + yearOfCentury;
  if (year === 0 || month < 1 || month > 12 || day < 1 || day > (DAYS[month] as number)) return NONE;
  if (month === 2 && day === 29 && (year % 4 !== 0 || (year % 100 === 0 && year % 400 !== 0))) return NONE;
  return at + 10;
}

function timeEnd(src: Buffer, at: number): number {
  if (twoDigits(src, at) > 23 || twoDigits(src, at + 3) > 59 || twoDigits(src, at + 6) > 59) return NONE;
  if (src[at + 2] !== COLON || src[at + 5] !== COLON) return NONE;
  if (src[at + 8] !== POINT) return at + 8;
  const end = digitsEnd(src, at + 9);
  const digits = end - at - 9;
  return digits > 0 && digits <= 6 && src[end - 1] !== ZERO ? end : NONE;
}

function timestampEnd(src: Buffer, at: number): number {
  const end = dateEnd(src, at);
  return end >= 0 && src[end] === 0x54 ? timeEnd(src, end + 1) : NONE;
}

function zonedEnd(src: Buffer, at: number): number {
  const end = timestampEnd(src, at);
  return end >= 0 && src[end] === 0x5a ? end + 1 : NONE;
}

/** The place of the first byte that is no lower hex digit. */
function hexEnd(src: Buffer, at: number): number {
  let end = at;
  for (; ; end++) {
    const byte = src[end];
    const hex = byte !== undefined && ((byte >= ZERO && byte <= 0x39) || (byte >= 0x61 && byte <= 0x66));
    if (!hex) return end;
  }
}

const UUID_GROUPS = [8, 4, 4, 4, 12];

function uuidEnd(src: Buffer, at: number): number {
  let end = at;
  for (const [i, digits] of UUID_GROUPS.entries()) {
    if (i > 0 && src[end++] !== MINUS) return NONE;
    if (hexEnd(src, end) !== end + digits) return NONE;
    end += digits;
  }
  return end;
}

function byteaEnd(src: Buffer, at: number): number {
  const end = hexEnd(src, at);
  return (end - at) % 2 === 0 ? end : NONE;
}
