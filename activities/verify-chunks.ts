/**
 * The lake's comparison: for each chunk, what was published = landed + dead letters + lost. Pure.
 * By checksum where the chunk is whole in the lake; a chunk of which something is a dead letter or lost can be compared by
 * its rows only. What is missing counts as lost only where offsets are marked lost, and no more of it than those offsets.
 */
import type { HashSum } from './ports/lake-files.ts';
import type { ChunkDeadLetters } from './ports/verify.ts';

export interface LakeComparison {
  landed: number;
  lost: number;
  /** Open dead letters. */
  deadLetters: number;
  /** Numbers of chunks that are not what was published. */
  unequal: number[];
}

/** @param lostOffsets offsets marked lost while the replay's records were in the topic */
export function compareChunks(
  published: ReadonlyMap<number, HashSum>,
  landed: ReadonlyMap<number, HashSum>,
  deadLetters: ReadonlyMap<number, ChunkDeadLetters>,
  lostOffsets: number,
): LakeComparison {
  const none: HashSum = { rows: 0, sum: 0n };
  const result: LakeComparison = { landed: 0, lost: 0, deadLetters: 0, unequal: [] };
  for (const chunk of new Set([...published.keys(), ...landed.keys(), ...deadLetters.keys()])) {
    const [sent, there] = [published.get(chunk) ?? none, landed.get(chunk) ?? none];
    const dead = deadLetters.get(chunk) ?? { rows: 0, open: 0 };
    result.landed += there.rows;
    result.deadLetters += dead.open;
    const missing = sent.rows - there.rows - dead.rows;
    if (missing > 0 && result.lost + missing <= lostOffsets) result.lost += missing;
    else if (missing !== 0 || (dead.rows === 0 && sent.sum !== there.sum)) result.unequal.push(chunk);
  }
  result.unequal.sort((a, b) => a - b);
  return result;
}
