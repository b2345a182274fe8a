/** Progress of a replay and of what follows it, read from the control database: it answers when no worker does. */
import type { Settings } from '../contracts/settings.ts';
import type { ProgressSource } from './launch.ts';

export type HopName = 'replayed' | 'landed' | 'loaded';

/** @param hops which of them to show */
export async function replayProgress(
  settings: Settings,
  replay: { replayId: string },
  hops: readonly HopName[],
): Promise<ProgressSource> {
  const { openInspector } = await import('../workers/inspect.ts');
  const inspector = await openInspector(settings);
  return {
    async look() {
      const counts = await inspector.readProgress(replay.replayId);
      if (counts === null) return { expected: null, hops: [], text: '' };
      if (counts.state === 'planned') {
        // Every replay is planned before it publishes; that it waits can be said only where another one is in its way.
        const ahead = await inspector.readAhead(replay.replayId);
        const text = ahead === null ? '' : `waiting for its turn to publish: replay ${ahead} is publishing`;
        return { expected: null, hops: [], text };
      }
      const { secondsLeft } = counts;
      return {
        expected: counts.expected,
        // Read at one moment, and yet a hop can be ahead by a transaction that is not noted: more than the hop before cannot be.
        hops: hops.map((name) => ({
          name,
          rows: atMost(counts)[name],
          ...(name === 'replayed' && secondsLeft !== null ? { secondsLeft } : {}),
        })),
        text: counts.paused ? 'paused' : '',
      };
    },
    close: () => inspector.close(),
  };
}

function atMost({ replayed, landed, loaded }: Record<HopName, number>): Record<HopName, number> {
  const inLake = Math.min(landed, replayed);
  return { replayed, landed: inLake, loaded: Math.min(loaded, inLake) };
}
