/** Finds the records whose values hold bytes that break a line: they cannot be read in bulk and are judged one by one. */
import { isUtf8 } from 'node:buffer';
import { setImmediate } from 'node:timers/promises';
import type { CutInput } from '../../activities/ports/lake-files.ts';

import { MAX_TEXT_MESSAGE_BYTES } from './text-files.ts';

const TAB = 0x09;
const NEWLINE = 0x0a;
const RETURN = 0x0d;
/** Records looked at before other work gets its turn. */
const TURN_RECORDS = 10_000;

export function lineEnd(input: CutInput, index: number): number {
  return index + 1 < input.records ? (input.starts[index + 1] as number) : input.lines.length;
}

export function longestLine(input: CutInput): number {
  let longest = 0;
  for (let i = 0; i < input.records; i++) longest = Math.max(longest, lineEnd(input, i) - (input.starts[i] as number));
  return longest;
}

/** @returns indexes of records of more bytes */
export function longLines(input: CutInput, bytes: number): number[] {
  const found: number[] = [];
  for (let i = 0; i < input.records; i++) if (lineEnd(input, i) - (input.starts[i] as number) > bytes) found.push(i);
  return found;
}

/** @returns indexes of records whose value has a raw tab, newline or return, is not UTF-8, or is too long for CSV */
export async function malformedLines(input: CutInput): Promise<number[]> {
  const { lines, records, starts } = input;
  const found: number[] = [];
  const tooLong = input.settings.format !== 'parquet' ? MAX_TEXT_MESSAGE_BYTES : Infinity;
  const anyReturn = lines.includes(RETURN);
  const anyNonUtf8 = !isUtf8(lines);
  for (let i = 0; i < records; i++) {
    if (i % TURN_RECORDS === TURN_RECORDS - 1) await setImmediate();
    const start = starts[i] as number;
    const end = lineEnd(input, i) - 1;
    const malformed =
      end - start > tooLong ||
      lines.indexOf(NEWLINE, start) !== end ||
      hasTabFrom(lines, valueStart(lines, start), end) ||
      (anyReturn && lines.subarray(start, end).includes(RETURN)) ||
      (anyNonUtf8 && !isUtf8(lines.subarray(start, end)));
    if (malformed) found.push(i);
  }
  return found;
}

/** Behind the third tab. */
export function valueStart(lines: Buffer, start: number): number {
  const lineage = lines.indexOf(TAB, start) + 1;
  return lines.indexOf(TAB, lineage) + 2; // the overflow field is empty
}

function hasTabFrom(lines: Buffer, from: number, end: number): boolean {
  const tab = lines.indexOf(TAB, from);
  return tab >= 0 && tab < end;
}
