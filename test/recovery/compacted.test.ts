/**
 * Small files merged by the command, loaded and not loaded ones, then the control database lost with the old files still
 * lying about: the rebuilt manifest has each row once, and loading goes on.
 */
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { CompactReport } from '../../contracts/compact.ts';
import type { LakeLook } from '../../contracts/lake-look.ts';
import type { OrphansReport, RecoveryReport } from '../../contracts/recovery.ts';
import type { RunReport } from '../../contracts/temporal.ts';
import { documentOf, expectVerified, headrace, killAllWorkers, startWorkerProcess } from '../e2e/commands.ts';
import { expectSameLines, sourceLines, warehouseLines } from '../e2e/ends.ts';
import { newSales, type TestPipeline } from '../e2e/sales-pipeline.ts';
import { openServices, type Services } from '../e2e/services.ts';
import { unique } from '../replay/setting.ts';

const ROWS = 6_000;
let services: Services;
let pipeline: TestPipeline;

beforeAll(async () => {
  services = await openServices();
  pipeline = await newSales(services, ROWS, {
    chunkRows: 2_000,
    partitions: 2,
    rotate: { records: 500, age: '300ms' },
  });
});
afterAll(async () => {
  await killAllWorkers();
  await services.close();
});

const look = () => documentOf<LakeLook>(headrace('lake', 'ls', pipeline.file, '--json'));

test('merged files are loaded once, and found again when the control database is lost', async () => {
  const { file } = pipeline;
  await startWorkerProcess();
  await documentOf<RunReport>(headrace('run', file, '--json'));
  await services.sales.query(`UPDATE ${pipeline.name} SET name = 'again' WHERE id % 3 = 0`);
  const landed = unique('landed');
  await documentOf(headrace('replay', file, '--json', '--replay-id', landed));
  await documentOf(headrace('land', file, '--json', '--until-caught-up'));

  const before = await look();
  const report = await documentOf<CompactReport>(headrace('lake', 'compact', file, '--json'));
  expect(report.groups.map(({ state, objects }) => [state, objects.after])).toEqual([
    ['merged', 1],
    ['merged', 1],
  ]);
  const after = await look();
  expect(after).toMatchObject({ rows: 2 * ROWS, objects: [{}, {}] });
  await documentOf(headrace('load', file, '--json'));
  await expectVerified(file, ROWS, landed);
  const nothing = await headrace('lake', 'compact', file);
  expect(nothing).toMatchObject({ code: 0, stdout: expect.stringContaining('nothing to merge') as string });

  await killAllWorkers();
  await services.control.query('DROP SCHEMA headrace CASCADE');
  const written = await documentOf<RecoveryReport>(headrace('recover', file, '--json', '--yes'));
  expect(written).toMatchObject({ written: true, foreign: 0, replays: [] });
  expect([...written.setAside].sort()).toEqual(before.objects.map(({ name }) => name).sort());
  expect((await look()).objects.map(({ name }) => name)).toEqual(after.objects.map(({ name }) => name));

  await startWorkerProcess();
  expect(await documentOf(headrace('load', file, '--json'))).toMatchObject({ rows: 0 });
  await documentOf<RunReport>(headrace('run', file, '--json'));
  await expectVerified(file, ROWS);
  const orphans = await documentOf<OrphansReport>(
    headrace('lake', 'orphans', file, '--json', '--older-than', '0s', '--delete'),
  );
  expect(orphans).toMatchObject({ deleted: before.objects.length, kept: [], foreign: [] });
  expectSameLines('warehouse', await warehouseLines(services, pipeline), await sourceLines(services, pipeline));
}, 180_000);
