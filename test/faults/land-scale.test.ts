/** The number of land activities changes while a topic is landed, over several land workers: every record lands once. */
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { datasetOf } from '../../contracts/pipeline.ts';
import { killAllWorkers, startWorkerProcess } from '../e2e/commands.ts';
import { expectExactlyOnce } from '../e2e/ends.ts';
import { newSales } from '../e2e/sales-pipeline.ts';
import { eventually, openServices, type Services } from '../e2e/services.ts';
import { unique } from '../replay/setting.ts';
import { atWork, delivered, expectMidway, finishRun, hopWorkflow, type Run, startRun, tune } from './midway.ts';

const ROWS = 100_000;
const PARTITIONS = 6;
let services: Services;

beforeAll(async () => {
  services = await openServices();
  await Promise.all(['orchestrate,read,load', 'land', 'land'].map((queues) => startWorkerProcess(queues)));
});
afterAll(async () => {
  await killAllWorkers();
  await services.close();
});

/** Which process holds how many partitions, by the manifest; and the generations of their claims. */
async function claims(run: Run): Promise<{ holders: string[]; generations: number[] }> {
  const { rows } = await services.control.query<{ claimed_by: string; generation: string }>(
    `SELECT claimed_by, generation FROM headrace.manifest_partition WHERE dataset = $1`,
    [datasetOf(run.pipeline.spec.lake)],
  );
  return {
    holders: [...new Set(rows.map((row) => row.claimed_by))],
    generations: [...new Set(rows.map((row) => Number(row.generation)))],
  };
}

test('from one activity to four, to nine, and back to two', async () => {
  const changes = { chunkRows: 2_500, partitions: PARTITIONS, rotate: { records: 1_000, age: '500ms' } };
  const run = { pipeline: await newSales(services, ROWS, changes), replayId: unique('r'), rows: ROWS };
  await startRun(services, run, 2_500);
  const landing = services.temporal.workflow.getHandle(hopWorkflow(run, 'land'));
  const holders = new Set<string>();
  let landed = 0;
  for (const [step, parallelism] of [1, 4, 9, 2].entries()) {
    if (step > 0) await landing.signal('setParallelism', parallelism);
    const shares = Math.min(parallelism, PARTITIONS);
    await eventually(`${shares} activities land beyond ${landed} rows`, 30, async () => {
      const busy = await atWork(services, run, 'land').catch(() => []);
      const { generations } = await claims(run);
      const settled = busy.length === shares && generations.length === 1 && generations[0] === step + 1;
      return settled && (await delivered(services, run, 'land')) > landed ? true : undefined;
    });
    await sleep(Math.random() * 500);
    for (const holder of (await claims(run)).holders) holders.add(holder);
    landed = await expectMidway(services, run, 'land');
  }
  expect(holders.size, 'both land workers took part').toBe(2);

  await tune(services, run, null);
  await finishRun(services, run);
  await expectExactlyOnce(services, run.pipeline);
}, 120_000);
