/**
 * Finds chunk bounds through the key's index, a few at a time, and stores them before anybody uses them. Two that find at
 * once, or one that finds again, get the bounds stored first. Bounds ignore the filter.
 */
import type { Replays } from './ports/replays.ts';
import type { OpenSource } from './ports/source.ts';
import { requireShortKey, sourceTable } from './source-table.ts';

export interface FoundChunks {
  /** Chunks 0 to `known` - 1 have bounds. */
  known: number;
  /** No chunk comes after those. */
  complete: boolean;
}

export function createFindChunks({ replays, openSource }: { replays: Replays; openSource: OpenSource }) {
  return async function findChunks(request: { replayId: string; atLeast: number }): Promise<FoundChunks> {
    const replay = await replays.get(request.replayId);
    if (replay.upperKey === null) return { known: 0, complete: true };
    const source = openSource(replay.spec.source.connection);
    const table = sourceTable(replay, replay.shape);
    const upper = replay.upperKey;
    let last = await replays.lastChunk(request.replayId);
    const reached = () => last !== null && last.upTo.every((value, place) => value === upper[place]);
    while (!reached() && (last?.chunk ?? -1) + 1 < request.atLeast) {
      const after = last?.upTo ?? replay.afterKey;
      const end =
        (await source.chunkEnd(table, after, upper, replay.spec.source.chunkRows, replay.scope.keys)) ?? upper;
      requireShortKey(replay.spec.source.table, end);
      last = await replays.saveChunk(request.replayId, { chunk: (last?.chunk ?? -1) + 1, after, upTo: end });
    }
    return { known: (last?.chunk ?? -1) + 1, complete: reached() };
  };
}
