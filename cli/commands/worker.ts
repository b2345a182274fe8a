/** `headrace worker`: serves task queues until it is told to stop; drains at the first Ctrl-C, ends at the second. */
import { fault } from '../../contracts/errors.ts';
import { TASK_QUEUES, type QueueName } from '../../contracts/temporal.ts';
import { guess } from '../../workers/config/index.ts';
import type { CommonOptions } from '../common-options.ts';
import { settingsFor } from '../environment.ts';
import { catchInterrupt } from '../interrupt.ts';
import { ensureKafkaClient } from '../kafka-client.ts';
import { createOutput } from '../output.ts';
import { requireReachable, serviceAddresses, temporalAddress, unreachable } from '../../workers/reachable.ts';
import { createWorkerLog } from '../worker-log.ts';

export interface WorkerOptions extends CommonOptions {
  only?: string;
}

export async function runWorker(options: WorkerOptions): Promise<void> {
  const output = createOutput(options.json === true);
  const only = queuesOf(options.only);
  const settings = settingsFor(options);
  await requireReachable([temporalAddress(settings.temporal)]);
  // The others may come later: activities try again until they do.
  for (const { message } of await unreachable(serviceAddresses(settings))) output.note(`warning: ${message}`);
  await ensureKafkaClient(settings, output);
  const { startWorker } = await import('../../workers/run-worker.ts');
  const forPeople = process.stderr.isTTY && !output.json;
  const log = createWorkerLog(forPeople);
  const say = (message: string): void => log({ level: 'INFO', message });
  const began = performance.now();
  const queues = only === undefined ? {} : { only };
  const worker = await startWorker({ settings, log, logLevel: 'WARN', watched: true, ...queues });
  const { temporal } = settings;
  say(`polling ${worker.queues.join(', ')} of ${temporal.address}, namespace ${temporal.namespace}`);
  if (worker.watchedAt !== undefined) say(`metrics: ${worker.watchedAt}/metrics, health: /healthz and /readyz`);
  if (temporal.ui !== undefined) say(`Temporal UI: ${temporal.ui}`);
  let drainedFrom = began;
  const interrupt = catchInterrupt(() => {
    drainedFrom = performance.now();
    say('draining: what runs is let finish, nothing new is taken (Ctrl-C again ends at once)');
  });
  // Repeating the shutdown is harmless; its error is the one that `done` gives.
  interrupt.signal.addEventListener('abort', () => void worker.shutdown().catch(() => undefined));
  await worker.done;
  const drainSeconds = (performance.now() - drainedFrom) / 1000;
  interrupt.release();
  const { userCPUTime, systemCPUTime, maxRSS } = process.resourceUsage();
  const report = {
    queues: worker.queues,
    seconds: (performance.now() - began) / 1000,
    cpuSeconds: (userCPUTime + systemCPUTime) / 1e6,
    peakRssMiB: maxRSS / 1024,
  };
  say(`drained after ${drainSeconds.toFixed(1)} s`);
  output.result(report, () => '');
}

/** @throws Fault ConfigInvalid */
function queuesOf(only: string | undefined): QueueName[] | undefined {
  if (only === undefined) return undefined;
  const names = Object.keys(TASK_QUEUES);
  return only.split(',').map((part) => {
    const name = part.trim();
    if (isQueue(name)) return name;
    const meant = guess(name, names);
    throw fault(
      'ConfigInvalid',
      `--only ${only}: ${JSON.stringify(name)} is no queue${meant === undefined ? '' : `; did you mean ${meant}?`} ` +
        `(allowed: ${names.join(', ')})`,
    );
  });
}

function isQueue(name: string): name is QueueName {
  return Object.hasOwn(TASK_QUEUES, name);
}
