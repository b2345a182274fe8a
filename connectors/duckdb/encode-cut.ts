/**
 * A cut's lines to one lake file. Guarantees: every record is either a row whose typed columns (with its overflow) say exactly
 * what the message says, or is handed back as bad with a reason; nothing turns into NULL, nothing is rounded.
 *
 * First path, for records in our own form: split-lines.ts proves the form and takes the messages apart, one query reads typed
 * columns and writes the file. Second path, for other forms and for arrays: one query reads the lines, parses, proves each
 * record (printed-json.ts) and writes the file. Any doubt makes a path fail. Slow path: a query finds the records in doubt, judge-records.ts looks at them, and the file is made of the rest and
 * what was made of them.
 */
import { isUtf8 } from 'node:buffer';
import { randomUUID } from 'node:crypto';
import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { BadRecord, CutInput, EncodedCut, EncodedFile } from '../../activities/ports/lake-files.ts';
import { fault, isFault } from '../../contracts/errors.ts';
import type { EncoderSettings } from '../../contracts/manifest.ts';
import { COMPRESSIONS } from '../../contracts/pipeline.ts';
import { ENCODER_VERSION } from '../../formats/encoder-settings.ts';
import type { SpareBuffers } from '../../formats/spare-buffers.ts';
import { inexactOffsets, lakeRows, readLines, splitRows } from './cut-lines.ts';
import { rows, type DuckDb } from './instance.ts';
import { rewriteLines, type Judgement } from './judge-records.ts';
import { longestLine, longLines, malformedLines } from './malformed-lines.ts';
import { splitLines } from './split-lines.ts';
import { MAX_TEXT_MESSAGE_BYTES } from './text-files.ts';
import { writeRows } from './write-rows.ts';

/** Longer records are looked at one by one on the slow path. */
const LONG_BYTES = 256 * 1024;

/** So that the next cut, a little larger, has room in it too. */
const SPARE_STEP_BYTES = 1024 * 1024;

export interface Encoder {
  duckdb: DuckDb;
  spares: SpareBuffers;
}

/** @throws Fault SettingsMismatch, WorkerFault */
export async function encodeCut(encoder: Encoder, input: CutInput, directory: string): Promise<EncodedCut> {
  checkSettings(input.settings);
  const name = randomUUID();
  const work: Work = {
    ...encoder,
    input,
    linesPath: join(directory, `${name}.lines`),
    base: join(directory, name),
  };
  try {
    return (await encodeFast(work)) ?? (await encodeSlowly(work));
  } finally {
    await rm(work.linesPath, { force: true });
  }
}

interface Work extends Encoder {
  input: CutInput;
  linesPath: string;
  /** Of the files made, without their endings. */
  base: string;
}

function checkSettings({ format, version, compression }: EncoderSettings): void {
  const known: readonly string[] = Object.hasOwn(COMPRESSIONS, format) ? COMPRESSIONS[format] : [];
  if (version === ENCODER_VERSION && known.includes(compression)) return;
  throw fault(
    'SettingsMismatch',
    `a cut was begun with encoder version ${version} (${format}, ${compression}), this worker has ${ENCODER_VERSION}: let a ` +
      'worker of that version finish it',
  );
}

/** Null when a record is in doubt. */
async function encodeFast(work: Work): Promise<EncodedCut | null> {
  const { input } = work;
  if (input.records === 0) return { files: [], rows: 0, bytes: 0, bad: [] };
  const longest = longestLine(input);
  if (input.settings.format !== 'parquet' && longest > MAX_TEXT_MESSAGE_BYTES) return null;
  // DuckDB 1.5.6 trips over such bytes while it reports them, and the whole database is lost. 1 ms a 10 MB.
  if (!isUtf8(input.lines)) return null;
  const encoded = await encodeSplit(work, []);
  if (encoded !== null) return encoded;
  await writeFile(work.linesPath, input.lines);
  // A value that looks like lines makes more rows than there are records; none can make fewer.
  const query = lakeRows(readLines(work.linesPath, longest), input, true);
  return write(work, query, { expected: input.records, bad: [] });
}

/** Null when a record is not in our form, or a value does not fit its column. @param bad found before */
async function encodeSplit(work: Work, bad: BadRecord[]): Promise<EncodedCut | null> {
  const { input, spares, linesPath } = work;
  const memory = spares.take(Math.ceil((input.lines.length + 1) / SPARE_STEP_BYTES) * SPARE_STEP_BYTES);
  try {
    const split = await splitLines(input, memory);
    if (split === null) return null;
    await writeFile(linesPath, split.lines);
    return await write(work, splitRows(linesPath, split, input), { expected: input.records, bad });
  } finally {
    spares.giveBack(memory);
  }
}

async function encodeSlowly(work: Work): Promise<EncodedCut> {
  const { input } = work;
  const suspects = new Map<number, Judgement>();
  for (const index of await malformedLines(input)) suspects.set(index, 'judge');
  // A query takes some forty times a value's length to prove it: one of 5 MB would need all memory that DuckDB has.
  for (const index of longLines(input, LONG_BYTES)) suspects.set(index, 'judge');
  await addInexact(work, suspects, 'judge');
  return (
    (await writeJudged(work, suspects)) ??
    // A typed column printed otherwise than PostgreSQL does (1e23, which some print as 9.999999999999999e+22).
    (await addInexact(work, suspects, 'allOverflow').then(() => writeJudged(work, suspects))) ??
    Promise.reject(fault('Unexpected', 'the encoder could not write records that it had judged good'))
  );
}

/** Marks the records whose lines are not exact as they stand now. */
async function addInexact(work: Work, suspects: Map<number, Judgement>, judgement: Judgement): Promise<void> {
  const { duckdb, input, linesPath } = work;
  const rewritten = await rewriteLines(input, suspects, judgement === 'judge' ? 'others' : undefined);
  if (rewritten.good === 0) return;
  await writeFile(linesPath, rewritten.lines);
  const lines = readLines(linesPath, rewritten.longestLine);
  // Null for something that not even the guarded query reads: look at all of them.
  const query = inexactOffsets(lines, input, judgement === 'judge');
  const found = await unlessRefused(duckdb.withConnection((connection) => rows(connection, query)));
  const offsets = found && new Set(found.map((row) => Number(row[0])));
  for (let index = 0; index < input.records; index++) {
    if (offsets?.has(offsetOf(input, index)) === false) continue;
    if (judgement === 'allOverflow' || !suspects.has(index)) suspects.set(index, judgement);
  }
}

function offsetOf(input: CutInput, index: number): number {
  const start = input.starts[index] as number;
  return parseInt(input.lines.toString('latin1', start, start + 20), 10);
}

async function writeJudged(work: Work, suspects: ReadonlyMap<number, Judgement>): Promise<EncodedCut | null> {
  const rewritten = await rewriteLines(work.input, suspects);
  const { lines, longestLine: longest, good, bad, starts, overflows } = rewritten;
  if (good === 0) return { files: [], rows: 0, bytes: 0, bad };
  if (!overflows) {
    const input = { ...work.input, lines, records: good, starts };
    const encoded = await encodeSplit({ ...work, input }, bad);
    if (encoded !== null) return encoded;
  }
  await writeFile(work.linesPath, lines);
  const query = lakeRows(readLines(work.linesPath, longest), work.input, false);
  return write(work, query, { expected: good, bad });
}

/** @param typed query of lake rows. @returns null when it fails, or the files do not have as many rows as expected. */
async function write(
  { duckdb, input, base }: Work,
  typed: string,
  want: { expected: number; bad: BadRecord[] },
): Promise<EncodedCut | null> {
  const { columns, settings } = input;
  const files = await unlessRefused(
    duckdb.withConnection((connection) => writeRows(connection, typed, columns, settings, base)),
  );
  const rows = total(files ?? [], 'rows');
  if (files && rows === want.expected) return { files, rows, bytes: total(files, 'bytes'), bad: want.bad };
  await Promise.all((files ?? []).map(({ path }) => rm(path, { force: true })));
  return null;
}

function total(files: readonly EncodedFile[], what: 'rows' | 'bytes'): number {
  return files.reduce((sum, file) => sum + file[what], 0);
}

/** Null where DuckDB refuses a value. @throws Fault WorkerFault when memory or disk ran out, ConfigInvalid of writeRows */
async function unlessRefused<T>(query: Promise<T>): Promise<T | null> {
  try {
    return await query;
  } catch (error) {
    if (isFault(error, 'WorkerFault') || isFault(error, 'ConfigInvalid')) throw error;
    return null;
  }
}
