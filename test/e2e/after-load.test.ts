/** `lake.afterLoad` by the commands: a run moves what it has loaded, the lost manifest is found again there, and it expires. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { LakeLook } from '../../contracts/lake-look.ts';
import type { OrphansReport, RecoveryReport } from '../../contracts/recovery.ts';
import type { RunReport, VerifyReport } from '../../contracts/temporal.ts';
import { documentOf, expectVerified, headrace, killAllWorkers, startWorkerProcess } from './commands.ts';
import { expectSameLines, sourceLines, warehouseLines } from './ends.ts';
import { newSales, writePipeline } from './sales-pipeline.ts';
import { openServices, type Services } from './services.ts';

const ROWS = 4_000;
const CHANGES = { chunkRows: 2_000, partitions: 2, rotate: { records: 500, age: '300ms' } };
let services: Services;

beforeAll(async () => {
  services = await openServices();
});
afterAll(async () => {
  await killAllWorkers();
  await services.close();
});

test('a run moves what it has loaded; the lost manifest is found again there; then it expires', async () => {
  const pipeline = await newSales(services, ROWS, { ...CHANGES, afterLoad: { moveTo: 'Processed' } });
  const { file, name, spec } = pipeline;
  const look = () => documentOf<LakeLook>(headrace('lake', 'ls', file, '--json'));
  await startWorkerProcess();
  expect(await documentOf<RunReport>(headrace('run', file, '--json'))).toMatchObject({ ok: true, expired: 0 });
  const moved = (await look()).objects.map((object) => object.name);
  expect(moved.length).toBeGreaterThan(4);
  for (const each of moved) expect(each.startsWith(`Processed/${spec.lake.prefix}/topic=`)).toBe(true);
  expect(await services.listObjects('lake', `Processed/${spec.lake.prefix}/`)).toEqual([...moved].sort());
  await expectVerified(file, ROWS);

  // The copies that are still there for readers of the old list are not taken for data twice.
  await killAllWorkers();
  await services.control.query('DROP SCHEMA headrace CASCADE');
  const written = await documentOf<RecoveryReport>(headrace('recover', file, '--json', '--yes'));
  expect(written.partitions.reduce((sum, { rows }) => sum + rows, 0)).toBe(ROWS);
  expect((await look()).objects.map((object) => object.name)).toEqual(moved);
  const orphans = await documentOf<OrphansReport>(
    headrace('lake', 'orphans', file, '--json', '--older-than', '0s', '--delete'),
  );
  expect(orphans).toMatchObject({ named: moved.length, deleted: moved.length, kept: [], foreign: [] });

  await startWorkerProcess();
  await services.sales.query(`UPDATE ${name} SET name = 'again' WHERE id % 3 = 0`);
  await documentOf<RunReport>(headrace('run', file, '--json'));
  await expectVerified(file, ROWS);

  const expiring = writePipeline(services.folder, name, { ...CHANGES, afterLoad: { expireAfter: '1s' } });
  await documentOf(headrace('load', expiring.file, '--json'));
  expect(await look()).toMatchObject({ objects: [], expiredRows: 2 * ROWS });
  const report = await documentOf<VerifyReport>(headrace('verify', expiring.file, '--json'));
  expect(report).toMatchObject({
    rows: { source: ROWS, replayed: ROWS, landed: ROWS, loaded: ROWS },
    ...{ ok: true, expired: ROWS, missing: 0, different: 0, extra: 0, chunksUnequal: 0 },
  });
  expectSameLines('warehouse', await warehouseLines(services, pipeline), await sourceLines(services, pipeline));
}, 180_000);
