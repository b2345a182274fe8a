/** What a long landing activity tells the world while it runs: heartbeats to Temporal, the lag to Kafka's tools. */
import type { LandingPartition } from './land-partition.ts';
import type { TopicReader } from './ports/topic.ts';
import type { Pulse } from './pulse.ts';

const BEAT_MS = 2_000;
const LAG_MS = 1_000;

/** Beats while a promise is waited for. */
export async function waitFor<T>(promise: Promise<T>, beat: () => void): Promise<T> {
  const timer = setInterval(beat, BEAT_MS);
  try {
    return await promise;
  } finally {
    clearInterval(timer);
  }
}

/** @returns to be called often; it beats every few seconds */
export function createBeat(pulse: Pulse, details: () => unknown): () => void {
  let last = -Infinity;
  return () => {
    const now = performance.now();
    if (now - last < BEAT_MS) return;
    last = now;
    pulse.beat(details());
  };
}

/** Commits what is sealed as the group's offsets, now and then. */
export function createLag(
  reader: TopicReader,
  partitions: ReadonlyMap<number, LandingPartition>,
): (last?: boolean) => Promise<void> {
  const told = new Map<number, number>();
  let toldAt = -Infinity;
  return async (last = false) => {
    if (!last && performance.now() - toldAt < LAG_MS) return;
    toldAt = performance.now();
    const moved = [...partitions].filter(([number, { sealed }]) => told.get(number) !== sealed);
    if (moved.length === 0) return;
    const offsets = new Map(moved.map(([number, { sealed }]) => [number, sealed]));
    await reader.commitLag(offsets);
    for (const [number, sealed] of offsets) told.set(number, sealed);
  };
}
