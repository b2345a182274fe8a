/**
 * Where loading stands and what may come next, from the ledger (the truth) and the manifest. A dataset can hold several
 * topic ids, when a topic was made anew: they are loaded one after the other, the older first, or an old record would
 * overwrite a newer one.
 */
import type { TableName } from '../contracts/columns.ts';
import type { PartitionEnds } from '../contracts/replay.ts';
import { type BatchLimits, type LoadBatch, chooseBatch } from './load-batch.ts';
import type { LoadStore } from './ports/load-store.ts';
import type { Warehouse } from './ports/warehouse.ts';

/** More than a batch of the smallest usual cuts (10,000 records) can take. */
const CUTS_A_PARTITION = 200;

export interface Place {
  topicId: string;
  /** Next offset a partition. */
  next: ReadonlyMap<number, number>;
}

/** One place a topic id of the dataset, in loading order; partitions not in the ledger yet stand at the log's start. */
export async function readPlaces(
  loads: LoadStore,
  warehouse: Warehouse,
  dataset: string,
  table: TableName,
): Promise<Place[]> {
  const places: Place[] = [];
  for (const topic of await loads.topics(dataset)) {
    const ledger = await warehouse.ledger(table, topic.topicId);
    const next = topic.partitions.map(
      ({ partition, logStart }) => [partition, ledger.get(partition) ?? logStart] as const,
    );
    places.push({ topicId: topic.topicId, next: new Map(next) });
  }
  return places;
}

/** The batch that goes on from `place`; null when nothing more is sealed. */
export async function nextBatch(
  loads: LoadStore,
  dataset: string,
  place: Place,
  limits: BatchLimits,
): Promise<LoadBatch | null> {
  const cuts = await loads.sealedCuts(dataset, place.topicId, place.next, CUTS_A_PARTITION);
  const lost = await loads.lostRanges(dataset, place.topicId);
  return chooseBatch(place.next, cuts, lost, limits);
}

/** The place once `batch` is in. */
export function after(place: Place, batch: LoadBatch): Place {
  const next = new Map(place.next);
  for (const step of batch.steps) next.set(step.partition, step.end);
  return { topicId: place.topicId, next };
}

/** Whether every end is reached; a partition that was never claimed holds nothing, so only the end 0 is reached there. */
export function reached(place: Place | undefined, ends: PartitionEnds): boolean {
  return Object.entries(ends).every(([partition, end]) => (place?.next.get(Number(partition)) ?? 0) >= end);
}
