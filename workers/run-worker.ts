/**
 * A worker process: serves the task queues it is told to, drains when it is told to stop. Drained means that no new task is
 * taken, and what runs is let finish for a grace time, then cancelled; every activity is safe to cut off anywhere.
 */
import { DefaultLogger, type LogEntry, type LogLevel, Runtime, Worker } from '@temporalio/worker';
import { readFileSync } from 'node:fs';
import { hostname } from 'node:os';
import type { Settings } from '../contracts/settings.ts';
import { type QueueName, TASK_QUEUES } from '../contracts/temporal.ts';
import { mapFaults, watchActivities } from './activity-interceptor.ts';
import { scopeNow } from './activity-scope.ts';
import { createMetrics } from './metrics.ts';
import { freePort } from './observation.ts';
import { requireMigrated } from './migrate.ts';
import { openActivities } from './open-activities.ts';
import { dataConverter } from './payload-codec.ts';
import { beatShortCalls } from './short-call-beats.ts';
import { connectTemporal, connectTemporalNatively, ensureSearchAttributes } from './temporal-client.ts';
import { openWatch } from './watch.ts';
import { workflowBundle } from './workflow-bundle.ts';

export interface WorkerOptions {
  settings: Settings;
  /** Queues to serve. Default: all. */
  only?: readonly QueueName[];
  log: (entry: { level: LogLevel; message: string; meta?: Record<string, unknown> }) => void;
  logLevel?: LogLevel;
  /** Serve metrics and health where the settings say. Default: no, as in a command's own worker. */
  watched?: boolean;
}

export interface RunningWorker {
  queues: readonly string[];
  /** Where metrics and health are served, if they are. */
  watchedAt?: string;
  /** Drains; resolves once everything has ended. */
  shutdown(): Promise<void>;
  /** Resolves when the worker has ended, rejects when it broke down. */
  done: Promise<void>;
}

const { version: VERSION } = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8')) as {
  version: string;
};

/** Activities at a time in one process; a chunk in publishing and a set of partitions in landing are one each. */
const ACTIVITIES: Record<QueueName, number> = { orchestrate: 100, read: 16, land: 8, load: 4 };
/** How long what runs may go on after a drain began. A chunk is at most some seconds; landing has nothing to finish. */
const GRACE: Record<QueueName, string> = { orchestrate: '2s', read: '10s', land: '100ms', load: '10s' };
const FORCE = '40s';
/**
 * How long a workflow's code may take for one step; the SDK's 5 s are no option of its types. A process that is frozen for so
 * long in such a step, or that gets no processor, ends on waking: Node dies of a time-out in a microtask
 * (nodejs/node#38503; the fault matrix met it in two of its frozen workers). A workflow of ours that never ends is a bug of ours.
 */
const STEP = { isolateExecutionTimeout: '10 minutes' };
/** A cancellation reaches an activity with its heartbeat's answer: rarer beats would make a drain wait. */
const HEARTBEAT_THROTTLE = '2s';
/** How often Temporal hears that this worker is there; commands take one that was silent for four beats for gone (cli/workers-gone.ts). */
const WORKER_BEAT = '5s';

/** @throws Fault TemporalUnavailable, ConfigInvalid (the control database is not migrated) */
export async function startWorker(options: WorkerOptions): Promise<RunningWorker> {
  try {
    return await start(options);
  } catch (error) {
    // While it forwards its logs, the SDK's runtime keeps a process alive that has nothing to do.
    if (installed) await Runtime.instance().shutdown();
    installed = false;
    throw error;
  }
}

async function start(options: WorkerOptions): Promise<RunningWorker> {
  const { settings } = options;
  await requireMigrated(settings);
  const queues = [...new Set(options.only ?? (Object.keys(TASK_QUEUES) as QueueName[]))];
  const watched = options.watched === true && settings.worker.metrics !== 'off';
  const sdkPort = watched ? await freePort() : undefined;
  installRuntime(options, sdkPort);
  await registerSearchAttributes(settings);
  const name = `${hostname()}/${process.pid}`;
  const metrics = createMetrics();
  metrics.info.set({ version: VERSION, queues: queues.join(','), identity: name }, 1);
  const workers: Worker[] = [];
  const watch = sdkPort === undefined ? undefined : await openWatch({ settings, queues, metrics, workers, sdkPort });
  const connection = await connectTemporalNatively(settings.temporal);
  const activities = await openActivities(settings, name, metrics, (message, fields) => {
    options.log({ level: 'INFO', message, meta: { ...scopeNow(), ...fields } });
  });
  const converter = dataConverter(settings.temporal);
  for (const queue of queues) {
    workers.push(
      await Worker.create({
        connection,
        namespace: settings.temporal.namespace,
        taskQueue: TASK_QUEUES[queue],
        identity: name,
        activities: activities.byQueue[queue],
        dataConverter: converter,
        interceptors: { activity: [watchActivities(metrics), mapFaults, beatShortCalls] },
        maxConcurrentActivityTaskExecutions: ACTIVITIES[queue],
        ...STEP,
        maxHeartbeatThrottleInterval: HEARTBEAT_THROTTLE,
        defaultHeartbeatThrottleInterval: HEARTBEAT_THROTTLE,
        shutdownGraceTime: GRACE[queue],
        shutdownForceTime: FORCE,
        ...(queue === 'orchestrate' ? { workflowBundle: await workflowBundle(converter) } : {}),
      }),
    );
  }
  const stopAll = (): void => {
    for (const worker of workers) if (worker.getState() === 'RUNNING') worker.shutdown();
  };
  const done = (async () => {
    try {
      // One that breaks down takes the others with it: half a worker would look alive.
      await Promise.all(
        workers.map(async (worker) => {
          try {
            await worker.run();
          } finally {
            stopAll();
          }
        }),
      );
    } finally {
      await watch?.close();
      await activities.close();
      await connection.close();
    }
  })();
  return {
    queues: queues.map((queue) => TASK_QUEUES[queue]),
    done,
    ...(watch === undefined ? {} : { watchedAt: watch.address }),
    async shutdown() {
      stopAll();
      await done;
    },
  };
}

let installed = false;
function installRuntime({ log, logLevel = 'INFO' }: WorkerOptions, sdkPort: number | undefined): void {
  if (installed) return; // the runtime is one a process
  installed = true;
  const logger = new DefaultLogger(logLevel, (entry: LogEntry) => {
    // Said of every worker without --only orchestrate, and meant so.
    if (entry.message.startsWith('No workflows registered')) return;
    log({
      level: entry.level,
      message: entry.message,
      ...(entry.meta === undefined ? {} : { meta: { ...entry.meta } }),
    });
  });
  // Signals are the command's: it tells the user what happens.
  const prometheus = {
    bindAddress: `127.0.0.1:${sdkPort ?? 0}`,
    countersTotalSuffix: true,
    useSecondsForDurations: true,
  };
  Runtime.install({
    logger,
    shutdownSignals: [],
    workerHeartbeatInterval: WORKER_BEAT,
    telemetryOptions: {
      // Unforwarded, the SDK's native half writes coloured lines of its own to standard output, where --json has its document.
      logging: { forward: {}, filter: { core: 'WARN', other: 'ERROR' } },
      ...(sdkPort === undefined ? {} : { metrics: { prometheus } }),
    },
  });
}

async function registerSearchAttributes(settings: Settings): Promise<void> {
  const { connection } = await connectTemporal(settings.temporal);
  try {
    await ensureSearchAttributes(connection, settings.temporal.namespace);
  } finally {
    await connection.close();
  }
}
