/**
 * Merges small objects of the lake: encode, intent, PUT, and one statement that puts the new cut in the old ones' place.
 * Readers of the manifest see either; who holds the old list still finds the objects, which `lake orphans` removes later.
 *
 * Loads and the ledger are not asked (docs/decisions/0020): the ledger counts offsets, not cuts. Killed anywhere it leaves
 * scratch files, or an intent that nobody finishes and its objects, which are orphans after the same time.
 */
import { createHash, randomBytes } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { countText } from '../contracts/count-words.ts';
import type { CompactedCuts, CompactReport } from '../contracts/compact.ts';
import { fault } from '../contracts/errors.ts';
import { againExtension, extensionOf, objectName } from '../contracts/manifest.ts';
import { datasetOf, type LandingSpec } from '../contracts/pipeline.ts';
import { type CompactGroup, planGroups } from './compact-plan.ts';
import { putObject } from './land-object.ts';
import { downloadObjects } from './load-prepare.ts';
import type { EncodedFile, LakeFiles } from './ports/lake-files.ts';
import type { LoadStore } from './ports/load-store.ts';
import type { Manifest } from './ports/manifest.ts';
import type { ObjectStore } from './ports/object-store.ts';
import type { Replacement, Replacements } from './ports/replacements.ts';

/** Cuts planned at a time. */
const CUTS_A_PAGE = 1_000;

export interface CompactPorts {
  loads: Pick<LoadStore, 'topics' | 'schema'>;
  manifest: Pick<Manifest, 'before'>;
  replacements: Pick<Replacements, 'standing' | 'begin' | 'finish' | 'abandon'>;
  store: ObjectStore;
  lakeFiles: Pick<LakeFiles, 'merge'>;
  /** Folder for temporary files: the objects of one cut, old and new. */
  scratch: string;
  /** Tests kill the process here. */
  onStep?: (step: 'encoded' | 'begun' | 'put' | 'finished') => Promise<void>;
}

export interface CompactRequest {
  spec: LandingSpec;
  targetBytes: number;
  dryRun: boolean;
}

interface Place {
  dataset: string;
  topic: string;
  topicId: string;
  partition: number;
}

type Made = EncodedFile & { name: string };

/** @param tell hears of each group when it is done */
export async function compactLake(
  ports: CompactPorts,
  request: CompactRequest,
  signal: AbortSignal,
  tell: (done: CompactedCuts) => void = () => undefined,
): Promise<CompactReport> {
  const { spec, targetBytes, dryRun } = request;
  const dataset = datasetOf(spec.lake);
  const groups: CompactedCuts[] = [];
  let objects = 0;
  for (const { topic, topicId, partitions } of await ports.loads.topics(dataset)) {
    for (const { partition } of partitions) {
      const place = { dataset, topic, topicId, partition };
      for await (const page of pagesOf(ports, request, place)) {
        objects += page.objects;
        for (const group of page.groups) {
          signal.throwIfAborted();
          const done = dryRun ? told(place, group, 'planned', 0) : await mergeGroup(ports, spec, place, group, signal);
          groups.push(done);
          tell(done);
        }
      }
    }
  }
  return { pipeline: spec.name, dataset, targetBytes, dryRun, objects, groups };
}

/** A group that ends with its page, and may go on behind it, is left to the next page. */
async function* pagesOf(
  { replacements }: CompactPorts,
  { spec, targetBytes }: CompactRequest,
  place: Place,
): AsyncIterable<{ groups: CompactGroup[]; objects: number }> {
  for (let from = 0; ;) {
    const cuts = await replacements.standing(place, from, CUTS_A_PAGE);
    const groups = planGroups(cuts, spec.lake.prefix, targetBytes);
    const end = cuts.at(-1)?.end ?? from;
    const over = cuts.length < CUTS_A_PAGE;
    const last = groups.at(-1);
    const [cut] = last?.cuts ?? [];
    const goesOn = !over && cut !== undefined && groups.length > 1 && last?.cuts.at(-1)?.end === end;
    if (goesOn) groups.pop();
    const next = goesOn ? cut.start : end;
    const seen = cuts.filter(({ start }) => start < next);
    yield { groups, objects: seen.reduce((sum, each) => sum + each.objects.length, 0) };
    if (over) return;
    from = next;
  }
}

async function mergeGroup(
  ports: CompactPorts,
  spec: LandingSpec,
  place: Place,
  group: CompactGroup,
  signal: AbortSignal,
): Promise<CompactedCuts> {
  const directory = await mkdtemp(join(ports.scratch, 'headrace-compact-'));
  try {
    const made = await encodeGroup(ports, spec, place, group, directory, signal);
    await ports.onStep?.('encoded');
    const replacement = replacementOf(group, made);
    if (!(await ports.replacements.begin(replacement))) return told(place, group, 'overtaken', 0);
    await ports.onStep?.('begun');
    await putAll(ports, spec, replacement, made);
    await ports.onStep?.('put');
    if (!(await ports.replacements.finish(replacement))) {
      await ports.replacements.abandon(replacement);
      for (const { name } of made) await ports.store.remove(spec.lake.bucket, name);
      return told(place, group, 'overtaken', 0);
    }
    await ports.onStep?.('finished');
    return told(place, group, 'merged', replacement.bytes);
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}

/** One file a folder. */
async function encodeGroup(
  { store, lakeFiles, loads }: CompactPorts,
  { lake }: LandingSpec,
  { dataset, topicId, partition }: Place,
  { cuts, folders, prefix }: CompactGroup,
  directory: string,
  signal: AbortSignal,
): Promise<Made[]> {
  const [first] = cuts;
  const last = cuts.at(-1);
  if (first === undefined || last === undefined) throw fault('Unexpected', 'a group without cuts');
  const { columns } = await loads.schema(dataset, first.schemaVersion ?? '');
  // Random: a name that was given up once is never used again, or what removes it could remove the next one's object.
  const extension = againExtension(randomBytes(6).toString('hex'), extensionOf(first.encoder));
  const made: Made[] = [];
  for (const { folder, objects } of folders) {
    const inputs = await mkdtemp(join(directory, 'in-'));
    const wanted = objects.map(({ name, cut }) => ({
      partition,
      object: name,
      fromOffset: cut.start,
      toOffset: cut.end,
    }));
    const files = await downloadObjects(store, lake.bucket, { objects: wanted, form: first.encoder }, inputs, signal);
    const file = await lakeFiles.merge(files, columns, first.encoder, directory);
    await rm(inputs, { recursive: true, force: true });
    const rows = objects.reduce((sum, object) => sum + object.rows, 0);
    if (file.rows !== rows) {
      throw fault(
        'ManifestConflict',
        `objects ${objects[0]?.name ?? ''} to ${objects.at(-1)?.name ?? ''} hold ${countText(file.rows, 'row')}, the manifest says ${rows}: ` +
          'one was changed after it was sealed; restore it',
      );
    }
    made.push({
      ...file,
      folder,
      name: objectName(prefix, topicId, partition, first.start, last.end, extension, folder),
    });
  }
  return made;
}

function replacementOf({ cuts }: CompactGroup, made: readonly Made[]): Replacement {
  const [first] = cuts;
  const last = cuts.at(-1);
  if (first === undefined || last === undefined) throw fault('Unexpected', 'a group without cuts');
  const inputs = cuts.map(({ start, end, inputSha256 }) => `${start} ${end} ${inputSha256}\n`);
  const sum = (of: readonly { [key in 'rows' | 'bytes']: number }[], what: 'rows' | 'bytes'): number =>
    of.reduce((all, each) => all + each[what], 0);
  return {
    ...{ partitionId: first.partitionId, start: first.start, end: last.end, attempt: first.lastAttempt + 1 },
    ...{ reason: 'compacted', rows: sum(made, 'rows'), bytes: sum(made, 'bytes') },
    objects: made.map(({ name, rows, bytes }) => ({ name, rows, bytes })),
    inputSha256: createHash('sha256').update(inputs.join('')).digest('hex'),
    encoder: first.encoder,
    schemaVersion: first.schemaVersion,
    deadLetters: cuts.reduce((all, { deadLetters }) => all + deadLetters, 0),
    replaces: cuts.map(({ start, attempt }) => ({ start, attempt })),
  };
}

/** With the metadata of a cut's own objects, so that the manifest can be rebuilt of them. */
async function putAll(
  { store, manifest }: CompactPorts,
  { lake }: LandingSpec,
  cut: Replacement,
  made: readonly Made[],
): Promise<void> {
  const before = await manifest.before({ id: cut.partitionId }, cut.start);
  const { inputSha256, encoder, deadLetters, schemaVersion } = cut;
  for (const { name, rows, path } of made) {
    const facts = { name, rows, inputSha256, encoder, deadLetters, schemaVersion: schemaVersion ?? '', ...before };
    await putObject(store, lake, { ...facts, objects: made.length }, path);
  }
}

function told(
  { topic, topicId, partition }: Place,
  { cuts, folders }: CompactGroup,
  state: CompactedCuts['state'],
  bytesAfter: number,
): CompactedCuts {
  const sum = (what: 'rows' | 'bytes'): number => cuts.reduce((all, each) => all + each[what], 0);
  return {
    ...{ topic, topicId, partition, start: cuts[0]?.start ?? 0, end: cuts.at(-1)?.end ?? 0, cuts: cuts.length },
    rows: sum('rows'),
    objects: { before: cuts.reduce((all, { objects }) => all + objects.length, 0), after: folders.length },
    bytes: { before: sum('bytes'), after: bytesAfter },
    state,
  };
}
