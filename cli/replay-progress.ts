/** Progress of a replay and of what follows it, read from the control database: it answers when no worker does. */
import type { HopCounts } from '../contracts/inspect.ts';
import type { Settings } from '../contracts/settings.ts';
import type { ProgressSource } from './launch.ts';
import type { HopCount } from './progress-model.ts';

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
      return {
        expected: counts.expected,
        hops: hopsOf(counts, hops),
        text: counts.paused ? 'paused' : '',
      };
    },
    close: () => inspector.close(),
  };
}

export function hopsOf(counts: HopCounts, hops: readonly HopName[]): HopCount[] {
  // Read at one moment, and yet a hop can be ahead by a transaction that is not noted: more than the hop before cannot be.
  return hops.map((name) => ({ name, rows: atMost(counts)[name], ...leftOf(name, counts) }));
}

/** Where the rows do not tell it, as status does; the hops that follow a clock are as far behind it as they happen to be. */
function leftOf(name: HopName, { expected, paced, secondsLeft }: HopCounts): Pick<HopCount, 'secondsLeft'> {
  if (expected !== null && !paced) return {};
  return { secondsLeft: name === 'replayed' ? secondsLeft : null };
}

function atMost({ replayed, landed, loaded }: Record<HopName, number>): Record<HopName, number> {
  const inLake = Math.min(landed, replayed);
  return { replayed, landed: inLake, loaded: Math.min(loaded, inLake) };
}
