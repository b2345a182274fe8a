/**
 * A running worker's metrics and health behind one address. Gauges of state come from workers of the queue `orchestrate` only:
 * every worker asking the control database for the same figures would be a load without a use.
 */
import type { Connection } from '@temporalio/client';
import type { Worker } from '@temporalio/worker';
import type { Settings } from '../contracts/settings.ts';
import type { QueueName } from '../contracts/temporal.ts';
import type { Metrics } from './metrics.ts';
import { type Observation, observe } from './observation.ts';
import { createReadiness } from './readiness.ts';
import { openStateGauges } from './state-gauges.ts';
import { connectTemporal } from './temporal-client.ts';

export interface WatchRequest {
  settings: Settings;
  queues: readonly QueueName[];
  metrics: Metrics;
  /** Filled while the worker starts. */
  workers: readonly Worker[];
  /** Where the SDK's own exporter listens, on this machine. */
  sdkPort: number;
}

/** @throws Fault ConfigInvalid where the wanted address cannot be listened at */
export async function openWatch({ settings, queues, metrics, workers, sdkPort }: WatchRequest): Promise<Observation> {
  let opened: Promise<{ connection: Connection }> | undefined;
  const temporal = async (): Promise<Connection> => {
    opened ??= connectTemporal(settings.temporal);
    try {
      return (await opened).connection;
    } catch (error) {
      opened = undefined; // the next one asks anew
      throw error;
    }
  };
  const polls = (): boolean =>
    workers.length === queues.length && workers.every((worker) => worker.getState() === 'RUNNING');
  const readiness = createReadiness(settings, queues, temporal, polls);
  const gauges = queues.includes('orchestrate') ? await openStateGauges(settings, metrics) : undefined;
  const wanted = settings.worker.metrics === 'off' ? undefined : settings.worker.metrics;
  const close = async (): Promise<void> => {
    await gauges?.close();
    await opened?.then(({ connection }) => connection.close()).catch(() => undefined);
  };
  try {
    const observation = await observe(
      {
        metrics,
        refresh: async () => gauges?.refresh(),
        sdkPort,
        dead: () => (workers.some((worker) => worker.getState() === 'FAILED') ? 'a part of it broke down' : null),
        unready: () => readiness.reasons(),
      },
      wanted,
    );
    return {
      address: observation.address,
      async close() {
        await observation.close();
        await close();
      },
    };
  } catch (error) {
    await close();
    throw error;
  }
}
