/**
 * Whether a worker can do its work: it polls, Temporal answers, and somebody listens at every address that its queues share
 * (docs/operations.md, Processes). Not asked are the pipelines' own databases: one that is away must not make workers
 * of all the others unready. A service that is slow is no reason either: activities wait for it.
 */
import type { Connection } from '@temporalio/client';
import { messageOf } from '../contracts/errors.ts';
import type { Settings } from '../contracts/settings.ts';
import type { QueueName } from '../contracts/temporal.ts';
import { serviceAddresses, unreachable } from './reachable.ts';

const TEMPORAL_TIMEOUT_MS = 3_000;
/** A probe of every service each second would be a load of its own. */
const ASK_EVERY_MS = 2_000;

const NEEDS: Readonly<Record<QueueName, readonly string[]>> = {
  orchestrate: ['the control database', 'Kafka'],
  read: ['the control database', 'Kafka'],
  land: ['the control database', 'Kafka', 'S3'],
  load: ['the control database', 'S3'],
};

export interface Readiness {
  /** Sentences; empty: ready. */
  reasons(): Promise<readonly string[]>;
}

/** @param polls whether every queue's worker runs (and does not drain) */
export function createReadiness(
  settings: Settings,
  queues: readonly QueueName[],
  temporal: () => Promise<Connection>,
  polls: () => boolean,
): Readiness {
  const needed = new Set(queues.flatMap((queue) => NEEDS[queue]));
  const services = serviceAddresses(settings).filter(({ what }) => needed.has(what));
  let askedAt = -Infinity;
  let answer: Promise<readonly string[]> = Promise.resolve([]);

  async function ask(): Promise<readonly string[]> {
    const [away, silent] = await Promise.all([unreachable(services), temporalSilent()]);
    return [...silent, ...away.map(({ message }) => message)];
  }
  async function temporalSilent(): Promise<string[]> {
    const { namespace } = settings.temporal;
    try {
      const connection = await temporal();
      await connection.withDeadline(Date.now() + TEMPORAL_TIMEOUT_MS, () =>
        connection.workflowService.describeNamespace({ namespace }),
      );
      return [];
    } catch (error) {
      return [`Temporal at ${settings.temporal.address}, namespace ${namespace}, does not answer: ${messageOf(error)}`];
    }
  }
  return {
    async reasons() {
      if (!polls()) return ['it does not poll: it is starting or draining'];
      if (performance.now() - askedAt >= ASK_EVERY_MS) {
        askedAt = performance.now();
        answer = ask();
      }
      return await answer;
    },
  };
}
