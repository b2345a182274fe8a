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
import {
  byteaEnd,
  dateEnd,
  decimalEnd,
  floatEnd,
  int64End,
  integerEnd,
  quoted,
  timeEnd,
  timestampEnd,
  uuidEnd,
  wordEnd,
  zonedEnd,
  type FieldEnd,
} from './field-ends.ts';

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

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
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

/** Moves over `null`, if it stands here, and writes NULL_BYTE. */
export function readNull(cursor: FieldCursor): boolean {
  const end = wordEnd(cursor.src, cursor.at, NULL);
  if (end < 0) return false;
  cursor.out[cursor.to++] = NULL_BYTE;
  cursor.at = end;
  return true;
}

function decimalReader(type: { kind: 'decimal'; precision?: number; scale?: number }): FieldReader {
  const { precision, scale = 0 } = type;
  if (precision === undefined || lakeType(type) === 'VARCHAR') return readText; // strictChecks looks at its digits
  const wholeDigits = Math.max(precision - scale, 1);
  const endOf: FieldEnd = (src, at) => decimalEnd(src, at, wholeDigits, Math.max(scale, 0));
  return copied(isNumberDecimal(type) ? endOf : quoted(endOf));
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
