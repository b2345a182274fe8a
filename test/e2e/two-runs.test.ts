/** Two runs of one pipeline at once, then a source that lives on: what is told, and with which exit code. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { RunReport, VerifyReport } from '../../contracts/temporal.ts';
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

function run(...options: string[]) {
  return headrace('run', pipeline.file, '--json', ...options);
}

describe('two runs of one pipeline', () => {
  test('at once: both end well, the topic has each row once a replay, the warehouse once', async () => {
    const both = ['first', 'second'].map((id) => documentOf<RunReport>(run('--replay-id', id)));
    const reports = await Promise.all(both);
    for (const report of reports) {
      expect(report).toMatchObject({ ok: true, rows: { source: ROWS, replayed: ROWS, landed: ROWS, loaded: ROWS } });
    }
    expect(reports.map(({ replayId }) => replayId)).toEqual(['first', 'second']);
    await expectExactlyOnce(services, pipeline, 2);
    for (const { replayId } of reports) await expectVerified(pipeline.file, ROWS, replayId);
  }, 120_000);
});
