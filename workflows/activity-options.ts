/**
 * How activities are retried, in one place: transient faults back off without an end in sight; faults that no retry can
 * mend (contracts/errors.ts) fail at once. A heartbeat missed for a while is a dead worker.
 */
import type { ActivityOptions, RetryPolicy } from '@temporalio/workflow';
import { NON_RETRYABLE_CODES } from '../contracts/errors.ts';
import { type QueueName, SHORT_CALL_MS, TASK_QUEUES } from '../contracts/temporal.ts';

export const RETRY: RetryPolicy = {
  initialInterval: '500ms',
  backoffCoefficient: 2,
  maximumInterval: '30s',
  nonRetryableErrorTypes: [...NON_RETRYABLE_CODES],
};

/** What a dead worker costs at most before another takes over: seven beats missed, so that a busy one is not taken for dead. */
const HEARTBEAT = '15s';

/** For calls that answer in seconds; workers beat for them (workers/short-call-beats.ts). */
export function shortCall(queue: QueueName): ActivityOptions {
  return {
    taskQueue: TASK_QUEUES[queue],
    startToCloseTimeout: SHORT_CALL_MS,
    heartbeatTimeout: HEARTBEAT,
    retry: RETRY,
  };
}

/** For work that heartbeats; its length is bounded by nothing but its progress. */
export function longWork(queue: QueueName): ActivityOptions {
  return { taskQueue: TASK_QUEUES[queue], startToCloseTimeout: '24h', heartbeatTimeout: HEARTBEAT, retry: RETRY };
}
