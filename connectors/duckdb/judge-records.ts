/**
 * The slow path's eyes: looks at records one by one, and writes them again as lines that the exact query takes. A value
 * that PostgreSQL prints but the lake's typed column does not hold moves to the overflow; what is no value of its column's
 * type makes the record bad. Records are few, or the cut is slow: 2 to 5 microseconds a column.
 */
import { isUtf8 } from 'node:buffer';
import { setImmediate } from 'node:timers/promises';
import type { BadRecord, CutInput } from '../../activities/ports/lake-files.ts';
import { jsonPrefix } from '../../formats/key-json.ts';
import { jsonWriter } from '../../formats/json-values.ts';
import { scanObject, type JsonToken } from '../../formats/json-scan.ts';
import { lakeHolds } from '../../formats/lake-types.ts';
import { postgresText } from '../../formats/postgres-text.ts';
import { append, appendAscii, createScratch, reserve } from '../../formats/scratch.ts';
import { isFloat } from './float-text.ts';
import { MAX_TEXT_MESSAGE_BYTES } from './text-files.ts';
import { valueStart } from './malformed-lines.ts';

/** How to treat a record: as its values say, or (should the typed columns print otherwise) all values as overflow. */
export type Judgement = 'judge' | 'allOverflow';

export interface RewrittenLines {
  lines: Buffer;
  longestLine: number;
  good: number;
  bad: BadRecord[];
  /** Where each line begins. */
  starts: Uint32Array;
  /** Whether a line has values beside its typed columns. */
  overflows: boolean;
}

const TAB = 0x09;
const NEWLINE = 0x0a;
/** Records looked at before other work gets its turn. */
const TURN_RECORDS = 200;

/**
 * All lines of the cut with those of the `suspects` judged and written anew.
 * @param suspects by record index
 * @param only `others`: those of the suspects are left out
 */
export async function rewriteLines(
  input: CutInput,
  suspects: ReadonlyMap<number, Judgement>,
  only?: 'others',
): Promise<RewrittenLines> {
  const { lines, starts, records } = input;
  const writers = input.columns.map((column) => jsonWriter(column.type));
  const prefixes = input.columns.map((column, i) => jsonPrefix(column.name, i));
  const out = createScratch(lines.length + 4096);
  const bad: BadRecord[] = [];
  const begins = new Uint32Array(records);
  let overflows = false;
  let good = 0;
  let longestLine = 0;
  let run = 0; // first record of the run of lines that are copied as they are
  const copyRun = (end: number) => {
    const shift = out.at - lineStart(input, run);
    append(out, lines, lineStart(input, run), lineStart(input, end));
    for (let i = run; i < end; i++) begins[good++] = lineStart(input, i) + shift;
    for (let i = run; i < end; i++) longestLine = Math.max(longestLine, lineStart(input, i + 1) - lineStart(input, i));
  };
  const indexes = [...suspects.keys()].sort((a, b) => a - b);
  for (const [turn, index] of indexes.entries()) {
    copyRun(index);
    run = index + 1;
    if (only === 'others') continue;
    if (turn % TURN_RECORDS === TURN_RECORDS - 1) await setImmediate();
    const start = starts[index] as number;
    const valueAt = valueStart(lines, start);
    const offset = parseInt(lines.toString('latin1', start, valueAt), 10);
    const judged = judge(
      input,
      lines.subarray(valueAt, lineStart(input, index + 1) - 1),
      suspects.get(index) ?? 'judge',
    );
    if (typeof judged === 'string') {
      bad.push({ offset, reason: judged });
      continue;
    }
    const lineBegin = out.at;
    overflows ||= judged.overflow !== null;
    append(out, lines, start, valueAt - 1);
    if (judged.overflow !== null) append(out, judged.overflow, 0, judged.overflow.length);
    reserve(out, 1)[out.at++] = TAB;
    judged.texts.forEach((text, i) => {
      const prefix = prefixes[i] as Buffer;
      append(out, prefix, 0, prefix.length);
      if (text === null) return appendAscii(out, 'null');
      const bytes = Buffer.from(text);
      writers[i]?.(out, bytes, 0, bytes.length);
    });
    reserve(out, 2)[out.at++] = 0x7d;
    out.bytes[out.at++] = NEWLINE;
    longestLine = Math.max(longestLine, out.at - lineBegin);
    begins[good++] = lineBegin;
  }
  copyRun(records);
  return { lines: out.bytes.subarray(0, out.at), longestLine, good, bad, starts: begins.subarray(0, good), overflows };
}

function lineStart(input: CutInput, index: number): number {
  return index < input.records ? (input.starts[index] as number) : input.lines.length;
}

/** @returns PostgreSQL's texts for the typed columns, the others as JSON; or why the record is bad */
function judge(
  input: CutInput,
  value: Buffer,
  judgement: Judgement,
): { texts: (string | null)[]; overflow: Buffer | null } | string {
  if (value.length === 0) return 'the record has no value';
  if (input.settings.format !== 'parquet' && value.length > MAX_TEXT_MESSAGE_BYTES) {
    return `the value is longer than the ${MAX_TEXT_MESSAGE_BYTES} bytes that a lake of CSV or JSON lines takes; use Parquet`;
  }
  if (!isUtf8(value)) return 'the value is not UTF-8';
  const scanned = scanObject(value.toString());
  if ('bad' in scanned) return scanned.bad;
  const { fields } = scanned;
  const unknown = [...fields.keys()].find((name) => !input.columns.some((column) => column.name === name));
  if (unknown !== undefined) return `the field ${JSON.stringify(unknown)} is no column of the table`;
  const texts: (string | null)[] = [];
  const overflow: Record<string, string> = Object.create(null) as Record<string, string>;
  for (const column of input.columns) {
    const { name, type, sqlType } = column;
    const token: JsonToken = fields.get(name) ?? { kind: 'null' };
    const found = postgresText(type, sqlType, token);
    if ('bad' in found) return `column "${name}": ${found.bad}`;
    const { text } = found;
    if (text === null && (!column.nullable || input.key.includes(name))) return `column "${name}" must not be NULL`;
    // A key stays typed even so, where its text is the value: in two forms it would be two keys to a load.
    const asSaid = judgement === 'judge' || (input.key.includes(name) && !isFloat(type));
    const typed = text === null || (asSaid && lakeHolds(type, text));
    texts.push(typed ? text : null);
    if (!typed) overflow[name] = text;
  }
  const any = Object.keys(overflow).length > 0;
  return { texts, overflow: any ? Buffer.from(JSON.stringify(overflow)) : null };
}
