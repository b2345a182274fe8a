/**
 * A value's JSON form, written from PostgreSQL's text of it, bytes to bytes. One form a value: reading a message and
 * writing it again with the same rules gives the same bytes (connectors/duckdb proves each record so).
 *
 * | type | form |
 * | --- | --- |
 * | int16, int32 | number |
 * | int64 | number up to 15 digits, else a string: JavaScript's and most readers' numbers are doubles |
 * | decimal | number where the declared precision is at most 15, else a string; NaN and Infinity are strings |
 * | float32, float64 | number as PostgreSQL prints it (shortest form); NaN and Infinity are strings |
 * | text, char, json, jsonb | string (json as the exact text: docs/decisions/0002-json-columns-as-strings.md) |
 * | boolean | true, false |
 * | date, time, uuid | string as PostgreSQL prints it |
 * | timestamp, timestamptz | "2024-03-01T10:00:00.5", "2024-03-01T10:00:00.5Z"; infinity and BC as PostgreSQL prints them |
 * | bytea | string of lower hex digits |
 * | array | JSON array, nested for more dimensions; with lower bounds other than 1: PostgreSQL's text as a string |
 */
import type { ColumnType } from '../contracts/columns.ts';
import { createArrayParts, parseArray, type ArrayParts } from './postgres-array.ts';
import { endsWithBc, endsWithUtc, isInfinite, notUtc } from './postgres-times.ts';
import { append, appendAscii, reserve, type Scratch } from './scratch.ts';

/** Appends the JSON form of PostgreSQL's text src[from, to). */
export type ValueWriter = (out: Scratch, src: Buffer, from: number, to: number) => void;

/** Digits that a double carries whatever they are. */
export const SAFE_DIGITS = 15;

/** Whether a decimal travels as a JSON number. */
export function isNumberDecimal(type: { precision?: number; scale?: number }): boolean {
  const { precision, scale = 0 } = type;
  return precision !== undefined && scale <= precision && precision - Math.min(scale, 0) <= SAFE_DIGITS;
}

export function jsonWriter(type: ColumnType): ValueWriter {
  switch (type.kind) {
    case 'int16':
    case 'int32':
      return append;
    case 'int64':
      return writeInt64;
    case 'decimal':
      return isNumberDecimal(type) ? writeNumber : writeQuoted;
    case 'float32':
    case 'float64':
      return writeNumber;
    case 'boolean':
      return writeBoolean;
    case 'text':
    case 'char':
    case 'json':
    case 'jsonb':
      return writeString;
    case 'date':
    case 'time':
    case 'uuid':
      return writeQuoted;
    case 'timestamp':
      return (out, src, from, to) => writeTimestamp(out, src, from, to, false);
    case 'timestamptz':
      return (out, src, from, to) => writeTimestamp(out, src, from, to, true);
    case 'bytea':
      return (out, src, from, to) => writeQuoted(out, src, from + 2, to); // without \x
    case 'array':
      return arrayWriter(type.element);
  }
}

const QUOTE = 0x22;
const MINUS = 0x2d;

function writeQuoted(out: Scratch, src: Buffer, from: number, to: number): void {
  reserve(out, 1)[out.at++] = QUOTE;
  append(out, src, from, to);
  reserve(out, 1)[out.at++] = QUOTE;
}

function writeInt64(out: Scratch, src: Buffer, from: number, to: number): void {
  const digits = to - from - (src[from] === MINUS ? 1 : 0);
  if (digits <= SAFE_DIGITS) append(out, src, from, to);
  else writeQuoted(out, src, from, to);
}

/** `NaN`, `Infinity` and `-Infinity` have a letter where numbers have a digit. */
function isWord(src: Buffer, from: number): boolean {
  const first = src[from] as number;
  return (first === MINUS ? (src[from + 1] as number) : first) > 0x39;
}

function writeNumber(out: Scratch, src: Buffer, from: number, to: number): void {
  if (isWord(src, from)) writeQuoted(out, src, from, to);
  else append(out, src, from, to);
}

function writeBoolean(out: Scratch, src: Buffer, from: number): void {
  appendAscii(out, src[from] === 0x74 ? 'true' : 'false');
}

function writeTimestamp(out: Scratch, src: Buffer, from: number, to: number, zoned: boolean): void {
  if (isInfinite(src, from) || endsWithBc(src, from, to)) return writeQuoted(out, src, from, to);
  if (zoned && !endsWithUtc(src, to)) throw notUtc(src, from, to);
  const bytes = reserve(out, to - from + 2);
  let at = out.at;
  bytes[at++] = QUOTE;
  const end = zoned ? to - 3 : to;
  for (let i = from; i < end; i++) {
    const byte = src[i] as number;
    bytes[at++] = byte === 0x20 ? 0x54 : byte;
  }
  if (zoned) bytes[at++] = 0x5a;
  bytes[at++] = QUOTE;
  out.at = at;
}

/** For each byte that JSON escapes: the letter behind the backslash, or 1 for \u00XX. */
const ESCAPES = new Uint8Array(256).fill(1, 0, 0x20);
for (const [byte, letter] of [
  [0x08, 'b'],
  [0x09, 't'],
  [0x0a, 'n'],
  [0x0c, 'f'],
  [0x0d, 'r'],
  [0x22, '"'],
  [0x5c, '\\'],
] as const) {
  ESCAPES[byte] = letter.charCodeAt(0);
}
const HEX = Buffer.from('0123456789abcdef');
/** An escaped byte takes up to six; room is made block by block, so that a long text does not ask for six times its size. */
const BLOCK_BYTES = 4096;

export function writeString(out: Scratch, src: Buffer, from: number, to: number): void {
  reserve(out, 1)[out.at++] = QUOTE;
  for (let block = from; block < to; block += BLOCK_BYTES) {
    const end = Math.min(block + BLOCK_BYTES, to);
    const bytes = reserve(out, (end - block) * 6);
    let at = out.at;
    for (let i = block; i < end; i++) {
      const byte = src[i] as number;
      const escape = ESCAPES[byte] as number;
      if (escape === 0) {
        bytes[at++] = byte;
        continue;
      }
      bytes[at++] = 0x5c;
      if (escape !== 1) {
        bytes[at++] = escape;
        continue;
      }
      bytes[at++] = 0x75;
      bytes[at++] = 0x30;
      bytes[at++] = 0x30;
      bytes[at++] = HEX[byte >> 4] as number;
      bytes[at++] = HEX[byte & 15] as number;
    }
    out.at = at;
  }
  reserve(out, 1)[out.at++] = QUOTE;
}

function arrayWriter(element: ColumnType): ValueWriter {
  const writeElement = jsonWriter(element);
  const parts = createArrayParts();
  return (out, src, from, to) => {
    parseArray(src, from, to, parts);
    if (parts.lowers) return writeString(out, src, from, to);
    if (parts.from.length === 0) return appendAscii(out, '[]');
    writeLevel(out, parts, writeElement, 0, 0);
  };
}

/** @returns the index of the next element */
function writeLevel(out: Scratch, parts: ArrayParts, write: ValueWriter, level: number, first: number): number {
  const size = parts.dims[level] as number;
  let index = first;
  for (let i = 0; i < size; i++) {
    reserve(out, 1)[out.at++] = i === 0 ? 0x5b : 0x2c;
    if (level + 1 < parts.dims.length) {
      index = writeLevel(out, parts, write, level + 1, index);
      continue;
    }
    const from = parts.from[index] as number;
    if (from < 0) appendAscii(out, 'null');
    else write(out, parts.text.bytes, from, parts.to[index] as number);
    index++;
  }
  reserve(out, 1)[out.at++] = 0x5d;
  return index;
}
