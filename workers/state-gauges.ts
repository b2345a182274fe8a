/**
 * Gauges of how each pipeline stands (lag, dead letters, the oldest open cut), read from the control database, Kafka and the
 * warehouse when somebody scrapes, and at most every 15 s: a second scraper costs nothing. What does not answer has no
 * value: an old one would look healthy.
 */
import type { Settings } from '../contracts/settings.ts';
import { openInspector } from './inspect.ts';
import type { Metrics } from './metrics.ts';

const READ_EVERY_MS = 15_000;

export interface StateGauges {
  /** Never rejects; `state_read_success` says whether it went well. */
  refresh(): Promise<void>;
  close(): Promise<void>;
}

export async function openStateGauges(settings: Settings, metrics: Metrics): Promise<StateGauges> {
  const inspector = await openInspector(settings);
  const { landLag, loadLag, openCut, deadLettersOpen, lost, lastLoad } = metrics;
  let readAt = -Infinity;
  let reading: Promise<void> | undefined;

  async function read(): Promise<void> {
    try {
      const looks = await inspector.readStatus();
      for (const gauge of [landLag, loadLag, openCut, deadLettersOpen, lost, lastLoad]) gauge.reset();
      for (const look of looks) {
        const { pipeline, dataset, topic, lake } = look;
        const of = { pipeline, dataset };
        if (look.landLag !== null) landLag.set({ ...of, topic }, look.landLag);
        if (look.loadLag !== null) loadLag.set(of, look.loadLag);
        openCut.set(of, lake.oldestOpenCutSeconds);
        deadLettersOpen.set(of, lake.deadLetters);
        lost.set(of, lake.lost);
        if (look.load.lastAt !== null) lastLoad.set({ pipeline }, Date.parse(look.load.lastAt) / 1000);
      }
      metrics.stateRead.set(1);
    } catch {
      // Told by this gauge; the cause is what the activities tell, which need the same services.
      metrics.stateRead.set(0);
    }
  }

  return {
    async refresh() {
      if (performance.now() - readAt < READ_EVERY_MS) return await reading;
      readAt = performance.now();
      reading = read();
      await reading;
    },
    close: () => inspector.close(),
  };
}
