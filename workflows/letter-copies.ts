/**
 * Copies of dead letters on their way to their topic, beside what a workflow does: they hold nothing up, and where the topic
 * cannot be written that is only told; the next letters bring along those that were left.
 */
import { log, proxyActivities } from '@temporalio/workflow';
import type { LandActivities } from '../activities/land-activities.ts';
import type { LandingSpec } from '../contracts/pipeline.ts';
import { shortCall } from './activity-options.ts';

const { copyLetters } = proxyActivities<LandActivities>({
  ...shortCall('land'),
  heartbeatTimeout: '15s',
  scheduleToCloseTimeout: '1m',
});

export interface LetterCopies {
  /** New letters are there. */
  wanted(spec: LandingSpec): void;
  /** Resolves when no copying is under way. Never rejects. */
  settled(): Promise<void>;
}

export function createLetterCopies(): LetterCopies {
  let next: LandingSpec | null = null;
  let running: Promise<void> | null = null;
  const run = async (): Promise<void> => {
    while (next !== null) {
      const spec = next;
      next = null;
      try {
        await copyLetters({ spec });
      } catch (error) {
        log.warn('dead letters could not be copied to their topic', { error });
      }
    }
    running = null;
  };
  return {
    wanted(spec) {
      next = spec;
      running ??= run();
    },
    settled: async () => {
      await running;
    },
  };
}
