/**
 * Workers in a Temporal namespace of a test file's own on the real server.
 * Activities are fakes here: only the workflow's own logic is under test.
 */
import { Client } from '@temporalio/client';
import { DefaultLogger, NativeConnection, Runtime, Worker } from '@temporalio/worker';
import type { QueueName } from '../../contracts/temporal.ts';
import { TASK_QUEUES } from '../../contracts/temporal.ts';
import { connectTemporal } from '../../workers/temporal-client.ts';
import { mapFaults } from '../../workers/activity-interceptor.ts';
import { workflowBundle } from '../../workers/workflow-bundle.ts';
import { required } from '../replay/setting.ts';
import { makeNamespace } from '../temporal-namespace.ts';

type Fakes = Record<string, (...args: never[]) => Promise<unknown>>;
Runtime.install({ logger: new DefaultLogger('ERROR') });

export interface TestNamespace {
  client: Client;
  /** Runs workflows and these activities while `work` runs. */
  whileServing<T>(activities: Partial<Record<QueueName, Fakes>>, work: () => Promise<T>): Promise<T>;
  close(): Promise<void>;
}

export async function openNamespace(): Promise<TestNamespace> {
  const address = required('HEADRACE_TEMPORAL_ADDRESS');
  const namespace = await makeNamespace();
  const { connection } = await connectTemporal({ address, namespace });
  const native = await NativeConnection.connect({ address });
  return {
    client: new Client({ connection, namespace }),
    async whileServing(activities, work) {
      const queues = Object.keys(TASK_QUEUES) as QueueName[];
      const workers = await Promise.all(
        queues
          .filter((queue) => queue === 'orchestrate' || activities[queue])
          .map(async (queue) =>
            Worker.create({
              connection: native,
              namespace,
              taskQueue: TASK_QUEUES[queue],
              activities: activities[queue] ?? {},
              interceptors: { activity: [mapFaults] },
              maxHeartbeatThrottleInterval: '200ms',
              shutdownGraceTime: '100ms',
              ...(queue === 'orchestrate' ? { workflowBundle: await workflowBundle() } : {}),
            }),
          ),
      );
      const running = workers.map((worker) => worker.run());
      try {
        return await work();
      } finally {
        for (const worker of workers) if (worker.getState() === 'RUNNING') worker.shutdown();
        await Promise.allSettled(running);
      }
    },
    async close() {
      await native.close();
      await connection.close();
    },
  };
}
