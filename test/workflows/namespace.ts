/**
 * A Temporal namespace of a test file's own on the real server: task queues have fixed names, and files run side by side.
 * Activities are fakes here: only the workflow's own logic is under test.
 */
import { Client } from '@temporalio/client';
import { DefaultLogger, NativeConnection, Runtime, Worker } from '@temporalio/worker';
import { setTimeout as sleep } from 'node:timers/promises';
import type { QueueName } from '../../contracts/temporal.ts';
import { TASK_QUEUES } from '../../contracts/temporal.ts';
import { connectTemporal, ensureSearchAttributes } from '../../workers/temporal-client.ts';
import { mapFaults } from '../../workers/activity-interceptor.ts';
import { workflowBundle } from '../../workers/workflow-bundle.ts';
import { required, unique } from '../replay/setting.ts';

type Fakes = Record<string, (...args: never[]) => Promise<unknown>>;
Runtime.install({ logger: new DefaultLogger('ERROR') });

const RETENTION_SECONDS = 24 * 60 * 60;

export interface TestNamespace {
  client: Client;
  /** Runs workflows and these activities while `work` runs. */
  whileServing<T>(activities: Partial<Record<QueueName, Fakes>>, work: () => Promise<T>): Promise<T>;
  close(): Promise<void>;
}

export async function openNamespace(): Promise<TestNamespace> {
  const address = required('HEADRACE_TEMPORAL_ADDRESS');
  const namespace = unique('test').replaceAll('_', '-');
  const { connection } = await connectTemporal({ address, namespace });
  await connection.workflowService.registerNamespace({
    namespace,
    workflowExecutionRetentionPeriod: { seconds: RETENTION_SECONDS as never },
  });
  // A new namespace is known to all parts of the server after a moment only.
  for (let tries = 0; ; tries++) {
    try {
      await ensureSearchAttributes(connection, namespace);
      break;
    } catch (error) {
      if (tries > 100) throw error;
      await sleep(100);
    }
  }
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
