/**
 * The lake's comparison: for each chunk, what was published = landed + dead letters + lost.
 * By checksum where the chunk is whole in the lake; a chunk of which something is a dead letter or lost can be compared by
 * its rows only, and so is one of which something has expired: no more than the manifest says has. What is missing counts as lost only where offsets are marked lost, and no more of it than those offsets.
 */
import { datasetOf } from '../contracts/pipeline.ts';
import type { HashSum } from './ports/lake-files.ts';
import type { LoadStore } from './ports/load-store.ts';
import type { ChunkDeadLetters, PublishedReplay, VerifyStore } from './ports/verify.ts';
import { CLOCK_SLACK_MS } from './verify-lake.ts';

export interface LakeComparison {
  /** Expired rows among them. */
  landed: number;
  /** Not read: their objects were given up after they had been loaded. */
  expired: number;
  lost: number;
  /** Open dead letters. */
  deadLetters: number;
  /** Numbers of chunks that are not what was published. */
  unequal: number[];
}

/**
 * @param lostOffsets offsets marked lost while the replay's records were in the topic
 * @param expiredRows rows of expired cuts that may hold the replay's
 */
export function compareChunks(
  published: ReadonlyMap<number, HashSum>,
  landed: ReadonlyMap<number, HashSum>,
  deadLetters: ReadonlyMap<number, ChunkDeadLetters>,
  lostOffsets: number,
  expiredRows = 0,
): LakeComparison {
  const none: HashSum = { rows: 0, sum: 0n };
  const result: LakeComparison = { landed: 0, expired: 0, lost: 0, deadLetters: 0, unequal: [] };
  for (const chunk of new Set([...published.keys(), ...landed.keys(), ...deadLetters.keys()])) {
    const [sent, there] = [published.get(chunk) ?? none, landed.get(chunk) ?? none];
    const dead = deadLetters.get(chunk) ?? { rows: 0, open: 0 };
    result.landed += there.rows;
    result.deadLetters += dead.open;
    const absent = sent.rows - there.rows - dead.rows;
    const expired = Math.max(0, Math.min(absent, expiredRows - result.expired));
    result.expired += expired;
    result.landed += expired;
    const missing = absent - expired;
    if (missing > 0 && result.lost + missing <= lostOffsets) result.lost += missing;
    else if (missing !== 0 || (dead.rows === 0 && expired === 0 && sent.sum !== there.sum)) result.unequal.push(chunk);
  }
  result.unequal.sort((a, b) => a - b);
  return result;
}

/**
 * What the control database says was published, against what was found in the lake.
 * @param landed rows and checksum by chunk
 * @param expiredRows as in compareChunks; 0: what has expired counts as missing
 */
export async function compareLake(
  ports: { verify: VerifyStore; loads: LoadStore },
  replay: PublishedReplay,
  landed: ReadonlyMap<number, HashSum>,
  expiredRows = 0,
): Promise<LakeComparison & { published: Map<number, HashSum> }> {
  const dataset = datasetOf(replay.spec.lake);
  const since = replay.plannedAt - CLOCK_SLACK_MS;
  const [published, deadLetters, stray, lost] = await Promise.all([
    ports.verify.publishedSums(replay.replayId),
    ports.verify.deadLetters(dataset, replay.topicId, replay.replayId),
    ports.verify.strayDeadLetters(dataset, replay.topicId, replay.ends, since),
    ports.loads.lostRanges(dataset, replay.topicId),
  ]);
  const ours = lost.filter((range) => range.foundAt >= since);
  const lostOffsets = ours.reduce(
    (sum, range) => sum + Math.max(0, Math.min(range.end, replay.ends[range.partition] ?? 0) - range.start),
    0,
  );
  const chunks = compareChunks(published, landed, deadLetters, lostOffsets, expiredRows);
  return { published, ...chunks, deadLetters: chunks.deadLetters + stray };
}
