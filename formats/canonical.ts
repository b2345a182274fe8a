/**
 * The canonical form of design 3.4, written from PostgreSQL's text: the bytes whose md5 is a row's hash. The same form is
 * built in SQL by canonical-postgres.ts and canonical-duckdb.ts; tests hold the three to the same hash on hostile data.
 *
 * A field is `<length in bytes>:<canonical text>`, NULL is `~`; a row is its fields one behind the other. Canonical texts:
 * - integers, uuid, text, json, jsonb, enums: as printed, UTF-8; char: without trailing blanks; boolean: t or f
 * - decimals: plain digits at the declared scale; where none is declared, without trailing zeros; NaN, Infinity, -Infinity
 * - floats: the IEEE bits in lower hex, -0 as 0; NaN
 * - date: days since 1970-01-01; time, timestamp, timestamptz: microseconds (of the day; since 1970); infinity, -infinity
 * - bytea: lower hex
 * - arrays: array_dims, then the elements as fields in row-major order
 */
import type { ColumnType } from '../contracts/columns.ts';
import type { ValueWriter } from './json-values.ts';
import { createArrayParts, parseArray } from './postgres-array.ts';
import { MICROS_PER_DAY, isInfinite, readDate, readMicros, readTimestamp, type ReadTime } from './postgres-times.ts';
import { append, appendAscii, appendInteger, countDigits, createScratch, reserve, type Scratch } from './scratch.ts';

const COLON = 0x3a;
const NULL_TAG = 0x7e;

export function appendNullField(out: Scratch): void {
  reserve(out, 1)[out.at++] = NULL_TAG;
}

/** Appends a field whose canonical text is src[from, to). */
function appendField(out: Scratch, src: Buffer, from: number, to: number): void {
  appendLength(out, to - from);
  append(out, src, from, to);
}

function appendLength(out: Scratch, length: number): void {
  if (length < 10) reserve(out, 2)[out.at++] = 0x30 + length;
  else appendInteger(out, length);
  reserve(out, 1)[out.at++] = COLON;
}

function appendAsciiField(out: Scratch, text: string): void {
  appendLength(out, text.length);
  appendAscii(out, text);
}

function appendIntegerField(out: Scratch, value: number): void {
  appendLength(out, value < 0 ? countDigits(-value) + 1 : countDigits(value));
  appendInteger(out, value);
}

/** Appends the field of PostgreSQL's text src[from, to); the writer for arrays is not re-entrant. */
export function canonicalWriter(type: ColumnType): ValueWriter {
  switch (type.kind) {
    case 'decimal':
      return type.scale === undefined ? writeTrimmedDecimal : appendField;
    case 'float32':
      return (out, src, from, to) => writeFloat(out, src, from, to, true);
    case 'float64':
      return (out, src, from, to) => writeFloat(out, src, from, to, false);
    case 'char':
      return writeChar;
    case 'date':
      return writeDate;
    case 'time':
      return (out, src, from, to) => appendIntegerField(out, readMicros(src, from, to));
    case 'timestamp':
      return (out, src, from, to) => writeTimestamp(out, src, from, to, false);
    case 'timestamptz':
      return (out, src, from, to) => writeTimestamp(out, src, from, to, true);
    case 'bytea':
      return (out, src, from, to) => appendField(out, src, from + 2, to); // without \x
    case 'array':
      return arrayWriter(type.element);
    default:
      return appendField;
  }
}

/** Where the canonical text of an unconstrained decimal ends. */
export function trimmedEnd(src: Buffer, from: number, to: number): number {
  let dot = from;
  while (dot < to && src[dot] !== 0x2e) dot++;
  if (dot === to) return to;
  let end = to;
  while (src[end - 1] === 0x30) end--;
  return end - 1 === dot ? dot : end;
}

/** Where a char(n) ends without its padding. */
export function unpaddedEnd(src: Buffer, from: number, to: number): number {
  let end = to;
  while (end > from && src[end - 1] === 0x20) end--;
  return end;
}

function writeTrimmedDecimal(out: Scratch, src: Buffer, from: number, to: number): void {
  appendField(out, src, from, trimmedEnd(src, from, to));
}

function writeChar(out: Scratch, src: Buffer, from: number, to: number): void {
  appendField(out, src, from, unpaddedEnd(src, from, to));
}

const float = new DataView(new ArrayBuffer(8));

function writeFloat(out: Scratch, src: Buffer, from: number, to: number, single: boolean): void {
  const value = Number(src.toString('latin1', from, to)) + 0; // -0 + 0 = 0
  if (Number.isNaN(value)) return appendAsciiField(out, 'NaN');
  if (single) float.setFloat32(0, value);
  else float.setFloat64(0, value);
  let hex = float.getUint32(0).toString(16).padStart(8, '0');
  if (!single) hex += float.getUint32(4).toString(16).padStart(8, '0');
  appendAsciiField(out, hex);
}

const time: ReadTime = { days: 0, micros: 0 };

function writeDate(out: Scratch, src: Buffer, from: number, to: number): void {
  if (isInfinite(src, from)) return appendField(out, src, from, to);
  readDate(src, from, to, time);
  appendIntegerField(out, time.days);
}

/** Up to here (about 270 years around 1970) microseconds are exact in a double. */
const EXACT_DAYS = 100_000;

function writeTimestamp(out: Scratch, src: Buffer, from: number, to: number, zoned: boolean): void {
  if (isInfinite(src, from)) return appendField(out, src, from, to);
  readTimestamp(src, from, to, zoned, time);
  const { days, micros } = time;
  if (days > -EXACT_DAYS && days < EXACT_DAYS) return appendIntegerField(out, days * MICROS_PER_DAY + micros);
  appendAsciiField(out, String(BigInt(days) * BigInt(MICROS_PER_DAY) + BigInt(micros)));
}

function arrayWriter(element: ColumnType): ValueWriter {
  const writeElement = canonicalWriter(element);
  const parts = createArrayParts();
  const inner = createScratch(256);
  return (out, src, from, to) => {
    parseArray(src, from, to, parts);
    inner.at = 0;
    for (let i = 0; i < parts.dims.length; i++) {
      const lower = parts.lowers?.[i] ?? 1;
      appendAscii(inner, `[${lower}:${lower + (parts.dims[i] as number) - 1}]`);
    }
    for (let i = 0; i < parts.from.length; i++) {
      const begin = parts.from[i] as number;
      if (begin < 0) appendNullField(inner);
      else writeElement(inner, parts.text.bytes, begin, parts.to[i] as number);
    }
    appendField(out, inner.bytes, 0, inner.at);
  };
}
