/** The source read as hashes, chunk by chunk: the replay's own bounds, each one short statement, a few at a time. */
import type { Chunk } from '../contracts/replay.ts';
import { eachOf } from './each-of.ts';
import type { HashSum } from './ports/lake-files.ts';
import type {
  OwnSourceHash,
  OwnSourceSum,
  PublishedReplay,
  SourceHashes,
  SourceRow,
  VerifyStore,
  Wanted,
} from './ports/verify.ts';
import type { SourceTable } from './ports/source.ts';
import { addSums } from './verify-buckets.ts';

/** Statements at a time: what a live source can spare. */
const SCANS = 2;
const CHUNKS_A_PAGE = 500;

export interface SourceScan {
  store: VerifyStore;
  hashes: SourceHashes;
  table: SourceTable;
  replay: PublishedReplay;
  signal: AbortSignal;
}

export async function sumSource(scan: SourceScan, buckets: number): Promise<Map<number, HashSum>> {
  const sums = new Map<number, HashSum>();
  await eachChunk(scan, async (chunk) => {
    addSums(sums, await scan.hashes.sumRange(scan.table, { ...chunk, scope: scan.replay.scope }, buckets));
  });
  return sums;
}

/** The same as one sum, by the server's own hash. */
export async function ownSumOfSource(scan: SourceScan, own: OwnSourceHash): Promise<OwnSourceSum> {
  const whole = { rows: 0, sum: 0n, unchanged: true };
  await eachChunk(scan, async (chunk) => {
    const { rows, sum, unchanged } = await own.sum({ ...chunk, scope: scan.replay.scope }, scan.replay.sourceSnapshot);
    whole.rows += rows;
    whole.sum += sum;
    whole.unchanged &&= unchanged;
  });
  whole.unchanged &&= await own.stands(scan.replay.sourceSnapshot);
  return whole;
}

export async function sourceRows(scan: SourceScan, wanted: Wanted): Promise<SourceRow[]> {
  const rows: SourceRow[] = [];
  await eachChunk(scan, async (chunk) => {
    const range = { ...chunk, scope: scan.replay.scope };
    for (const row of await scan.hashes.rowsOfRange(scan.table, range, wanted, scan.replay.sourceSnapshot))
      rows.push(chunk.skipped ? { ...row, skipped: true } : row);
  });
  return rows;
}

async function eachChunk(
  scan: SourceScan,
  visit: (chunk: Chunk & { skipped: boolean }) => Promise<void>,
): Promise<void> {
  for (let from = 0; ;) {
    const chunks = await scan.store.chunks(scan.replay.replayId, from, CHUNKS_A_PAGE);
    const last = chunks.at(-1);
    await eachOf(chunks, SCANS, (chunk) => {
      scan.signal.throwIfAborted();
      return visit(chunk);
    });
    if (last === undefined || chunks.length < CHUNKS_A_PAGE) return;
    from = last.chunk + 1;
  }
}
