/**
 * A place to run one cell in: a Temporal namespace of its own (task queues have fixed names) and a link of its own to each
 * service, so that cells run side by side without touching each other. The test's own readings go past the links.
 */
import { Connection } from '@temporalio/client';
import { setTimeout as sleep } from 'node:timers/promises';
import { ensureSearchAttributes } from '../../workers/temporal-client.ts';
import type { Running } from '../cli/run-cli.ts';
import { killProcess, startWorkerProcess } from '../e2e/commands.ts';
import { openServices, type Services } from '../e2e/services.ts';
import { required } from '../replay/setting.ts';
import { LINKS, type LinkName, type NewSplitter, opaque } from './exchanges.ts';
import { type Link, openLink } from './link.ts';
import { httpSplitter } from './split-http.ts';
import { kafkaSplitter } from './split-kafka.ts';
import { postgresSplitter } from './split-postgres.ts';
import { openTemporalProxy } from './temporal-link.ts';
import { newTrap, type Trap } from './trap.ts';

export interface Slot {
  services: Services;
  links: Readonly<Record<LinkName, Link>>;
  trap: Trap;
  /** Workers that run. They outlive a cell: starting one costs more than most cells. */
  crew: Set<Running>;
  /** @param extra variables of this worker's own */
  hire: (extra?: Readonly<Record<string, string>>) => Promise<Running>;
  kill: (worker: Running) => Promise<void>;
  /** SIGKILL of every worker, frozen ones too. */
  killCrew: () => Promise<void>;
  /** Rejects when a worker ends that nobody killed: it must outlive whatever happens to its services. */
  died: () => Promise<never>;
  /**
   * After a cell: whatever it left behind is ended, so that nothing of it meets the next one.
   * @param keepCrew false: the cell failed, and nothing of it is trusted
   */
  clear(keepCrew: boolean): Promise<void>;
  close(): Promise<void>;
}

export interface TemporalPlace {
  address: string;
  namespace: string;
}

/** On the stack's own Temporal. */
export function openStackSlot(): Promise<Slot> {
  return openSlot({
    address: required('HEADRACE_TEMPORAL_ADDRESS'),
    namespace: required('HEADRACE_TEMPORAL_NAMESPACE'),
  });
}

export async function openSlot(temporal: TemporalPlace): Promise<Slot> {
  const trap = newTrap(
    process.env.HEADRACE_FAULTS_TRACE === undefined
      ? undefined
      : ({ link, what }, side) => process.stderr.write(`${side.padEnd(8)}${link.padEnd(10)}${what.slice(0, 150)}\n`),
  );
  const { gate } = trap;
  const proxy = await openTemporalProxy(temporal.address, gate);
  const brokers = portOf(`tcp://${required('HEADRACE_KAFKA_BROKERS')}`);
  const upstream: Record<LinkName, number> = {
    source: portOf(required('HEADRACE_CONNECTION_SALES')),
    warehouse: portOf(required('HEADRACE_CONNECTION_WAREHOUSE')),
    control: portOf(required('HEADRACE_CONTROL_URL')),
    kafka: brokers,
    s3: portOf(required('HEADRACE_S3_ENDPOINT')),
    temporal: proxy.port,
  };
  const splitters: Record<LinkName, NewSplitter> = {
    source: postgresSplitter,
    warehouse: postgresSplitter,
    control: postgresSplitter,
    kafka: kafkaSplitter({ broker: brokers, link: () => links.kafka.port }),
    s3: httpSplitter,
    temporal: opaque,
  };
  const opened = LINKS.map(async (name) => {
    const link = await openLink({ name, upstream: upstream[name], splitter: splitters[name], gate });
    return [name, link] as const;
  });
  const links = Object.fromEntries(await Promise.all(opened)) as Record<LinkName, Link>;
  const services = await openServices(temporal);
  const environment = {
    HEADRACE_CONNECTION_SALES: through(required('HEADRACE_CONNECTION_SALES'), links.source),
    HEADRACE_CONNECTION_WAREHOUSE: through(required('HEADRACE_CONNECTION_WAREHOUSE'), links.warehouse),
    HEADRACE_CONTROL_URL: through(required('HEADRACE_CONTROL_URL'), links.control),
    HEADRACE_KAFKA_BROKERS: `127.0.0.1:${links.kafka.port}`,
    HEADRACE_S3_ENDPOINT: through(required('HEADRACE_S3_ENDPOINT'), links.s3),
    HEADRACE_TEMPORAL_ADDRESS: `127.0.0.1:${links.temporal.port}`,
    HEADRACE_TEMPORAL_NAMESPACE: temporal.namespace,
  };
  const crew = new Set<Running>();
  let dead: Error | null = null;
  const watchers = new Set<(error: Error) => void>();
  const killed = new Set<Running>();
  const kill = async (worker: Running): Promise<void> => {
    killed.add(worker);
    await killProcess(worker);
    crew.delete(worker);
  };
  const killCrew = async (): Promise<void> => {
    await Promise.all([...crew].map(kill));
  };
  const stillRunning = async (): Promise<string[]> => {
    const ids: string[] = [];
    const found = services.temporal.workflow.list({ query: `ExecutionStatus = 'Running'` });
    for await (const { workflowId } of found) ids.push(workflowId);
    return ids;
  };
  return {
    services,
    links,
    trap,
    crew,
    async hire(extra = {}) {
      const worker = await startWorkerProcess(undefined, { ...environment, ...extra });
      crew.add(worker);
      void worker.ended.then(({ code, stderr }) => {
        crew.delete(worker);
        if (killed.has(worker)) return;
        dead = new Error(`a worker ended by itself, with ${code}: ${stderr.slice(-2_000)}`);
        for (const tell of watchers) tell(dead);
      });
      return worker;
    },
    kill,
    died: () => (dead ? Promise.reject(dead) : new Promise((_, reject) => watchers.add(reject))),
    killCrew,
    async clear(keepCrew) {
      trap.disarm();
      watchers.clear();
      dead = null;
      for (const link of Object.values(links)) link.mend();
      if (keepCrew && crew.size === 1) {
        // Landing ends by itself once nobody wants more.
        for (const until = Date.now() + SETTLE_MS; Date.now() < until; await sleep(100)) {
          if ((await stillRunning()).length === 0) return;
        }
      }
      await killCrew();
      for (const workflowId of await stillRunning()) {
        await services.temporal.workflow
          .getHandle(workflowId)
          .terminate('its cell is over')
          .catch(() => undefined);
      }
    },
    async close() {
      trap.disarm();
      await killCrew();
      await services.close();
      await Promise.all(Object.values(links).map((link) => link.close()));
      await proxy.close();
    },
  };
}

function portOf(url: string): number {
  return Number(new URL(url).port);
}

function through(url: string, { port }: Link): string {
  const changed = new URL(url);
  changed.port = String(port);
  return changed.href.replace(/\/$/, '');
}

/** Landing's last activity looks for more work for some seconds. */
const SETTLE_MS = 15_000;
const RETENTION_SECONDS = 24 * 60 * 60;

/** Makes namespaces on a Temporal server; resolves when workers can use them. */
export async function makeNamespaces(address: string, names: readonly string[]): Promise<void> {
  const connection = await Connection.connect({ address });
  try {
    for (const namespace of names) {
      await connection.workflowService.registerNamespace({
        namespace,
        workflowExecutionRetentionPeriod: { seconds: RETENTION_SECONDS as never },
      });
    }
    // A new namespace is known to all parts of the server after a moment only.
    for (const namespace of names) {
      for (let tries = 0; ; tries++) {
        try {
          await ensureSearchAttributes(connection, namespace);
          break;
        } catch (error) {
          if (tries > 200) throw error;
          await sleep(100);
        }
      }
    }
  } finally {
    await connection.close();
  }
}
