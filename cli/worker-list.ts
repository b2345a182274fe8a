/**
 * The workers that poll, and when each was last heard of. The server lists a poll for as long as it holds it, a minute and more, so a
 * worker that was just killed is among them: how long ago it was heard of tells it from a living one, which is heard of every few seconds.
 */
import type { QueueName } from '../contracts/temporal.ts';
import { QUEUES, TASK_QUEUES } from '../contracts/temporal.ts';
import { secondsText } from './output.ts';
import { livingPollers } from './pollers.ts';
import type { Temporal } from './temporal.ts';
import { workerBeats, workersGone } from './workers-gone.ts';

export interface WorkerLook {
  /** Process and machine, as the worker names itself. */
  worker: string;
  queues: QueueName[];
  /** ISO 8601: its last poll or heartbeat, whichever was later. */
  heardOf: string;
  secondsAgo: number;
  /** It sends heartbeats, and missed some: killed, frozen, or cut off. */
  silent: boolean;
}

/** A living worker's heartbeat comes every 5 s (workers/run-worker.ts); a poll alone may last a minute. */
const SILENT_S = 20;

/** The one that is silent for longest last. */
export async function pollingWorkers(temporal: Temporal): Promise<WorkerLook[]> {
  const [beats, gone] = await Promise.all([workerBeats(temporal), workersGone(temporal)]);
  const polled = await Promise.all(
    QUEUES.map(async (queue) => ({ queue, pollers: await livingPollers(temporal, queue, gone) })),
  );
  const now = Date.now();
  const found = new Map<string, { queues: QueueName[]; heardMs: number; beats: boolean }>();
  for (const { queue, pollers } of polled) {
    for (const { identity, polledMs } of pollers) {
      // A beat's time is of the worker's own clock, which may be ahead.
      const beatMs = beats.get(`${identity} ${TASK_QUEUES[queue]}`);
      const before = found.get(identity) ?? { queues: [], heardMs: 0, beats: false };
      found.set(identity, {
        queues: [...before.queues, queue],
        heardMs: Math.max(before.heardMs, Math.min(now, beatMs ?? 0), polledMs),
        beats: before.beats || beatMs !== undefined,
      });
    }
  }
  return [...found]
    .sort(([, a], [, b]) => b.heardMs - a.heardMs)
    .map(([worker, { queues, heardMs, beats: hasBeats }]) => {
      const secondsAgo = Math.max(0, (now - heardMs) / 1000);
      const heardOf = new Date(heardMs).toISOString();
      return { worker, queues, heardOf, secondsAgo, silent: hasBeats && secondsAgo > SILENT_S };
    });
}

/** Empty where there is none. */
export function workersText(workers: readonly WorkerLook[]): string {
  return workers
    .map(({ worker, queues, secondsAgo, silent }) => {
      const doubt = silent ? ': it may have been killed (one that lives is heard of every few seconds)' : '';
      return `worker ${worker} (${queues.join(', ')}) was last heard of ${secondsText(secondsAgo)} ago${doubt}`;
    })
    .join('\n');
}
