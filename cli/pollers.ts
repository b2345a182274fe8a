/** Which task queues no worker polls: a workflow that waits for one of these waits without a word otherwise. */
import { TASK_QUEUES, type QueueName } from '../contracts/temporal.ts';
import type { Temporal } from './temporal.ts';
import { workersGone } from './workers-gone.ts';

/** temporal.api.enums.v1.TaskQueueType */
const WORKFLOW = 1;
const ACTIVITY = 2;
/** A poll is held for a minute; the server remembers pollers for five, so one that was not seen for longer is gone. */
const ALIVE_MS = 70_000;

/** @returns names of those queues without a living poller */
export async function unpolledQueues(temporal: Temporal, queues: readonly QueueName[]): Promise<QueueName[]> {
  const gone = await workersGone(temporal);
  const polled = await Promise.all(queues.map((queue) => livingPollers(temporal, queue, gone)));
  return queues.filter((_, index) => polled[index]?.length === 0);
}

export interface Poller {
  /** Process and machine. */
  identity: string;
  /** By the server's clock. */
  polledMs: number;
}

/** Those of one queue that are not known to have gone. */
export async function livingPollers(
  { connection, settings }: Temporal,
  queue: QueueName,
  gone: Awaited<ReturnType<typeof workersGone>>,
): Promise<Poller[]> {
  // By name: the enum itself is in @temporalio/proto, a package that the client does not hand on.
  const kind: Record<string, number> = { taskQueueType: queue === 'orchestrate' ? WORKFLOW : ACTIVITY };
  const { pollers } = await connection.workflowService.describeTaskQueue({
    namespace: settings.namespace,
    taskQueue: { name: TASK_QUEUES[queue] },
    ...kind,
  });
  return pollers
    .map(({ lastAccessTime, identity }) => ({
      identity: identity ?? '',
      polledMs: Number(lastAccessTime?.seconds ?? 0) * 1000,
    }))
    .filter(({ identity, polledMs }) => !gone(identity, TASK_QUEUES[queue]) && Date.now() - polledMs < ALIVE_MS);
}

/** @param mayHire whether the command takes --with-worker */
export function noWorkerText(queues: readonly QueueName[], mayHire = true): string {
  const names = queues.map((queue) => TASK_QUEUES[queue]).join(', ');
  const only = queues.length === Object.keys(TASK_QUEUES).length ? '' : ` --only ${queues.join(',')}`;
  return `No worker polls ${names}. Start one in another terminal: headrace worker${only}${mayHire ? ' (or run this command with --with-worker)' : ''}.`;
}
