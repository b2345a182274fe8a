/**
 * The control database is lost for real, its schema dropped, with cuts that are loaded, cuts that are only landed, and rows
 * that are only in the topic. One command brings the manifest back; landing and loading go on, nothing missing, nothing twice.
 */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { datasetOf } from '../../contracts/pipeline.ts';
import type { OrphansReport, RecoveryReport } from '../../contracts/recovery.ts';
import { type RunReport, workflowIds } from '../../contracts/temporal.ts';
import { documentOf, expectVerified, headrace, killAllWorkers, startWorkerProcess } from '../e2e/commands.ts';
import {
  expectExactlyOnce,
  expectSameLines,
  queryLake,
  readTopic,
  sealedObjects,
  sourceLines,
  warehouseLines,
} from '../e2e/ends.ts';
import { newSales, type TestPipeline, writePipeline } from '../e2e/sales-pipeline.ts';
import { eventually, openServices, type Services } from '../e2e/services.ts';
import { delivered, type Run, startRun } from '../faults/midway.ts';
import { unique } from '../replay/setting.ts';

const ROWS = 12_000;
let services: Services;
let pipeline: TestPipeline;

beforeAll(async () => {
  services = await openServices();
  pipeline = await newSales(services, ROWS, {
    chunkRows: 3_000,
    partitions: 3,
    rotate: { records: 1_000, age: '300ms' },
  });
});
afterAll(async () => {
  await killAllWorkers();
  await services.close();
});

const loseControl = () => services.control.query('DROP SCHEMA headrace CASCADE');

/** `next` by partition. */
async function positions(): Promise<number[]> {
  const { rows } = await services.control.query<{ next: string }>(
    'SELECT next FROM headrace.manifest_partition WHERE dataset = $1 ORDER BY partition',
    [datasetOf(pipeline.spec.lake)],
  );
  return rows.map(({ next }) => Number(next));
}

/** Every offset from the first to the last in one sealed cut or in a loss, by the database's own arithmetic. */
async function expectJoined(): Promise<void> {
  const { rows } = await services.control.query<{ partition: number; joined: boolean }>(
    `SELECT p.partition, coalesce((SELECT range_agg(int8range(start_offset, end_offset)) FROM (
         SELECT start_offset, end_offset FROM headrace.cut WHERE partition_id = p.id AND state = 'sealed'
         UNION ALL SELECT start_offset, end_offset FROM headrace.lost WHERE partition_id = p.id) ranges)
       = int8multirange(int8range(p.log_start, p.next)), p.log_start = p.next) AS joined
     FROM headrace.manifest_partition p WHERE p.dataset = $1`,
    [datasetOf(pipeline.spec.lake)],
  );
  expect(rows).toEqual(rows.map((row) => ({ ...row, joined: true })));
}

test('a dropped control database is rebuilt by one command', async () => {
  const { file } = pipeline;
  await startWorkerProcess();
  const [loaded, landed, published] = [unique('loaded'), unique('landed'), unique('published')];
  await documentOf<RunReport>(headrace('run', file, '--json', '--replay-id', loaded));
  await services.sales.query(`UPDATE ${pipeline.name} SET name = 'landed only' WHERE id % 10 = 0`);
  await documentOf(headrace('replay', file, '--json', '--replay-id', landed));
  await documentOf(headrace('land', file, '--json', '--until-caught-up'));
  await services.sales.query(`UPDATE ${pipeline.name} SET name = 'in the topic only' WHERE id % 7 = 0`);
  await documentOf(headrace('replay', file, '--json', '--replay-id', published));
  await killAllWorkers();
  const before = { objects: await sealedObjects(services, pipeline.spec), next: await positions() };

  await loseControl();
  const look = await documentOf<RecoveryReport>(headrace('recover', file, '--json'));
  expect(look).toMatchObject({ written: false, faults: [], setAside: [], foreign: 0, hashPartitions: 3 });
  expect(look.replays).toEqual([
    { replayId: published, records: ROWS, schemaVersions: [expect.any(String)], proof: 'later' },
  ]);
  expect(look.gaps.filter(({ is }) => is !== 'empty')).toEqual([]);
  const none = await services.control.query(`SELECT to_regnamespace('headrace') AS found`);
  expect(none.rows).toEqual([{ found: null }]);

  const written = await documentOf<RecoveryReport>(headrace('recover', file, '--json', '--yes'));
  expect(written).toMatchObject({ written: true, replays: [{ replayId: published, proof: 'asked' }] });
  expect(await sealedObjects(services, pipeline.spec)).toEqual(before.objects);
  for (const [index, next] of (await positions()).entries()) expect(next).toBeLessThanOrEqual(before.next[index] ?? 0);
  await expectJoined();
  const again = await headrace('recover', file, '--yes');
  expect(again).toMatchObject({
    code: 2,
    stderr: expect.stringContaining('knows partitions of the dataset') as string,
  });

  await startWorkerProcess();
  await documentOf(headrace('land', file, '--json', '--until-caught-up'));
  await documentOf(headrace('load', file, '--json'));
  await expectJoined();
  expectSameLines('warehouse', await warehouseLines(services, pipeline), await sourceLines(services, pipeline));
  const old = await headrace('verify', file, '--replay-id', published);
  expect(old).toMatchObject({ code: 2, stderr: expect.stringContaining('replay again') as string });

  const report = await documentOf<RunReport>(headrace('run', file, '--json'));
  expect(report).toMatchObject({
    rows: { source: ROWS, landed: ROWS, loaded: ROWS },
    ok: true,
    lost: 0,
    deadLetters: 0,
  });
  await expectVerified(file, ROWS);
  const orphans = await documentOf<OrphansReport>(headrace('lake', 'orphans', file, '--json', '--older-than', '0s'));
  expect(orphans).toMatchObject({ orphans: [], kept: [], foreign: [] });
}, 180_000);

test('lost again, with rows that never change: each record of each replay is in the lake once', async () => {
  const still = await newSales(services, ROWS, {
    chunkRows: 2_000,
    partitions: 2,
    rotate: { records: 700, age: '300ms' },
  });
  await documentOf<RunReport>(headrace('run', still.file, '--json'));
  await documentOf(headrace('replay', still.file, '--json'));
  await killAllWorkers();
  await loseControl();
  // The file says otherwise by now; the keys in the topic tell over how many partitions they were hashed.
  writePipeline(services.folder, still.name, {
    chunkRows: 2_000,
    partitions: 1,
    rotate: { records: 700, age: '300ms' },
  });
  const report = await documentOf<RecoveryReport>(headrace('recover', still.file, '--json', '--yes'));
  expect(report).toMatchObject({ written: true, hashPartitions: 2 });
  await startWorkerProcess();
  await documentOf(headrace('land', still.file, '--json', '--until-caught-up'));
  await documentOf(headrace('load', still.file, '--json'));
  await expectExactlyOnce(services, still, 2);
  await documentOf<RunReport>(headrace('run', still.file, '--json'));
  await expectExactlyOnce(services, still, 3);
  await expectVerified(still.file, ROWS);
}, 180_000);

test('lost in the middle of everything, with all workers killed: what had been sent is landed once, then all again', async () => {
  const rows = 20_000;
  const changes = { chunkRows: 1_000, partitions: 3, rotate: { records: 500, age: '300ms' } };
  const run: Run = { pipeline: await newSales(services, rows, changes), replayId: unique('broken'), rows };
  const { file, spec } = run.pipeline;
  await startRun(services, run, 2_000);
  await eventually('every hop is under way', 60, async () =>
    (await delivered(services, run, 'load')) > 0 && (await delivered(services, run, 'land')) > 2_000 ? true : undefined,
  );
  await killAllWorkers();
  await loseControl();
  const report = await documentOf<RecoveryReport>(headrace('recover', file, '--json', '--yes'));
  expect(report).toMatchObject({ written: true, faults: [] });

  await startWorkerProcess();
  // The run's own landing goes on; the replay is told that nobody knows its plan any more.
  const broken = services.temporal.workflow.getHandle(workflowIds.run(run.pipeline.name, run.replayId));
  await expect(broken.result()).rejects.toThrow();
  await documentOf(headrace('land', file, '--json', '--until-caught-up'));
  await documentOf(headrace('load', file, '--json'));
  const sent = await readTopic(spec.topic.name);
  expect(sent.length).toBeGreaterThan(2_000);
  expect(sent.length).toBeLessThan(rows);
  const landed = await queryLake(services, spec, `_partition::VARCHAR || ':' || _offset::VARCHAR AS place`);
  expectSameLines(
    'offsets of the lake',
    landed.map(({ place }) => String(place)),
    sent.map(({ partition, offset }) => `${partition}:${offset}`),
  );
  expect(await warehouseLines(services, run.pipeline)).toHaveLength(sent.length);

  expect(await documentOf<RunReport>(headrace('run', file, '--json'))).toMatchObject({
    ok: true,
    lost: 0,
    deadLetters: 0,
  });
  expectSameLines('warehouse', await warehouseLines(services, run.pipeline), await sourceLines(services, run.pipeline));
  await expectVerified(file, rows);
}, 240_000);
