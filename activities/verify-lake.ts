/**
 * The lake read as hashes, a partition at a time: keys never cross partitions, so sums by partition add up, and no more
 * than two partitions' objects are on disk at once (one is read while the next is fetched).
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { TableShape } from '../contracts/columns.ts';
import { addSums } from './verify-buckets.ts';
import { type FetchedFile, cutsOf, fetchObjects } from './verify-fetch.ts';
import type { HashSum, KeyedHash, LakeFile, LakeFiles } from './ports/lake-files.ts';
import type { LoadStore, SealedCut } from './ports/load-store.ts';
import type { ObjectStore } from './ports/object-store.ts';
import type { PublishedReplay, Redriven, Wanted } from './ports/verify.ts';

export interface LakePorts {
  loads: LoadStore;
  store: ObjectStore;
  lakeFiles: LakeFiles;
  scratch: string;
}

export interface LakeRequest {
  dataset: string;
  bucket: string;
  replay: PublishedReplay;
  /** What the warehouse has loaded, by partition. */
  ledger: ReadonlyMap<number, number>;
  /** Columns that lake and warehouse are compared by; null: they are not. */
  shape: TableShape | null;
  /**
   * What is compared with the warehouse, of the records up to the ledger: the last a key, all of them, the replay's own, or
   * those of the re-drives of its dead letters.
   */
  records: 'last' | 'all' | 'replay' | 'redrives';
  /** Where each record is a row: what loads refused, until a re-drive read it anew, is none. */
  redriven?: Redriven;
  /** What each schema version's files were written with. */
  schemas: ReadonlyMap<string, TableShape>;
}

export interface LakeSums {
  /** By chunk of the replay; summed up with one bucket only. */
  landed: Map<number, HashSum>;
  /** The compared records up to the ledger. */
  buckets: Map<number, HashSum>;
  /** Objects of cuts that may hold the replay's records, and their bytes. */
  objects: number;
  bytes: number;
  /** Rows of cuts that may hold the replay's records and have expired. */
  expiredRows: number;
  /** Any cut of the topic has expired: of keys that came last in it, only the source can tell. */
  anyExpired: boolean;
  /** Names that the manifest lists and the store does not have. */
  missingObjects: string[];
  firstOpenedAt: number;
  lastSealedAt: number;
}

/** A cut with the replay's records was opened after the replay was planned, by the same clock; should that step back… */
export const CLOCK_SLACK_MS = 60 * 1000;

export async function sumLake(
  ports: LakePorts,
  request: LakeRequest,
  buckets: number,
  signal: AbortSignal,
): Promise<LakeSums> {
  const { replay } = request;
  const result: LakeSums = {
    landed: new Map(),
    buckets: new Map(),
    objects: 0,
    bytes: 0,
    expiredRows: 0,
    anyExpired: false,
    missingObjects: [],
    firstOpenedAt: Infinity,
    lastSealedAt: 0,
  };
  await eachPartition(ports, request, signal, async (files, cuts) => {
    const ours = files.filter((file) => isOfReplay(file.cut, replay));
    // In either list, so that both sums can come from one reading.
    const only = onlyOf(request);
    const gone = cuts.filter(({ expired }) => expired);
    result.anyExpired ||= gone.length > 0;
    for (const cut of gone) if (isOfReplay(cut, replay)) result.expiredRows += cut.rows;
    for (const cut of cuts.filter((each) => isOfReplay(each, replay) && each.openedAt >= replay.plannedAt)) {
      result.firstOpenedAt = Math.min(result.firstOpenedAt, cut.openedAt);
      result.lastSealedAt = Math.max(result.lastSealedAt, cut.sealedAt);
      result.objects += cut.objects.length;
    }
    for (const file of ours) if (file.cut.openedAt >= replay.plannedAt) result.bytes += file.bytes;
    result.missingObjects.push(...files.filter((file) => file.missing).map((file) => file.object));
    const whole = (file: FetchedFile): LakeFile => ({ ...toLakeFile(request, file, file.cut.end), ...only });
    // The chunks are the same when buckets are looked at again, more closely.
    const readable = buckets > 1 ? [] : ours.filter((file) => !file.missing).map(whole);
    const { chunks, last } = await sumFiles(ports.lakeFiles, request, readable, loadedFiles(request, files), buckets);
    for (const [name, sum] of chunks) {
      const cutAt = name.lastIndexOf('/');
      if (name.slice(0, cutAt) !== replay.replayId) continue;
      addSums(result.landed, new Map([[Number(name.slice(cutAt + 1)), sum]]));
    }
    addSums(result.buckets, last);
  });
  return result;
}

/** In one reading where both sums are over the same columns: all versions of the schema are one, and there is one bucket. */
async function sumFiles(
  lakeFiles: LakeFiles,
  { replay, shape, records, redriven }: LakeRequest,
  landed: readonly LakeFile[],
  loaded: readonly LakeFile[],
  buckets: number,
): Promise<{ chunks: Map<string, HashSum>; last: Map<number, HashSum> }> {
  const { columns } = replay.shape;
  const { format } = replay.spec.lake;
  // The shared columns are some of the replay's own; a refused record has landed, and is in no table.
  const alike = redriven === undefined || redriven.refused.size === 0;
  if (alike && shape !== null && loaded.length > 0 && buckets === 1 && shape.columns.length === columns.length) {
    const key = records === 'all' ? [] : shape.key;
    const { chunks, last } = await lakeFiles.sumsOfBoth(landed, loaded, columns, key, format);
    return { chunks, last: new Map([[0, last]]) };
  }
  const chunks = await lakeFiles.sumsByChunk(landed, columns, format);
  if (shape === null || loaded.length === 0) return { chunks, last: new Map() };
  const every = records === 'all';
  return { chunks, last: await lakeFiles.sumsByBucket(loaded, shape.columns, shape.key, format, buckets, every) };
}

/** The compared records in the wanted buckets, up to the ledger. */
export async function lakeRows(
  ports: LakePorts,
  request: LakeRequest,
  wanted: Wanted,
  signal: AbortSignal,
): Promise<KeyedHash[]> {
  const rows: KeyedHash[] = [];
  if (request.shape === null) return rows;
  const { columns, key } = request.shape;
  const { format } = request.replay.spec.lake;
  await eachPartition(ports, request, signal, async (files) => {
    const loaded = loadedFiles(request, files);
    if (loaded.length === 0) return;
    const { buckets, numbers } = wanted;
    const every = request.records === 'all';
    const found = await ports.lakeFiles.rowsOfBuckets(loaded, columns, key, format, buckets, numbers, every);
    for (const row of found) rows.push(row);
  });
  return rows;
}

/** Whether the cut may hold records of the replay. */
export function isOfReplay(cut: SealedCut, replay: PublishedReplay): boolean {
  return (
    cut.schemaVersion === replay.schemaVersion &&
    cut.start < (replay.ends[cut.partition] ?? 0) &&
    cut.openedAt >= replay.plannedAt - CLOCK_SLACK_MS
  );
}

function toLakeFile({ schemas }: LakeRequest, file: FetchedFile, end: number): LakeFile {
  const columns = schemas.get(file.cut.schemaVersion ?? '')?.columns;
  return {
    path: file.path,
    partition: file.cut.partition,
    fromOffset: file.cut.start,
    toOffset: Math.min(end, file.cut.end),
    object: file.object,
    form: file.cut.form,
    ...(columns ? { columns } : {}),
  };
}

function loadedFiles(request: LakeRequest, files: readonly FetchedFile[]): LakeFile[] {
  const { ledger, records, replay, redriven } = request;
  const only = onlyOf(request);
  const refused = (cut: SealedCut): Pick<LakeFile, 'except'> => {
    const except =
      redriven?.refused.get(cut.partition)?.filter((offset) => offset >= cut.start && offset < cut.end) ?? [];
    return except.length === 0 ? {} : { except };
  };
  return files
    .filter((file) => !file.missing && file.cut.start < (ledger.get(file.cut.partition) ?? 0))
    .filter((file) => records !== 'replay' || isOfReplay(file.cut, replay))
    .filter((file) => records !== 'redrives' || mayBeRedriven(request, file.cut))
    .map((file) => ({
      ...toLakeFile(request, file, ledger.get(file.cut.partition) ?? 0),
      ...only,
      ...refused(file.cut),
    }));
}

function onlyOf({ records, replay, redriven }: LakeRequest): Pick<LakeFile, 'replays'> {
  if (records === 'replay') return { replays: [replay.replayId] };
  return records === 'redrives' ? { replays: redriven?.replays ?? [] } : {};
}

/** A re-drive comes after its replay, and may be of a later schema version: one that lacks a column cannot be compared. */
function mayBeRedriven({ replay, shape, schemas }: LakeRequest, cut: SealedCut): boolean {
  const has = new Map(schemas.get(cut.schemaVersion ?? '')?.columns.map((column) => [column.name, column]));
  return (
    cut.openedAt >= replay.plannedAt - CLOCK_SLACK_MS &&
    (shape?.columns ?? []).every(({ name, type }) => JSON.stringify(has.get(name)?.type) === JSON.stringify(type))
  );
}

type Visit = (files: readonly FetchedFile[], cuts: readonly SealedCut[]) => Promise<void>;

/** Visits each partition's objects, fetched to a folder of their own: all formats at once, for one last record a key. */
async function eachPartition(ports: LakePorts, request: LakeRequest, signal: AbortSignal, visit: Visit): Promise<void> {
  const { dataset, replay } = request;
  const topic = (await ports.loads.topics(dataset)).find((each) => each.topicId === replay.topicId);
  const base = await mkdtemp(join(ports.scratch, 'headrace-verify-'));
  const fetch = async (partition: number): Promise<{ cuts: SealedCut[]; files: FetchedFile[] }> => {
    const cuts = await cutsOf(ports.loads, dataset, replay.topicId, partition);
    return {
      cuts,
      files: await fetchObjects(ports.store, request.bucket, cuts, await mkdtemp(join(base, 'p-')), signal),
    };
  };
  try {
    const partitions = (topic?.partitions ?? []).map((each) => each.partition);
    let ahead = partitions[0] === undefined ? null : fetch(partitions[0]);
    for (let index = 0; ahead !== null; index++) {
      const { cuts, files } = await ahead;
      const following = partitions[index + 1];
      ahead = following === undefined ? null : fetch(following);
      ahead?.catch(() => undefined); // awaited in the next turn, or never, when this one throws
      await visit(files, cuts);
      await Promise.all(files.map((file) => rm(file.path, { force: true })));
      signal.throwIfAborted();
    }
  } finally {
    await rm(base, { recursive: true, force: true, maxRetries: 5 });
  }
}
