/**
 * A cut's lines with each message taken apart: `<offset> TAB <lineage index> TAB <field> TAB <field> … NEWLINE`, so that DuckDB
 * reads typed columns and no JSON. Guarantee: only where every record is byte by byte as formats/copy-rows.ts writes it (all
 * columns, in order, nothing between, each value as field-readers.ts says); one that is not, and the whole cut is left to JSON.
 */
import { setImmediate } from 'node:timers/promises';
import type { CutInput } from '../../activities/ports/lake-files.ts';
import { jsonPrefix } from '../../formats/key-json.ts';
import { fieldReader, readNull, type FieldCursor, type FieldReader } from './field-readers.ts';
import { lineEnd } from './malformed-lines.ts';

export interface SplitLines {
  lines: Buffer;
  /** In bytes. */
  longestLine: number;
  /** For each column: whether a text has bytes of field-readers' BREAKS. */
  substituted: boolean[];
}

/** A field's name with what stands around it, four bytes at a time: bytes one by one take 0.1 us a row longer. */
interface Prefix {
  length: number;
  /** Little-endian; the last one overlaps the one before. */
  words: Int32Array;
}

interface FieldCode {
  prefix: Prefix;
  read: FieldReader;
  nullable: boolean;
}

const TAB = 0x09;
const NEWLINE = 0x0a;
const CLOSING = 0x7d;
const SMALL_N = 0x6e;
/** Looked at before other work gets its turn: 2 ms. */
const TURN_BYTES = 1024 * 1024;

/**
 * @param out as long as the input's lines at least; the result is a part of it
 * @returns null where a record is not in our form, or a column's type has no reader
 */
export async function splitLines(input: CutInput, out: Buffer): Promise<SplitLines | null> {
  const code = fieldCode(input);
  if (code === null) return null;
  const { lines } = input;
  const cursor: FieldCursor = {
    src: lines,
    srcView: viewOf(lines),
    at: 0,
    out,
    outView: viewOf(out),
    to: 0,
    substituted: false,
  };
  const split: SplitLines = { lines: out, longestLine: 0, substituted: code.map(() => false) };
  for (let record = 0; record < input.records;) {
    if (record > 0) await setImmediate();
    record = splitSome(input, record, cursor, code, split);
    if (record < 0) return null;
  }
  split.lines = out.subarray(0, cursor.to);
  return split;
}

/** @returns the record after this turn's, or -1 where one is not in our form */
function splitSome(
  input: CutInput,
  first: number,
  cursor: FieldCursor,
  code: readonly FieldCode[],
  split: SplitLines,
): number {
  const turn = (input.starts[first] as number) + TURN_BYTES;
  let record = first;
  for (; record < input.records && cursor.at < turn; record++) {
    const begin = cursor.to;
    cursor.at = input.starts[record] as number;
    if (!splitLine(cursor, code, split.substituted) || cursor.at !== lineEnd(input, record) - 1) return -1;
    cursor.out[cursor.to++] = NEWLINE;
    if (cursor.to - begin > split.longestLine) split.longestLine = cursor.to - begin;
  }
  return record;
}

function fieldCode({ columns, key }: CutInput): FieldCode[] | null {
  const code: FieldCode[] = [];
  for (const [i, column] of columns.entries()) {
    const read = fieldReader(column.type);
    if (read === null) return null;
    const nullable = column.nullable && !key.includes(column.name);
    code.push({ prefix: prefixOf(jsonPrefix(column.name, i)), read, nullable });
  }
  return code.length === 0 ? null : code;
}

function viewOf(bytes: Buffer): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
}

/** @param bytes at least `{"":` */
function prefixOf(bytes: Buffer): Prefix {
  const places = Array.from({ length: Math.ceil(bytes.length / 4) }, (_, i) => Math.min(i * 4, bytes.length - 4));
  return { length: bytes.length, words: Int32Array.from(places, (place) => bytes.readInt32LE(place)) };
}

function readPrefix(cursor: FieldCursor, { length, words }: Prefix): boolean {
  const { srcView, at } = cursor;
  const last = at + length - 4;
  if (last + 4 > srcView.byteLength) return false;
  const whole = words.length - 1;
  for (let i = 0; i < whole; i++) if (srcView.getInt32(at + i * 4, true) !== words[i]) return false;
  cursor.at = last + 4;
  return srcView.getInt32(last, true) === words[whole];
}

/** Leaves the cursor behind the closing brace, which is the line's end unless the record is not ours. */
function splitLine(cursor: FieldCursor, code: readonly FieldCode[], substituted: boolean[]): boolean {
  const { src, out } = cursor;
  copyUntilTab(cursor);
  out[cursor.to++] = TAB;
  cursor.at++;
  copyUntilTab(cursor);
  cursor.at += 2; // the overflow field is empty
  for (let i = 0; i < code.length; i++) {
    const { prefix, read, nullable } = code[i] as FieldCode;
    out[cursor.to++] = TAB;
    if (!readPrefix(cursor, prefix)) return false;
    if (src[cursor.at] === SMALL_N) {
      if (!nullable || !readNull(cursor)) return false;
      continue;
    }
    if (!read(cursor)) return false;
    if (cursor.substituted) {
      substituted[i] = true;
      cursor.substituted = false;
    }
  }
  return src[cursor.at++] === CLOSING;
}

function copyUntilTab(cursor: FieldCursor): void {
  const { src, out } = cursor;
  let { at, to } = cursor;
  for (let byte = src[at] as number; byte !== TAB; byte = src[++at] as number) out[to++] = byte;
  cursor.at = at;
  cursor.to = to;
}
