/**
 * Writes a cut: encode, intent, dead letters, PUT, seal, in that order. Encoding comes first, because the intent lists what
 * the encoder found; dead letters come before the objects, so that objects that are all there prove the letters too.
 * Whatever dies between two steps leaves an intent that the next claim finishes, or nothing.
 */
import { fault } from '../contracts/errors.ts';
import { type CutReason, type EncoderSettings, extensionOf, objectName } from '../contracts/manifest.ts';
import type { LandingSpec, OnBad } from '../contracts/pipeline.ts';
import type { CutBuffer } from '../formats/cut-buffer.ts';
import { type KnownReplays, sortOut } from './land-origins.ts';
import { addLetters } from './land-letters.ts';
import { putObject } from './land-object.ts';
import type { LandPorts, LandStep } from './land-ports.ts';
import { checkTopic } from './land-topic.ts';
import type { EncodedCut, EncodedFile } from './ports/lake-files.ts';
import type { Claim, Intent, IntentAnswer, StoredCut } from './ports/manifest.ts';

/** What is the same for all cuts of an activity. */
export interface LandContext {
  dataset: string;
  topic: string;
  topicId: string;
  lake: LandingSpec['lake'];
  knownReplays: KnownReplays;
  onBad?: OnBad;
  /** Of a topic that others write: its columns, whatever its records' headers say. */
  foreign: LandingSpec['foreign'] | null;
}

/** A range with its encoded files, ready to be recorded; no files where no record is good. */
export interface ReadyCut extends EncodedCut {
  start: number;
  end: number;
  inputSha256: string;
  schemaVersion: string | null;
}

export function refused(context: LandContext, claim: Pick<Claim, 'partition'>): Error {
  return fault(
    'ClaimRefused',
    `partition ${claim.partition} of ${context.dataset} was claimed by a newer land activity`,
  );
}

export type EncodePorts = Pick<LandPorts, 'lakeFiles'> & { manifest: Pick<LandPorts['manifest'], 'schema'> };

/**
 * Encodes a buffer's records as the range [start, end). Bad are those that no replay of ours wrote, and all of an unknown
 * schema version: a replay stores its version before it publishes.
 * @param range with the time that the answer is to be as of, where the cut was begun before
 * @param directory where the file goes; the caller removes it
 */
export async function encodeCut(
  ports: EncodePorts,
  context: Pick<LandContext, 'dataset' | 'knownReplays' | 'foreign'>,
  { start, end, openedAt }: { start: number; end: number; openedAt?: string },
  buffer: CutBuffer,
  settings: EncoderSettings,
  directory: string,
): Promise<ReadyCut> {
  const { foreign } = context;
  const schemaVersion = foreign?.version ?? buffer.schemaVersion();
  const ready = { start, end, inputSha256: buffer.sha256(), schemaVersion, files: [], rows: 0, bytes: 0 };
  if (buffer.records() === 0) return { ...ready, bad: [] };
  const all = { good: buffer, bad: [] };
  const { good, bad } = foreign ? all : await sortOut(buffer, context.knownReplays, openedAt ?? null);
  if (good.records() === 0 || schemaVersion === null) return { ...ready, bad };
  const schema = foreign?.shape ?? (await ports.manifest.schema(context.dataset, schemaVersion));
  if (!schema) {
    const reason = `schema version ${schemaVersion} is unknown`;
    return { ...ready, bad: [...bad, ...offsetsOf(good).map((offset) => ({ offset, reason }))] };
  }
  const encoded = await ports.lakeFiles.encode({ ...good.content(), ...schema, settings }, directory);
  return { ...ready, ...encoded, bad: [...bad, ...encoded.bad] };
}

function offsetsOf(buffer: CutBuffer): number[] {
  const { lines, starts } = buffer.content();
  // A line begins with its offset, of 16 digits at most.
  return Array.from(starts, (at) => parseInt(lines.toString('latin1', at, at + 17), 10));
}

/** Records the intent of an encoded cut; the topic is looked at again first, so that no other topic's records go in. */
export async function recordIntent(
  ports: LandPorts,
  context: LandContext,
  claim: Claim,
  cut: ReadyCut,
  reason: CutReason,
  encoder: EncoderSettings,
): Promise<{ answer: IntentAnswer; intent: Intent }> {
  await checkTopic(ports.topicAdmin, context);
  const intent: Intent = {
    start: cut.start,
    end: cut.end,
    reason,
    rows: cut.rows,
    bytes: cut.bytes,
    objects: objectsOf(context, claim.partition, cut, encoder).map(({ name, rows, bytes }) => ({ name, rows, bytes })),
    inputSha256: cut.inputSha256,
    encoder,
    schemaVersion: cut.schemaVersion,
    deadLetters: cut.bad.length,
  };
  // A cut without records has nothing to be put, nor to be found again: intent and seal are one statement.
  const empty = cut.rows === 0 && cut.bad.length === 0;
  const answer = await (empty ? ports.manifest.sealEmpty(claim, intent) : ports.manifest.intend(claim, intent));
  return { answer, intent };
}

/** A cut's files under the names that its objects have. */
export function objectsOf(
  { lake, topicId }: Pick<LandContext, 'lake' | 'topicId'>,
  partition: number,
  { start, end, files }: Pick<ReadyCut, 'start' | 'end' | 'files'>,
  encoder: EncoderSettings,
): (EncodedFile & { name: string })[] {
  return files.map((file) => ({
    ...file,
    name: objectName(lake.prefix, topicId, partition, start, end, extensionOf(encoder), file.folder),
  }));
}

/** From an open intent to its seal, its files being those of `ready`. */
export async function finishCut(
  ports: LandPorts,
  context: LandContext,
  claim: Claim,
  cut: Omit<Intent, 'reason'> & Pick<StoredCut, 'attempt'>,
  ready: Pick<ReadyCut, 'start' | 'end' | 'files' | 'bad'>,
): Promise<void> {
  await addLetters(ports, context, claim.partition, ready.bad);
  const files = new Map(objectsOf(context, claim.partition, ready, cut.encoder).map(({ name, path }) => [name, path]));
  const { inputSha256, encoder, deadLetters } = cut;
  // All before an open intent is sealed: whoever finishes it is told the same.
  const before = cut.objects.length > 0 ? await ports.manifest.before(claim, cut.start) : null;
  for (const { name, rows } of cut.objects) {
    const path = files.get(name);
    if (path === undefined || before === null) throw fault('Unexpected', `no file for object ${name}`);
    const facts = { name, rows, inputSha256, encoder, deadLetters, schemaVersion: cut.schemaVersion ?? '', ...before };
    await putObject(ports.store, context.lake, { ...facts, objects: cut.objects.length }, path);
  }
  await step(ports, 'put', claim, cut);
  await sealCut(ports, context, claim, cut);
}

export async function sealCut(
  ports: LandPorts,
  context: LandContext,
  claim: Claim,
  cut: Pick<StoredCut, 'start' | 'end' | 'attempt'>,
): Promise<void> {
  // Void: by a newer claim, which found the range unreadable.
  if (!(await ports.manifest.seal(claim, cut))) throw refused(context, claim);
  await step(ports, 'sealed', claim, cut);
}

export async function step(
  ports: LandPorts,
  what: LandStep,
  { partition }: Pick<Claim, 'partition'>,
  { start, end }: { start: number; end: number },
): Promise<void> {
  await ports.onStep?.(what, { partition, start, end });
}
