/** Two runs of one pipeline at once, then a source that lives on: what is told, and with which exit code. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type RunReport, type VerifyReport, workflowIds } from '../../contracts/temporal.ts';
import { unique } from '../replay/setting.ts';
import { documentOf, expectVerified, headrace, killAllWorkers, startWorkerProcess } from './commands.ts';
import { expectExactlyOnce, expectSameLines, sourceLines, warehouseLines } from './ends.ts';
import { newSales, type TestPipeline } from './sales-pipeline.ts';
import { openServices, type Services } from './services.ts';

const ROWS = 30_000;
let services: Services;
let pipeline: TestPipeline;

beforeAll(async () => {
  services = await openServices();
  [pipeline] = await Promise.all([newSales(services, ROWS), startWorkerProcess()]);
});
afterAll(async () => {
  await killAllWorkers();
  await services.close();
});

async function verify(code: number): Promise<VerifyReport> {
  return await documentOf(headrace('verify', pipeline.file, '--json'), code);
}

async function run(code: number, ...options: string[]): Promise<RunReport> {
  return await documentOf(headrace('run', pipeline.file, '--json', ...options), code);
}

async function times(replayId: string): Promise<{ from: number; to: number }> {
  const handle = services.temporal.workflow.getHandle(workflowIds.run(pipeline.name, replayId));
  const { startTime, closeTime } = await handle.describe();
  return { from: startTime.getTime(), to: closeTime?.getTime() ?? Infinity };
}

/** Keys as verify names them. */
function keys(...ids: number[]): string[] {
  return ids.map((id) => JSON.stringify({ id }));
}

describe('two runs of one pipeline at once', () => {
  test('both end well; the topic and the lake have each row once a replay, the warehouse once', async () => {
    const ids = [unique('a'), unique('b')];
    const reports = await Promise.all(ids.map((id) => run(0, '--replay-id', id)));
    const rows = { source: ROWS, replayed: ROWS, landed: ROWS, loaded: ROWS };
    expect(reports).toMatchObject(ids.map((replayId) => ({ replayId, rows, ok: true })));

    const [first, second] = await Promise.all(ids.map(times));
    expect(first && second && first.from < second.to && second.from < first.to).toBe(true);

    await expectExactlyOnce(services, pipeline, 2);
    for (const id of ids) await expectVerified(pipeline.file, ROWS, id);
  }, 120_000);
});

describe('a source that lives on', () => {
  const none = { missing: 0, extra: 0, different: 0, changedSince: 0, lost: 0, deadLetters: 0 };

  test('what was written after the replay began is changedSince, and no fault', async () => {
    const { name } = pipeline;
    await services.sales.query(`UPDATE ${name} SET amount = -1 WHERE id IN (10, 20, 30)`);
    await services.sales.query(`INSERT INTO ${name} VALUES (-5, 'late, below all', 1), (0, 'late too', 2)`);
    // Beyond the upper bound of the replay, which so has nothing to say of it.
    await services.sales.query(`INSERT INTO ${name} VALUES (${ROWS + 1}, 'later than the replay', 3)`);
    const report = await verify(0);
    expect(report).toMatchObject({ ...none, changedSince: 5, ok: true });
    expect(report.examples.changedSince.sort()).toEqual(keys(-5, 0, 10, 20, 30));
  }, 60_000);

  test('what the source no longer has is extra: it is told, exit code 3, and never deleted', async () => {
    await services.sales.query(`DELETE FROM ${pipeline.name} WHERE id IN (7, 8)`);
    const before = await verify(3);
    expect(before).toMatchObject({ ...none, changedSince: 5, extra: 2, ok: false });
    expect(before.examples.extra.sort()).toEqual(keys(7, 8));

    const kept = (await warehouseLines(services, pipeline)).filter((line) => /^[78]\|/.test(line));
    const after = await run(3);
    expect(after).toMatchObject({ ...none, extra: 2, ok: false });
    const now = await sourceLines(services, pipeline);
    expectSameLines('warehouse', await warehouseLines(services, pipeline), [...now, ...kept]);
  }, 60_000);

  test('what somebody changed in the warehouse is different or missing, by key; the next run mends it', async () => {
    const table = `mart.${pipeline.name}`;
    await services.sales.query(
      `INSERT INTO ${pipeline.name} SELECT i, 'row "' || i || '" é😀', i / 8.0 FROM unnest(ARRAY[7, 8]) i`,
    );
    await services.warehouse.query(`DELETE FROM ${table} WHERE id = 100`);
    await services.warehouse.query(`UPDATE ${table} SET name = 'tampered' WHERE id IN (200, 201)`);
    await services.warehouse.query(`INSERT INTO ${table} VALUES (-77, 'from nowhere', 0)`);
    const found = await verify(3);
    expect(found).toMatchObject({ ...none, missing: 1, different: 2, extra: 1, ok: false });
    expect(found.examples).toMatchObject({ missing: keys(100), extra: keys(-77) });
    expect(found.examples.different.sort()).toEqual(keys(200, 201));
    const text = await headrace('verify', pipeline.file);
    expect(text).toMatchObject({
      code: 3,
      stdout: expect.stringContaining('different, for example: {"id":20') as string,
    });

    await services.warehouse.query(`DELETE FROM ${table} WHERE id = -77`);
    expect(await run(0)).toMatchObject({ ...none, ok: true });
    expectSameLines('warehouse', await warehouseLines(services, pipeline), await sourceLines(services, pipeline));
  }, 90_000);
});
