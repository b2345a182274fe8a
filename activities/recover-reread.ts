/**
 * Offsets that no object holds, landed from the topic again, and dead letters found again. As landing does it, with the same
 * encoder and names; a rebuild that is broken off leaves objects that the next one finds.
 */
import { fault } from '../contracts/errors.ts';
import { type CutBuffer, createCutBuffer } from '../formats/cut-buffer.ts';
import { encoderSettings } from '../formats/encoder-settings.ts';
import type { Range } from '../formats/object-chain.ts';
import { addLetters } from './land-letters.ts';
import { putObject } from './land-object.ts';
import { withScratch } from './land-scratch.ts';
import { encodeCut, objectsOf, type ReadyCut } from './land-write.ts';
import type { EncoderSettings } from '../contracts/manifest.ts';
import type { BadRecord } from './ports/lake-files.ts';
import type { RebuiltCut } from './ports/recovery.ts';
import type { Findings, FoundObject, GapPlan, RecoverPorts } from './recover-ports.ts';
import { readOffsets } from './recover-topic.ts';

export interface Reread {
  ports: RecoverPorts;
  findings: Findings;
  topicId: string;
  partition: number;
  /** Where the partition's manifest will begin. */
  logStart: number;
  /** Replays whose records are landed. */
  known: ReadonlySet<string>;
}

const WAS_LETTER = 'a dead letter before the control database was lost';

/** @returns cuts that join from the gap's start to its end, and the dead letters in them */
export async function landGap(reread: Reread, gap: GapPlan): Promise<{ cuts: RebuiltCut[]; letters: number }> {
  const cuts: RebuiltCut[] = [];
  let letters = 0;
  await eachBuffer(reread, gap, async (range, buffer) => {
    const cut = await landRange(reread, range, buffer, gap.proven);
    cuts.push(cut);
    letters += cut.deadLetters;
  });
  return { cuts, letters };
}

/** @returns how many of an object's neighbours were found to be bad again */
export async function findLetters(reread: Reread, object: FoundObject): Promise<number> {
  let letters = 0;
  await eachBuffer(reread, object, async (range, buffer) => {
    const encoder = object.encoder ?? encoderSettings({ format: object.format });
    await encode(reread, range, buffer, encoder, async ({ bad }) => {
      await keep(reread, bad);
      letters += bad.length;
    });
  });
  return letters;
}

/** Bounded as landing's cuts are; one schema version each. */
async function eachBuffer(
  { ports, findings, partition }: Reread,
  range: Range,
  use: (range: Range, buffer: CutBuffer) => Promise<void>,
): Promise<void> {
  const { lake, topic } = findings.request.spec;
  const place = { openReader: ports.openReader, topic: topic.name, dataset: findings.dataset };
  const buffer = createCutBuffer(partition);
  let start = range.start;
  const close = async (end: number): Promise<void> => {
    if (end > start) await use({ start, end }, buffer);
    start = end;
    buffer.reset();
  };
  await readOffsets(place, partition, range, async (record) => {
    const full = buffer.records() >= lake.rotate.records || buffer.bytes() >= lake.rotate.bytes;
    if (full || !buffer.fits(record)) await close(record.offset);
    buffer.append(record);
    return true;
  });
  await close(range.end);
}

async function landRange(reread: Reread, range: Range, buffer: CutBuffer, onlyLetters: boolean): Promise<RebuiltCut> {
  const { ports, findings, topicId, partition } = reread;
  const { lake } = findings.request.spec;
  const encoder = encoderSettings(lake);
  return await encode(reread, range, buffer, encoder, async (ready) => {
    const { inputSha256, schemaVersion } = ready;
    // The manifest that is lost had no rows there: what is good now was refused then (its replay was not known).
    const bad = onlyLetters ? allBad(buffer, ready.bad) : ready.bad;
    const rows = onlyLetters ? 0 : ready.rows;
    await keep(reread, bad);
    const facts = { inputSha256, encoder, deadLetters: bad.length, schemaVersion };
    const cut = { ...range, ...facts, rows, bytes: rows > 0 ? ready.bytes : 0, at: Date.now() };
    if (rows === 0) return { ...cut, objects: [] };
    if (schemaVersion === null) throw fault('Unexpected', `rows of no schema version at offset ${range.start}`);
    const { logStart } = reread;
    const metadata = { ...facts, schemaVersion, logStart, since: range.start, sinceDeadLetters: 0 };
    const files = objectsOf({ lake, topicId }, partition, ready, encoder);
    for (const { name, rows: own, path } of files) {
      await putObject(ports.store, lake, { name, rows: own, objects: files.length, ...metadata }, path);
    }
    return { ...cut, objects: files.map(({ name, rows: own, bytes }) => ({ name, rows: own, bytes })) };
  });
}

async function encode<T>(
  { ports, findings, known }: Reread,
  range: Range,
  buffer: CutBuffer,
  encoder: EncoderSettings,
  use: (ready: ReadyCut) => Promise<T>,
): Promise<T> {
  const schemas = new Map(findings.schemas.map(({ version, shape }) => [version, shape]));
  const encoding = {
    lakeFiles: ports.lakeFiles,
    manifest: { schema: (_: string, version: string) => Promise.resolve(schemas.get(version) ?? null) },
  };
  const context = { dataset: findings.dataset, knownReplays: () => Promise.resolve(known), foreign: null };
  return await withScratch(ports.scratch, async (directory) =>
    use(await encodeCut(encoding, context, range, buffer, encoder, directory)),
  );
}

function allBad(buffer: CutBuffer, bad: readonly BadRecord[]): BadRecord[] {
  const reasons = new Map(bad.map(({ offset, reason }) => [offset, reason]));
  const { lines, starts } = buffer.content();
  // A line begins with its offset, of 16 digits at most.
  return Array.from(starts, (at) => parseInt(lines.toString('latin1', at, at + 17), 10)).map((offset) => ({
    offset,
    reason: reasons.get(offset) ?? WAS_LETTER,
  }));
}

async function keep({ ports, findings, topicId, partition }: Reread, bad: readonly BadRecord[]): Promise<void> {
  const { dataset, request } = findings;
  await addLetters(ports, { dataset, topicId, topic: request.spec.topic.name }, partition, bad);
}
