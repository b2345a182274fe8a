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
  at: number;
  /** Has room for all of `src`: no field is written longer than it is read. */
  readonly out: Buffer;
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
      return (cursor) => readInteger(cursor, 1, SAFE_DIGITS);
    case 'int64':
      return readInt64;
    case 'decimal':
      return decimalReader(type);
    case 'float32':
      return (cursor) => readFloat(cursor, 30);
    case 'float64':
      return (cursor) => readFloat(cursor, 290);
    case 'boolean':
      return (cursor) => readWord(cursor, TRUE) || readWord(cursor, FALSE);
    case 'text':
    case 'char':
    case 'json':
    case 'jsonb':
      return readText;
    case 'date':
      return quoted(readDate);
    case 'time':
      return quoted(readTime);
    case 'timestamp':
      return quoted(readTimestamp);
    case 'timestamptz':
      return quoted((cursor) => readTimestamp(cursor) && cursor.src[cursor.at++] === 0x5a);
    case 'uuid':
      return quoted(readUuid);
    case 'bytea':
      return quoted(readBytea);
    case 'array':
      return null;
  }
}

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const MINUS = 0x2d;
const PLUS = 0x2b;
const POINT = 0x2e;
const ZERO = 0x30;
const TRUE = Buffer.from('true');
const FALSE = Buffer.from('false');
const NULL = Buffer.from('null');

function quoted(read: FieldReader): FieldReader {
  return (cursor) => cursor.src[cursor.at++] === QUOTE && read(cursor) && cursor.src[cursor.at++] === QUOTE;
}

function readWord(cursor: FieldCursor, word: Buffer): boolean {
  const { src, at, out, to } = cursor;
  for (let i = 0; i < word.length; i++) {
    if (src[at + i] !== word[i]) return false;
    out[to + i] = word[i] as number;
  }
  cursor.at = at + word.length;
  cursor.to = to + word.length;
  return true;
}

/** Moves over `null`, if it stands here, and writes NULL_BYTE. */
export function readNull(cursor: FieldCursor): boolean {
  const { to } = cursor;
  if (!readWord(cursor, NULL)) return false;
  cursor.out[to] = NULL_BYTE;
  cursor.to = to + 1;
  return true;
}

function isDigit(byte: number | undefined): boolean {
  return byte !== undefined && byte >= ZERO && byte <= 0x39;
}

/** Copies digits. @returns how many */
function copyDigits(cursor: FieldCursor): number {
  const { src, out } = cursor;
  const start = cursor.at;
  let at = start;
  let to = cursor.to;
  for (let byte = src[at] as number; byte >= ZERO && byte <= 0x39; byte = src[++at] as number) out[to++] = byte;
  cursor.at = at;
  cursor.to = to;
  return at - start;
}

/** No zeros in front, no -0. */
function readInteger(cursor: FieldCursor, minDigits: number, maxDigits: number): boolean {
  const negative = copyMinus(cursor);
  const leading = cursor.src[cursor.at];
  const digits = copyDigits(cursor);
  return digits >= minDigits && digits <= maxDigits && (leading !== ZERO || (digits === 1 && !negative));
}

function copyMinus(cursor: FieldCursor): boolean {
  if (cursor.src[cursor.at] !== MINUS) return false;
  cursor.out[cursor.to++] = MINUS;
  cursor.at++;
  return true;
}

const MAX_INT64_DIGITS = 19;
const readLongInt64 = quoted((cursor) => readInteger(cursor, SAFE_DIGITS + 1, MAX_INT64_DIGITS));

function readInt64(cursor: FieldCursor): boolean {
  return cursor.src[cursor.at] === QUOTE ? readLongInt64(cursor) : readInteger(cursor, 1, SAFE_DIGITS);
}

function decimalReader(type: { kind: 'decimal'; precision?: number; scale?: number }): FieldReader {
  const { precision, scale = 0 } = type;
  if (precision === undefined || lakeType(type) === 'VARCHAR') return readText; // strictChecks looks at its digits
  const wholeDigits = Math.max(precision - scale, 1);
  const read: FieldReader = (cursor) => readDecimal(cursor, wholeDigits, Math.max(scale, 0));
  return isNumberDecimal(type) ? read : quoted(read);
}

/** At its scale exactly; no zeros in front, no -0.00. */
function readDecimal(cursor: FieldCursor, wholeDigits: number, scale: number): boolean {
  const negative = copyMinus(cursor);
  const start = cursor.at;
  const leading = cursor.src[start];
  const whole = copyDigits(cursor);
  if (whole === 0 || whole > wholeDigits || (leading === ZERO && whole > 1)) return false;
  if (scale > 0) {
    if (cursor.src[cursor.at] !== POINT) return false;
    cursor.out[cursor.to++] = POINT;
    cursor.at++;
    if (copyDigits(cursor) !== scale) return false;
  }
  return !negative || leading !== ZERO || anyNonZero(cursor.src, start, cursor.at);
}

function anyNonZero(src: Buffer, from: number, to: number): boolean {
  for (let i = from; i < to; i++) if ((src[i] as number) > ZERO) return true;
  return false;
}

/** A JSON number well within the type's range; not -0, whose sign Parquet's dictionary loses. */
function readFloat(cursor: FieldCursor, maxExponent: number): boolean {
  const negative = copyMinus(cursor);
  const { src, out } = cursor;
  const start = cursor.at;
  const leading = src[start];
  const whole = copyDigits(cursor);
  if (whole === 0 || whole > 20 || (leading === ZERO && whole > 1)) return false;
  if (src[cursor.at] === POINT) {
    out[cursor.to++] = POINT;
    cursor.at++;
    const fraction = copyDigits(cursor);
    if (fraction === 0 || fraction > 20) return false;
  }
  if (negative && !anyNonZero(src, start, cursor.at)) return false;
  if (src[cursor.at] !== 0x65) return true;
  out[cursor.to++] = 0x65;
  const sign = src[++cursor.at];
  if (sign === MINUS || sign === PLUS) {
    out[cursor.to++] = sign;
    cursor.at++;
  }
  const from = cursor.at;
  if (copyDigits(cursor) > 3) return false;
  let exponent = 0;
  for (let i = from; i < cursor.at; i++) exponent = exponent * 10 + (src[i] as number) - ZERO;
  return cursor.at > from && exponent <= maxExponent;
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

const TWO_DIGITS_BAD = 100;

/** Copies two digits. @returns their number, or TWO_DIGITS_BAD */
function copyTwo(cursor: FieldCursor): number {
  const { src, out, at, to } = cursor;
  const tens = src[at];
  const ones = src[at + 1];
  if (!isDigit(tens) || !isDigit(ones)) return TWO_DIGITS_BAD;
  out[to] = tens as number;
  out[to + 1] = ones as number;
  cursor.at = at + 2;
  cursor.to = to + 2;
  return ((tens as number) - ZERO) * 10 + (ones as number) - ZERO;
}

function copyByte(cursor: FieldCursor, byte: number): boolean {
  if (cursor.src[cursor.at] !== byte) return false;
  cursor.out[cursor.to++] = byte;
  cursor.at++;
  return true;
}

const DAYS = [0, 31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];

/** Years 0001 to 9999; the others are printed with more digits or with BC. */
function readDate(cursor: FieldCursor): boolean {
  const century = copyTwo(cursor);
  const yearOfCentury = copyTwo(cursor);
  if (century === TWO_DIGITS_BAD || yearOfCentury === TWO_DIGITS_BAD) return false;
  const year = century * 100 + yearOfCentury;
  if (year === 0 || !copyByte(cursor, MINUS)) return false;
  const month = copyTwo(cursor);
  if (month < 1 || month > 12 || !copyByte(cursor, MINUS)) return false;
  const day = copyTwo(cursor);
  if (day < 1 || day > (DAYS[month] as number)) return false;
  return month !== 2 || day < 29 || (year % 4 === 0 && (year % 100 !== 0 || year % 400 === 0));
}

function readTime(cursor: FieldCursor): boolean {
  if (copyTwo(cursor) > 23 || !copyByte(cursor, 0x3a)) return false;
  if (copyTwo(cursor) > 59 || !copyByte(cursor, 0x3a)) return false;
  if (copyTwo(cursor) > 59) return false;
  if (!copyByte(cursor, POINT)) return true;
  const digits = copyDigits(cursor);
  return digits > 0 && digits <= 6 && cursor.src[cursor.at - 1] !== ZERO;
}

function readTimestamp(cursor: FieldCursor): boolean {
  return readDate(cursor) && copyByte(cursor, 0x54) && readTime(cursor);
}

function isHexDigit(byte: number | undefined): boolean {
  return isDigit(byte) || (byte !== undefined && byte >= 0x61 && byte <= 0x66);
}

/** Copies lower hex digits, `most` of them at most. @returns how many */
function copyHex(cursor: FieldCursor, most: number): number {
  let digits = 0;
  for (; digits < most && isHexDigit(cursor.src[cursor.at]); digits++) {
    cursor.out[cursor.to++] = cursor.src[cursor.at++] as number;
  }
  return digits;
}

function readUuid(cursor: FieldCursor): boolean {
  if (copyHex(cursor, 8) !== 8) return false;
  for (let group = 0; group < 3; group++) if (!copyByte(cursor, MINUS) || copyHex(cursor, 4) !== 4) return false;
  return copyByte(cursor, MINUS) && copyHex(cursor, 12) === 12;
}

function readBytea(cursor: FieldCursor): boolean {
  return copyHex(cursor, Infinity) % 2 === 0;
}
