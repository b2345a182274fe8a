/**
 * Waiting for an answer that only a worker can give: says so where none is there, and lets Ctrl-C end the waiting: what was
 * asked for stays asked for, so it is said how to come back to it.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type { QueueName } from '../contracts/temporal.ts';
import type { Output } from './output.ts';
import { pollSignal } from './poll-signal.ts';
import { noWorkerText, unpolledQueues } from './pollers.ts';
import type { Temporal } from './temporal.ts';

const LOOK_EVERY_MS = 3_000;

export interface Waiting {
  queues: readonly QueueName[];
  output: Output;
  /** Rejects at Ctrl-C (`leaveWith`). */
  interrupted: Promise<never>;
  /** Whether the command takes --with-worker. */
  mayHire: boolean;
}

export async function awaitWorker<T>(temporal: Temporal, waiting: Waiting, work: () => Promise<T>): Promise<T> {
  const ended = new AbortController();
  const watching = tellMissing(temporal, waiting, ended.signal);
  try {
    return await Promise.race([
      temporal.connection.withAbortSignal(pollSignal(ended.signal), work),
      waiting.interrupted,
    ]);
  } finally {
    ended.abort();
    await watching;
  }
}

async function tellMissing(
  temporal: Temporal,
  { queues, output, mayHire }: Waiting,
  ended: AbortSignal,
): Promise<void> {
  let told = '';
  while (!ended.aborted) {
    const missing = await unpolledQueues(temporal, queues).catch(() => []);
    if (missing.length > 0 && missing.join() !== told) output.note(noWorkerText(missing, mayHire));
    told = missing.join();
    await sleep(LOOK_EVERY_MS, undefined, { signal: ended }).catch(() => undefined);
  }
}
