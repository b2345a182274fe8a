/**
 * Load mode `replace`: the warehouse's table becomes what the newest replay read, in one transaction, and only once all of it
 * is in the lake as it was published. Until then, and whoever dies when, readers have the old rows: the shadow is a temporary
 * table of one session, and goes with it. A replay with dead letters, losses or skipped chunks replaces nothing: whatever it
 * lacks would be deleted (docs/decisions/0021).
 */
import { countWith } from '../contracts/count-words.ts';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fault, isFault } from '../contracts/errors.ts';
import { datasetOf } from '../contracts/pipeline.ts';
import { BATCH_MAX_ROWS } from './load-batch.ts';
import { type Place, reached, readPlaces } from './load-places.ts';
import { downloadObjects, type PreparePorts } from './load-prepare.ts';
import type { LoadPorts, LoadTotals } from './load-run.ts';
import type { LoadRequest } from './load-sealed.ts';
import type { HashSum } from './ports/lake-files.ts';
import type { SealedCut } from './ports/load-store.ts';
import type { PublishedReplay } from './ports/verify.ts';
import type { StagedRows, Warehouse } from './ports/warehouse.ts';
import type { Pulse } from './pulse.ts';
import { addSums, rowsOf } from './verify-buckets.ts';
import { compareLake } from './verify-chunks.ts';
import { cutsOf } from './verify-fetch.ts';
import { isOfReplay } from './verify-lake.ts';
import { ownerOf, scopeFaults, warehouseTable } from './warehouse-table.ts';

/** Null: there is none that is published. */
async function newestReplay(ports: LoadPorts, pipeline: string): Promise<PublishedReplay | null> {
  try {
    return await ports.verify.published(pipeline);
  } catch (error) {
    if (isFault(error, 'ReplayUnknown')) return null;
    throw error;
  }
}

/**
 * Replaces the table if the newest published replay has landed and is not in the table yet.
 * @param satisfied what was asked for is in: only an empty reading may be left, which moves no ledger
 * @returns whether the ledger moved, by us or by another loader
 * @throws Fault VerifyFailed where the lake does not hold all that the replay published
 */
export async function replaceTable(
  ports: LoadPorts,
  warehouse: Warehouse,
  request: LoadRequest,
  pulse: Pulse,
  totals: LoadTotals,
  satisfied: boolean,
): Promise<boolean> {
  const { spec, workflowId } = request;
  const replay = await newestReplay(ports, spec.name);
  if (replay === null) return false;
  const place = await placeOf(ports, warehouse, request, replay);
  if (place === undefined) return false;
  // An empty reading leaves no trace in the topic: nothing but its emptiness tells that the table is to be empty.
  const isEmpty = replay.upperKey === null;
  const isIn = reached(place, replay.ends);
  if ((isIn || satisfied) && !isEmpty) return false;
  if (!(await isLanded(ports, datasetOf(spec.lake), replay))) return false;
  const [partial] = scopeFaults(spec, replay.scope);
  if (partial !== undefined) throw fault('ConfigInvalid', `replay ${replay.replayId}: ${partial}`);
  const began = performance.now();
  await warehouse.ensureTable(warehouseTable(spec, replay.shape), ownerOf(spec));
  await warehouse.startLedger(spec.warehouse.table, replay.topicId, Object.fromEntries(place.next));
  const steps = [...place.next]
    .map(([partition, start]) => ({ partition, start, end: Math.max(start, replay.ends[partition] ?? 0) }))
    .sort((a, b) => a.partition - b.partition);
  const { staged, rows, cuts } = await stageReplay({ ...ports, warehouse }, request, replay, pulse);
  try {
    pulse.throwIfCancelled();
    await staged.replace(replay.topicId, steps);
  } catch (error) {
    if (isFault(error, 'LedgerMoved')) return true;
    throw error;
  } finally {
    await staged.release();
  }
  totals.rows += rows;
  totals.cuts += cuts;
  totals.batches += 1;
  const seconds = (performance.now() - began) / 1000;
  const { topicId } = replay;
  await ports.loads.noteBatch({ pipeline: spec.name, workflowId, cuts, rows, seconds, topicId, steps });
  return !isIn;
}

async function placeOf(
  ports: LoadPorts,
  warehouse: Warehouse,
  { spec }: LoadRequest,
  { topicId }: PublishedReplay,
): Promise<Place | undefined> {
  const places = await readPlaces(ports.loads, warehouse, datasetOf(spec.lake), spec.warehouse.table);
  return places.find((place) => place.topicId === topicId);
}

async function isLanded({ loads }: LoadPorts, dataset: string, { topicId, ends }: PublishedReplay): Promise<boolean> {
  const topic = (await loads.topics(dataset)).find((each) => each.topicId === topicId);
  const next = new Map(topic?.partitions.map((each) => [each.partition, each.next]));
  return reached({ topicId, next }, ends);
}

/** The replay's rows, staged in the warehouse, once they are known to be what was published. */
async function stageReplay(
  ports: LoadPorts & PreparePorts,
  { spec }: LoadRequest,
  replay: PublishedReplay,
  pulse: Pulse,
): Promise<{ staged: StagedRows; rows: number; cuts: number }> {
  const table = warehouseTable(spec, replay.shape);
  const { columns, key } = replay.shape;
  const { format } = spec.lake;
  const landed = new Map<number, HashSum>();
  let cuts = 0;
  const base = await mkdtemp(join(ports.scratch, 'headrace-load-'));
  const empty = join(base, 'empty.csv');
  await writeFile(empty, '');
  const staged = await ports.warehouse.stage(table, empty, pulse.signal);
  try {
    for await (const some of batches(ports, replay)) {
      const directory = await mkdtemp(join(base, 'b-'));
      const csv = join(directory, 'rows.csv');
      const objects = some.flatMap((cut) =>
        cut.objects.map(({ name }) => ({
          ...{ partition: cut.partition, object: name, fromOffset: cut.start, toOffset: cut.end },
        })),
      );
      const form = some[0]?.form ?? { format, compression: 'none' };
      const fetched = await downloadObjects(ports.store, spec.lake.bucket, { objects, form }, directory, pulse.signal);
      const files = fetched.map((file) => ({ ...file, replays: [replay.replayId] }));
      for (const [name, sum] of await ports.lakeFiles.sumsByChunk(files, columns, format))
        addSums(landed, new Map([[Number(name.slice(name.lastIndexOf('/') + 1)), sum]]));
      const { csvNull } = ports.warehouse;
      await ports.lakeFiles.exportForLoad(files, columns, key, format, csv, { csvNull });
      await staged.add(csv, pulse.signal);
      cuts += some.length;
      await rm(directory, { recursive: true, force: true });
      pulse.throwIfCancelled();
    }
    await requireWhole(ports, replay, landed, staged.rows);
    return { staged, rows: staged.rows, cuts };
  } catch (error) {
    await staged.release();
    throw error;
  } finally {
    await rm(base, { recursive: true, force: true });
  }
}

/** The cuts with the replay's records, so many at a time that their files fit a small disk. */
async function* batches({ loads }: LoadPorts, replay: PublishedReplay): AsyncGenerator<SealedCut[]> {
  const dataset = datasetOf(replay.spec.lake);
  for (const partition of Object.keys(replay.ends).map(Number)) {
    let some: SealedCut[] = [];
    for (const cut of await cutsOf(loads, dataset, replay.topicId, partition)) {
      if (!isOfReplay(cut, replay) || cut.objects.length === 0) continue;
      const rows = some.reduce((sum, each) => sum + each.rows, cut.rows);
      const otherForm = some[0] !== undefined && JSON.stringify(some[0].form) !== JSON.stringify(cut.form);
      if (some.length > 0 && (rows > BATCH_MAX_ROWS / 4 || otherForm)) {
        yield some;
        some = [];
      }
      some.push(cut);
    }
    if (some.length > 0) yield some;
  }
}

/** @throws Fault VerifyFailed with all that the replay lacks */
async function requireWhole(
  ports: LoadPorts,
  replay: PublishedReplay,
  landed: ReadonlyMap<number, HashSum>,
  staged: number,
): Promise<void> {
  const found = await compareLake(ports, replay, landed);
  const skipped = await ports.verify.skippedChunks(replay.replayId);
  const lacks: Parameters<typeof countWith>[] = [
    [skipped, 'chunk', 'was skipped', 'were skipped'],
    [found.deadLetters, 'record', 'is in the dead letters', 'are in the dead letters'],
    [found.lost, 'record', 'expired before it was landed', 'expired before they were landed'],
    [found.unequal.length, 'chunk', 'is not in the lake as published', 'are not in the lake as published'],
    [Math.abs(rowsOf(landed) - staged), 'row', 'of a key that comes twice', 'of keys that come more than once'],
  ];
  const told = lacks.filter(([count]) => count > 0).map((lack) => countWith(...lack));
  if (told.length === 0) return;
  const { schema, table } = replay.spec.warehouse.table;
  throw fault(
    'VerifyFailed',
    `replay ${replay.replayId} does not replace ${schema}.${table}, as it is not whole: ${told.join('; ')}. The table is as it ` +
      'was. Mend the cause and run the pipeline again (or discard the dead letters, and load again)',
  );
}
