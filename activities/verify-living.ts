/**
 * A source that goes on being written to, and that cannot prove which rows changed since the replay began (MySQL): the person
 * who verifies says that it lives, and every difference from it counts as such a change. What is missing between topic, lake
 * and warehouse stays missing.
 */
import type { SourceHashes } from './ports/verify.ts';

/** @param snapshot of the replay; where the source gave one, its proof is asked for as ever */
export function takenForChanges(hashes: SourceHashes, snapshot: string): SourceHashes {
  if (snapshot !== '') return hashes;
  return {
    ...hashes,
    rowsOfRange: async (...range) =>
      (await hashes.rowsOfRange(...range)).map((row) => ({ ...row, changedSince: true })),
    find: async (...asked) =>
      (await hashes.find(...asked)).map((finding) => ({ ...finding, changedSince: finding.exists })),
  };
}
