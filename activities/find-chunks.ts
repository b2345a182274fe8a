/**
 * Finds chunk bounds through the key's index, a few at a time, and stores them before anybody uses them. Two that find at
 * once, or one that finds again, get the bounds stored first. Bounds ignore the filter.
 */
import type { Key, TableName } from '../contracts/columns.ts';
import { fault } from '../contracts/errors.ts';
import type { Replays } from './ports/replays.ts';
import type { OpenSource } from './ports/source.ts';
import { sourceTable } from './plan-replay.ts';

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
      const after = last?.upTo ?? null;
      const end = (await source.chunkEnd(table, after, upper, replay.spec.source.chunkRows)) ?? upper;
      requireShortKey(replay.spec.source.table, end);
      last = await replays.saveChunk(request.replayId, { chunk: (last?.chunk ?? -1) + 1, after, upTo: end });
    }
    return { known: (last?.chunk ?? -1) + 1, complete: reached() };
  };
}

/** A lane's progress holds its last key, and Kafka's offset metadata takes 4,096 bytes in all. */
const MAX_KEY_BYTES = 3_000;

/** @throws Fault TableUnsuited */
export function requireShortKey({ schema, table }: TableName, key: Key): void {
  const bytes = Buffer.byteLength(JSON.stringify(key));
  if (bytes <= MAX_KEY_BYTES) return;
  throw fault(
    'TableUnsuited',
    `table ${schema}.${table} has a key of ${bytes} bytes (${JSON.stringify(key).slice(0, 80)}…); at most ${MAX_KEY_BYTES} fit a transaction's progress: choose a shorter unique key in source.key`,
  );
}
