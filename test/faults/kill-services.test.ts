/** Each service killed in the middle of a run, and back after a moment: the run goes on by itself, and nothing differs. */
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { startService, stopService } from '../../stack/fault-controls.ts';
import type { ServiceName } from '../../stack/types.ts';
import type { Running } from '../cli/run-cli.ts';
import { killAllWorkers, startWorkerProcess } from '../e2e/commands.ts';
import { expectExactlyOnce } from '../e2e/ends.ts';
import { newSales } from '../e2e/sales-pipeline.ts';
import { openServices, type Services } from '../e2e/services.ts';
import { required, unique } from '../replay/setting.ts';
import { expectMidway, finishRun, HOPS, startRun, tune, untilUnderWay } from './midway.ts';

const ROWS = 60_000;
let services: Services;
let worker: Running;

beforeAll(async () => {
  services = await openServices();
  worker = await startWorkerProcess();
});
afterAll(async () => {
  await killAllWorkers();
  await services.close();
});

// PostgreSQL is the source, the warehouse and the control database in one server.
test.each<ServiceName>(['kafka', 'postgres', 's3', 'temporal'])(
  '%s',
  async (service) => {
    const changes = { chunkRows: 2_500, rotate: { records: 1_000, age: '500ms' } };
    const run = { pipeline: await newSales(services, ROWS, changes), replayId: unique('r'), rows: ROWS };
    await startRun(services, run, 2_000);
    await Promise.all(HOPS.map((hop) => untilUnderWay(services, run, hop, worker.pid, 0, 60)));
    for (const hop of HOPS) await expectMidway(services, run, hop);

    const home = required('HEADRACE_HOME');
    await stopService(home, service, 'SIGKILL');
    await sleep(1_500);
    await startService(home, service);
    for (const hop of HOPS) await expectMidway(services, run, hop);

    await tune(services, run, null);
    await finishRun(services, run);
    await expectExactlyOnce(services, run.pipeline);
    // The same process all along: a worker outlives the services that it uses.
    expect(process.kill(worker.pid, 0)).toBe(true);
  },
  120_000,
);
