/**
 * Worker processes that die or freeze in the middle of every hop, at random moments, again and again: nothing is lost and
 * nothing doubled, in the topic, the lake and the warehouse.
 */
import { hostname } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { QueueName } from '../../contracts/temporal.ts';
import type { Running } from '../cli/run-cli.ts';
import { killAllWorkers, killProcess, startWorkerProcess } from '../e2e/commands.ts';
import { expectExactlyOnce } from '../e2e/ends.ts';
import { newSales, type PipelineChanges } from '../e2e/sales-pipeline.ts';
import { eventually, openServices, type Services } from '../e2e/services.ts';
import { startMariadb } from '../mysql/services.ts';
import { unique } from '../replay/setting.ts';
import {
  atWork,
  delivered,
  expectMidway,
  finishRun,
  HOPS,
  type HopQueue,
  type Run,
  startRun,
  tune,
  untilUnderWay,
} from './midway.ts';

let services: Services;
const crew = new Map<QueueName, Running>();

async function hire(queue: QueueName): Promise<void> {
  crew.set(queue, await startWorkerProcess(queue));
}

function workerOf(queue: QueueName): Running {
  const worker = crew.get(queue);
  if (!worker) throw new Error(`no worker serves ${queue}`);
  return worker;
}

beforeAll(async () => {
  services = await openServices();
  // Before the workers, which know the connections that are there when they start.
  await (await startMariadb()).admin.end();
  await Promise.all((['orchestrate', ...HOPS] as const).map(hire));
});
afterAll(async () => {
  await killAllWorkers();
  await services.close();
});

async function newRun(rows: number, more: PipelineChanges = {}): Promise<Run> {
  const changes = { chunkRows: 2_500, rotate: { records: 1_000, age: '500ms' }, ...more };
  return { pipeline: await newSales(services, rows, changes), replayId: unique('r'), rows };
}

/** A heartbeat missed for 15 s is a dead worker; the rest is the new one's start, on a machine that is busy. */
const RECOVERY_SECONDS = 60;
/** A moment that no test chose. */
const soon = (): Promise<void> => sleep(Math.random() * 1_500);

async function killMidway(run: Run, hop: HopQueue, from: number): Promise<number> {
  const victim = workerOf(hop);
  await untilUnderWay(services, run, hop, victim.pid, from, RECOVERY_SECONDS);
  await soon();
  await killProcess(victim);
  const rows = await expectMidway(services, run, hop);
  await hire(hop);
  return rows;
}

test('killed in the middle of each hop, twice, then all at once: every row is everywhere once', async () => {
  const run = await newRun(200_000);
  await startRun(services, run, 2_000);
  const reached = new Map<HopQueue, number>();
  for (let round = 1; round <= 2; round++) {
    const kills = HOPS.map(async (hop) => reached.set(hop, await killMidway(run, hop, reached.get(hop) ?? 0)));
    await Promise.all(kills);
  }

  // A power cut, at a speed at which all hops have much on their hands.
  const recovered = HOPS.map((hop) =>
    untilUnderWay(services, run, hop, workerOf(hop).pid, reached.get(hop) ?? 0, RECOVERY_SECONDS),
  );
  const before = Math.max(...(await Promise.all(recovered)));
  await tune(services, run, 20_000);
  await untilUnderWay(services, run, 'read', workerOf('read').pid, before + 10_000, RECOVERY_SECONDS);
  await soon();
  const queues = ['orchestrate', ...HOPS] as const;
  await Promise.all(queues.map((queue) => killProcess(workerOf(queue))));
  for (const hop of HOPS) await expectMidway(services, run, hop);
  await tune(services, run, null);
  await Promise.all(queues.map(hire));

  await finishRun(services, run);
  await expectExactlyOnce(services, run.pipeline);
}, 240_000);

test.each(['upsert', 'append'] as const)(
  'killed in the middle of loading MariaDB, %s, twice: every row is there once',
  async (mode) => {
    const run = await newRun(120_000, { to: 'mysql-warehouse', warehouseTable: `warehouse.${unique('killed')}`, mode });
    await startRun(services, run, 2_000);
    let reached = 0;
    for (let round = 1; round <= 2; round++) reached = await killMidway(run, 'load', reached);
    await tune(services, run, null);
    await finishRun(services, run);
    await expectExactlyOnce(services, run.pipeline);
  },
  240_000,
);

test('frozen in the middle of each hop, replaced, and awake again: the zombies add nothing', async () => {
  const run = await newRun(100_000);
  await startRun(services, run, 1_250); // for 80 s: a frozen worker is missed after 15, and three others start meanwhile
  const underWay = (hop: HopQueue) => untilUnderWay(services, run, hop, workerOf(hop).pid, 0, RECOVERY_SECONDS);
  await Promise.all(HOPS.map(underWay));
  const zombies = new Map<HopQueue, { worker: Running; rows: number }>();
  // From the end on: a frozen reader's open transaction would hold the others up.
  for (const hop of HOPS.toReversed()) {
    await soon();
    const worker = workerOf(hop);
    worker.kill('SIGSTOP');
    zombies.set(hop, { worker, rows: await expectMidway(services, run, hop) });
  }
  const frozen = HOPS.map((hop) => `${hostname()}/${zombies.get(hop)?.worker.pid ?? 0}`);
  await Promise.all(HOPS.map(hire));

  for (const hop of HOPS) {
    const { rows } = zombies.get(hop) ?? { rows: 0 };
    await eventually(`${hop} goes on elsewhere`, 2 * RECOVERY_SECONDS, async () => {
      const others = (await atWork(services, run, hop)).filter(({ worker }) => !frozen.includes(worker));
      return others.length > 0 && (await delivered(services, run, hop)) > rows ? true : undefined;
    });
  }
  for (const hop of HOPS) await expectMidway(services, run, hop);
  for (const { worker } of zombies.values()) worker.kill('SIGCONT');
  await sleep(2_000); // the zombies do what they were about to
  for (const { worker } of zombies.values()) expect(isAlive(worker.pid)).toBe(true);
  await tune(services, run, null);

  await finishRun(services, run);
  await expectExactlyOnce(services, run.pipeline);
}, 240_000);

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}
