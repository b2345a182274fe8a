/** Progress of a replay and of what follows it, read from the control database: it answers when no worker does. */
import type { PipelineSpec } from '../contracts/pipeline.ts';
import type { ReplayScope } from '../contracts/replay.ts';
import type { Settings } from '../contracts/settings.ts';
import type { ProgressSource } from './launch.ts';

export type HopName = 'replayed' | 'landed' | 'loaded';

/**
 * @param scope of a window or filter nobody knows the rows before they are read, so no end is shown for it
 * @param hops which of them to show
 */
export async function replayProgress(
  settings: Settings,
  replay: { replayId: string; scope: ReplayScope; spec: PipelineSpec },
  hops: readonly HopName[],
): Promise<ProgressSource> {
  const { openInspector } = await import('../workers/inspect.ts');
  const inspector = await openInspector(settings);
  const whole = Object.keys(replay.scope).length === 0;
  return {
    async look() {
      const counts = await inspector.readProgress(replay.replayId);
      if (counts === null) return { expected: null, hops: [], text: '' };
      const published = counts.publishedAt !== null;
      if (counts.state === 'planned') return { expected: null, hops: [], text: 'waiting for its turn to publish' };
      const guess = whole ? Math.max(counts.expected, counts.replayed) : null;
      return {
        expected: published ? counts.replayed : guess,
        // What lands and loads meanwhile may be another replay's; more than the hop before did cannot be this one's.
        hops: hops.map((name) => ({ name, rows: atMost(counts)[name] })),
        text: '',
      };
    },
    close: () => inspector.close(),
  };
}

function atMost({ replayed, landed, loaded }: Record<HopName, number>): Record<HopName, number> {
  const inLake = Math.min(landed, replayed);
  return { replayed, landed: inLake, loaded: Math.min(loaded, inLake) };
}
