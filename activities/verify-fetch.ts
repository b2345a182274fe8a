/**
 * Objects of the lake on local disk, for verify. Unlike a load, an object that is gone is a finding here, not a fault: it is
 * told by `missing`; only a store that cannot be asked is a fault.
 */
import { join } from 'node:path';
import { isFault } from '../contracts/errors.ts';
import { eachOf } from './each-of.ts';
import type { LoadStore, SealedCut } from './ports/load-store.ts';
import type { ObjectStore } from './ports/object-store.ts';

const DOWNLOADS = 4;
const CUTS_A_PAGE = 1_000;

export interface FetchedFile {
  cut: SealedCut;
  object: string;
  path: string;
  bytes: number;
  missing: boolean;
}

/** Every sealed or expired cut of a partition, each offset in one of them. */
export async function cutsOf(
  loads: LoadStore,
  dataset: string,
  topicId: string,
  partition: number,
): Promise<SealedCut[]> {
  const cuts: SealedCut[] = [];
  for (;;) {
    const page = await loads.sealedCuts(dataset, topicId, new Map([[partition, cuts.at(-1)?.end ?? 0]]), CUTS_A_PAGE);
    // Replaced by a larger one that reaches below this page: what was read of it before is read again.
    if ((page[0]?.start ?? Infinity) < (cuts.at(-1)?.end ?? 0)) {
      cuts.length = 0;
      continue;
    }
    cuts.push(...page);
    if (page.length < CUTS_A_PAGE) return cuts;
  }
}

/** Fetches the cuts' objects to numbered files of `directory`, a few at a time. */
export async function fetchObjects(
  store: ObjectStore,
  bucket: string,
  cuts: readonly SealedCut[],
  directory: string,
  signal: AbortSignal,
): Promise<FetchedFile[]> {
  const files: FetchedFile[] = cuts.flatMap((cut) =>
    cut.objects.map(({ name }) => ({ cut, object: name, path: '', bytes: 0, missing: false })),
  );
  await eachOf(files.entries(), DOWNLOADS, async ([index, file]) => {
    signal.throwIfAborted();
    file.path = join(directory, `${index}`);
    try {
      file.bytes = await store.download(bucket, file.object, file.path);
    } catch (error) {
      // An object that is gone is a finding, not a fault; a store that cannot be asked is a fault.
      if ((isFault(error) && !error.retry) || (await store.head(bucket, file.object)) !== null) throw error;
      file.missing = true;
    }
  });
  return files;
}
