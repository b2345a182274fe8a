/**
 * What becomes of objects that the warehouse has loaded (`lake.afterLoad`): moved, or given up. The manifest follows: a move is a
 * copy under a new name, and a statement that puts a cut of the new names in the old one's place; an expired cut is
 * marked before an object of it goes. Objects that gave way are removed an hour later: somebody may read by an older list.
 *
 * Only what the ledger has is touched. Killed anywhere, done twice or by two at once: what is done is found done; a copy whose
 * intent was never finished is removed like the rest. (Names are an intent's own: the second try of a move says `.c…`.)
 */
import { randomBytes } from 'node:crypto';
import { againExtension, type CutObject, objectName, parseObjectName, prefixOf } from '../contracts/manifest.ts';
import { datasetOf, movedPrefix, type PipelineSpec } from '../contracts/pipeline.ts';
import { eachOf } from './each-of.ts';
import { readMetadata } from '../formats/object-facts.ts';
import type { Place } from './load-places.ts';
import type { ObjectStore } from './ports/object-store.ts';
import type { LoadedCuts, Replacements, RetiredCut, StandingCut } from './ports/replacements.ts';

/** As long as `lake orphans` leaves young objects alone by default. */
const GRACE_MS = 3_600_000;
const CUTS_A_PAGE = 200;
const CUTS_AT_ONCE = 4;

export interface AfterLoadPorts {
  store: ObjectStore;
  replacements: Pick<
    Replacements,
    'loaded' | 'begin' | 'finish' | 'abandon' | 'abandonOld' | 'expire' | 'retired' | 'noteRemoved'
  >;
  /** Until what gave way is removed; default: an hour. */
  graceMs?: number;
  /** Tests kill the process here. */
  onStep?: (step: 'begun' | 'copied' | 'moved' | 'expired' | 'removed') => Promise<void>;
}

/** @returns whether all that is due was done; false: the time was up */
export async function tendLoaded(
  ports: AfterLoadPorts,
  spec: PipelineSpec,
  places: readonly Place[],
  timeIsUp: () => boolean,
): Promise<boolean> {
  const { afterLoad } = spec.lake;
  if (afterLoad === undefined) return true;
  const dataset = datasetOf(spec.lake);
  const ledger = places.flatMap(({ topicId, next }) =>
    [...next].map(([partition, end]) => ({ topicId, partition, end })),
  );
  const notUnder = movedPrefix(spec.lake);
  const wanted = { dataset, ledger, limit: CUTS_A_PAGE };
  const { replacements } = ports;
  if (notUnder === undefined) {
    const olderThanMs = 'expireAfterMs' in afterLoad ? afterLoad.expireAfterMs : 0;
    await eachPage(
      () => replacements.loaded({ ...wanted, olderThanMs }),
      async (cuts) => {
        await expireAll(ports, cuts);
      },
      timeIsUp,
    );
  } else await moveAll(ports, spec, { ...wanted, olderThanMs: 0, notUnder }, timeIsUp);
  const graceMs = ports.graceMs ?? GRACE_MS;
  await replacements.abandonOld(dataset, graceMs);
  await eachPage(
    () => replacements.retired(dataset, graceMs, CUTS_A_PAGE),
    (cuts) => removeAll(ports, spec.lake.bucket, cuts),
    timeIsUp,
  );
  return !timeIsUp();
}

async function eachPage<T>(
  read: () => Promise<readonly T[]>,
  work: (page: readonly T[]) => Promise<void>,
  timeIsUp: () => boolean,
): Promise<void> {
  for (let page = await read(); page.length > 0 && !timeIsUp(); page = await read()) await work(page);
}

async function expireAll({ replacements, onStep }: AfterLoadPorts, cuts: readonly StandingCut[]): Promise<void> {
  for (const id of new Set(cuts.map(({ partitionId }) => partitionId))) {
    const ours = cuts.filter(({ partitionId }) => partitionId === id);
    await replacements.expire(
      id,
      ours.map(({ start, attempt }) => ({ start, attempt })),
    );
    await onStep?.('expired');
  }
}

async function removeAll({ store, replacements, onStep }: AfterLoadPorts, bucket: string, cuts: readonly RetiredCut[]) {
  for (const { objects } of cuts) for (const { name } of objects) await store.remove(bucket, name);
  await onStep?.('removed');
  await replacements.noteRemoved(cuts);
}

/** A cut with an object that is gone is left where it is: it is loaded, and verify tells of it. */
async function moveAll(
  ports: AfterLoadPorts,
  { lake }: PipelineSpec,
  wanted: LoadedCuts & { notUnder: string },
  timeIsUp: () => boolean,
): Promise<void> {
  const left = new Set<string>();
  while (!timeIsUp()) {
    const found = await ports.replacements.loaded({ ...wanted, limit: wanted.limit + left.size });
    const cuts = found.filter((cut) => !left.has(keyOf(cut)));
    if (cuts.length === 0) return;
    await eachOf(cuts, CUTS_AT_ONCE, async (cut) => {
      if (!timeIsUp() && !(await moveCut(ports, lake, cut, wanted.notUnder))) left.add(keyOf(cut));
    });
  }
}

const keyOf = ({ partitionId, start, attempt }: StandingCut): string => `${partitionId}/${start}/${attempt}`;

/** @returns false where there is nothing to copy */
async function moveCut(
  { store, replacements, onStep }: AfterLoadPorts,
  { bucket, prefix }: PipelineSpec['lake'],
  cut: StandingCut,
  to: string,
): Promise<boolean> {
  let again = cut.lastAttempt > cut.attempt;
  for (const { name } of cut.objects) {
    if ((await store.head(bucket, name)) === null) return false;
    // Left by a control database that was lost: whoever removes orphans may be about to remove it.
    again ||= (await store.head(bucket, newName(prefix, to, name, ''))) !== null;
  }
  const unique = again ? randomBytes(6).toString('hex') : '';
  const moves = cut.objects.map((object) => ({
    from: object.name,
    to: newName(prefix, to, object.name, unique),
    object,
  }));
  const objects = moves.map(({ object, to: name }): CutObject => ({ ...object, name }));
  const { start, attempt } = cut;
  const replacement = { ...cut, attempt: cut.lastAttempt + 1, objects, replaces: [{ start, attempt }] };
  // Somebody else moves it: read again, it is found moved, or free.
  if (!(await replacements.begin(replacement))) return true;
  await onStep?.('begun');
  let whole = true;
  for (const move of moves) whole &&= await copyObject(store, bucket, move.from, move.to);
  await onStep?.('copied');
  if (whole && (await replacements.finish(replacement))) {
    await onStep?.('moved');
    return true;
  }
  await replacements.abandon(replacement);
  for (const { to: name } of moves) await store.remove(bucket, name);
  return whole;
}

/** @returns false where it is gone, or the copy is not like it */
async function copyObject(store: ObjectStore, bucket: string, from: string, to: string): Promise<boolean> {
  if (!(await store.copy(bucket, from, to))) return false;
  const [was, is] = await Promise.all([store.head(bucket, from), store.head(bucket, to)]);
  const said = (found: typeof was): string => JSON.stringify([found?.bytes, found && readMetadata(found.metadata)]);
  return is !== null && said(was) === said(is);
}

/** @param unique digits that no other name has; '': the same name, under the other prefix */
function newName(lakePrefix: string, to: string, name: string, unique: string): string {
  const from = prefixOf(lakePrefix, name);
  const range = unique === '' ? null : parseObjectName(from, name);
  if (range === null) return `${to}${name.slice(from.length)}`;
  const { topicId, partition, start, end, extension, folder } = range;
  return objectName(to, topicId, partition, start, end, againExtension(unique, extension), folder);
}
