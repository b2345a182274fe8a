/**
 * Chunks at work. One that fails for a reason of its own waits for a person, who has it tried again or left out; an attempt
 * that runs is ended first, so that nothing of it is under way when the lane goes on.
 */
import {
  ActivityCancellationType,
  ActivityFailure,
  ApplicationFailure,
  CancellationScope,
  condition,
  defineUpdate,
  proxyActivities,
  setHandler,
} from '@temporalio/workflow';
import type { ReplayActivities } from '../activities/replay-activities.ts';
import type { FaultCode } from '../contracts/errors.ts';
import { type RetryChunk, type SkipChunk, UPDATES } from '../contracts/temporal.ts';
import { longWork, shortCall } from './activity-options.ts';
import type { ChunkQueue, QueueState } from './chunk-queue.ts';

/** What is wrong with one chunk's rows, and with no other's. */
const CHUNK_FAULTS: ReadonlySet<string> = new Set<FaultCode>(['TopicUnsuited', 'TableUnsuited']);

export const retryChunkUpdate = defineUpdate<string, [RetryChunk]>(UPDATES.retryChunk);
export const skipChunkUpdate = defineUpdate<string, [SkipChunk]>(UPDATES.skipChunk);

const { skipChunk } = proxyActivities<ReplayActivities>(shortCall('read'));
const { publishChunk } = proxyActivities<ReplayActivities>({
  ...longWork('read'),
  // One that was told to stop has stopped: nothing of it is under way any more.
  cancellationType: ActivityCancellationType.WAIT_CANCELLATION_COMPLETED,
});

export interface ChunkWork {
  /** Never rejects. */
  publish(chunk: number): Promise<void>;
  /** While a chunk is being taken out, none begins. */
  isSkipping(): boolean;
  /** Grows with whatever may let another chunk begin. */
  changes(): number;
}

interface ChunkWorkOptions {
  replayId: string;
  state: QueueState & { rows: number; done: number };
  queue: ChunkQueue;
  /** Chunks that run, each with what ends its attempt. */
  running: Map<number, CancellationScope>;
  /** Chunks below have bounds. */
  known: () => number;
  /** Hears what ends the replay. */
  fail: (error: unknown) => void;
  /** Hears that something is to be told. */
  tell: () => void;
}

/** Takes retryChunk and skipChunk from now on. */
export function createChunkWork({ replayId, state, queue, running, known, fail, tell }: ChunkWorkOptions): ChunkWork {
  const skipping = new Set<number>();
  let changes = 0;
  const isOver = (chunk: number): boolean => queue.isOver(chunk, new Set(running.keys()));

  /** Ends a chunk's present attempt; it is among those to come then. */
  async function interrupt(chunk: number): Promise<void> {
    running.get(chunk)?.cancel();
    await condition(() => !running.has(chunk));
  }

  function requireOpen({ chunk }: RetryChunk): void {
    const reason = !Number.isInteger(chunk) || chunk < 0 || chunk >= known() ? 'is not known' : 'is over';
    if (reason === 'is not known' || isOver(chunk))
      throw ApplicationFailure.nonRetryable(
        `chunk ${chunk} ${reason}; chunks below ${known()} are known`,
        'ConfigInvalid',
      );
  }

  setHandler(
    retryChunkUpdate,
    async ({ chunk }) => {
      await interrupt(chunk);
      if (isOver(chunk)) return `chunk ${chunk} is over`;
      queue.putBack(chunk);
      changes += 1;
      return `chunk ${chunk} is tried again`;
    },
    { validator: requireOpen },
  );
  setHandler(
    skipChunkUpdate,
    async ({ chunk, reason, by }) => {
      skipping.add(chunk);
      await interrupt(chunk);
      const over = isOver(chunk);
      if (!over) {
        queue.remove(chunk);
        // Recorded before the lane goes on: what of it is under way is then nobody's any more.
        await skipChunk({ replayId, chunk, why: reason, ...(by === undefined ? {} : { by }) });
        state.skipped = [...state.skipped, chunk];
      }
      skipping.delete(chunk);
      changes += 1;
      tell();
      return over ? `chunk ${chunk} is over` : `chunk ${chunk} is skipped`;
    },
    {
      validator: (request: RetryChunk & { reason?: unknown }) => {
        requireOpen(request);
        if (typeof request.reason !== 'string' || request.reason.trim() === '')
          throw ApplicationFailure.nonRetryable('skipChunk needs a reason', 'ConfigInvalid');
      },
    },
  );

  return {
    isSkipping: () => skipping.size > 0,
    changes: () => changes,
    async publish(chunk) {
      const scope = new CancellationScope();
      running.set(chunk, scope);
      tell();
      try {
        const result = await scope.run(() =>
          publishChunk.executeWithOptions({ summary: `chunk ${chunk}` }, [{ replayId, chunk }]),
        );
        if (result.done) {
          state.rows += result.rows;
          state.done += 1;
        } else queue.putBack(chunk);
      } catch (error) {
        const cause = error instanceof ActivityFailure ? error.cause : undefined;
        if (scope.consideredCancelled) queue.putBack(chunk);
        else if (cause instanceof ApplicationFailure && CHUNK_FAULTS.has(cause.type ?? ''))
          state.troubled = [...state.troubled, { chunk, cause: cause.message }];
        else fail(error);
      } finally {
        running.delete(chunk);
        changes += 1;
        tell();
      }
    },
  };
}
