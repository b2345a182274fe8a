/**
 * `verify` of a replay whose bad rows were mended, by the command: in mode append it counts what re-drives brought for its dead
 * letters, and nothing else; and it ends with a report where the source's largest key has no form in the warehouse.
 */
import type { Connection } from 'mysql2/promise';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { VerifyReport } from '../../contracts/temporal.ts';
import { startMariadb } from '../mysql/services.ts';
import { unique } from '../replay/setting.ts';
import { documentOf, headrace, killAllWorkers, startWorkerProcess } from './commands.ts';
import { newSales, type TestPipeline, writePipeline } from './sales-pipeline.ts';
import { openServices, type Services } from './services.ts';

let services: Services;
let my: Connection;

beforeAll(async () => {
  services = await openServices();
  my = (await startMariadb()).admin;
  await my.query(`SET time_zone = '+00:00', sql_mode = ''`);
  await startWorkerProcess();
}, 180_000);
afterAll(async () => {
  await killAllWorkers();
  await my.end();
  await services.close();
});

const ROWS = 400;
const run = (pipeline: TestPipeline, code: number) =>
  documentOf<VerifyReport>(headrace('run', pipeline.file, '--json'), code);
const redrive = (pipeline: TestPipeline, code = 0) => documentOf(headrace('redrive', pipeline.file, '--json'), code);
const verify = ({ file }: TestPipeline, code: number, replayId?: string) =>
  documentOf<VerifyReport>(
    headrace('verify', file, '--json', ...(replayId === undefined ? [] : ['--replay-id', replayId])),
    code,
  );
async function numbersOf({ name }: TestPipeline, column = 'id'): Promise<number[]> {
  const { rows } = await services.warehouse.query<{ n: number }>(
    `SELECT ${column}::int AS n FROM mart.${name} ORDER BY 1`,
  );
  return rows.map(({ n }) => n);
}
const upTo = (most: number): number[] => Array.from({ length: most }, (_, place) => place + 1);
const CLEAN = { missing: 0, extra: 0, different: 0, changedSince: 0, deadLetters: 0, discarded: 0, ok: true };

test('append: rows that landing refused, mended and re-driven, are the replay’s', async () => {
  const name = unique('mended');
  await my.query(`CREATE TABLE sales.${name} (id int PRIMARY KEY, t time)`);
  const rows = upTo(ROWS).map((id) => `(${id}, '${id % 2 === 0 ? '30:00:00' : '10:00:00'}')`);
  await my.query(`INSERT INTO sales.${name} VALUES ${rows.join(', ')}`);
  const pipeline = writePipeline(services.folder, name, {
    connection: 'mysql-sales',
    table: `sales.${name}`,
    mode: 'append',
    chunkRows: 100,
  });
  const { replayId } = await run(pipeline, 3);
  // Once too early, for a part of them: those are letters of the re-drive, and the next one is followed.
  await my.query(`UPDATE sales.${name} SET t = '20:00:00' WHERE id <= 100 AND t > '24:00:00'`);
  await redrive(pipeline, 3);
  expect(await verify(pipeline, 3, replayId)).toMatchObject({ missing: 150, extra: 0, different: 0 });
  await my.query(`UPDATE sales.${name} SET t = '20:00:00' WHERE t > '24:00:00'`);
  await redrive(pipeline);
  expect(await numbersOf(pipeline)).toEqual(upTo(ROWS));
  expect(await verify(pipeline, 0)).toMatchObject({
    ...CLEAN,
    replayId,
    rows: { source: ROWS, replayed: ROWS, landed: ROWS / 2, loaded: ROWS },
  });
  await services.warehouse.query(`DELETE FROM mart.${name} WHERE id = 2`);
  await my.query(`UPDATE sales.${name} SET t = '05:00:00' WHERE id = 4`);
  const report = await verify(pipeline, 3);
  expect(report).toMatchObject({ missing: 1, different: 1, extra: 0, ok: false });
  expect(report.examples).toMatchObject({ missing: ['{"id":2}'], different: ['{"id":4}'] });
}, 180_000);

test('append: rows that the warehouse refused and a re-drive brought, of two replays', async () => {
  const pipeline = await newSales(services, ROWS, { mode: 'append', chunkRows: 100 });
  const { name } = pipeline;
  const first = (await run(pipeline, 0)).replayId;
  await services.warehouse.query(`ALTER TABLE mart.${name} ADD CONSTRAINT fair CHECK (amount < 1000) NOT VALID`);
  await services.sales.query(`UPDATE ${name} SET amount = 5000 WHERE id IN (7, 8, 399)`);
  const second = (await run(pipeline, 3)).replayId;
  await services.sales.query(`UPDATE ${name} SET amount = 5 WHERE id IN (7, 399)`);
  await services.warehouse.query(`ALTER TABLE mart.${name} DROP CONSTRAINT fair`); // 8 arrives as it was
  await redrive(pipeline);
  expect(await numbersOf(pipeline)).toEqual([...upTo(ROWS), ...upTo(ROWS)].sort((a, b) => a - b));
  expect(await verify(pipeline, 0, second)).toMatchObject({ ...CLEAN, rows: { source: ROWS, loaded: 2 * ROWS } });
  // The first had no letters: what the re-drive brought says nothing of it.
  expect(await verify(pipeline, 0, first)).toMatchObject({ ...CLEAN, changedSince: 3 });
  await services.warehouse.query(`DELETE FROM mart.${name} WHERE id = 8 AND amount = 5000`);
  expect(await verify(pipeline, 3, second)).toMatchObject({ missing: 1, extra: 0, different: 0, ok: false });
}, 180_000);

test('append: what landed and is not loaded is missing', async () => {
  const pipeline = await newSales(services, ROWS, { mode: 'append', chunkRows: 100 });
  await documentOf(headrace('replay', pipeline.file, '--json'));
  await documentOf(headrace('land', pipeline.file, '--until-caught-up', '--json'));
  expect(await verify(pipeline, 3)).toMatchObject({ missing: ROWS, extra: 0, rows: { landed: ROWS, loaded: 0 } });
  await documentOf(headrace('load', pipeline.file, '--json'));
  expect(await verify(pipeline, 0)).toMatchObject(CLEAN);
}, 120_000);

test.each(['upsert', 'append'] as const)(
  '%s: a largest key without a form in the warehouse ends in a report',
  async (mode) => {
    const name = unique('late');
    await my.query(`CREATE TABLE sales.${name} (t time PRIMARY KEY, n int)`);
    await my.query(`INSERT INTO sales.${name} VALUES ('01:00', 1), ('02:00', 2), ('30:00:00', 3)`);
    const pipeline = writePipeline(services.folder, name, {
      connection: 'mysql-sales',
      table: `sales.${name}`,
      mode,
    });
    const { replayId } = await run(pipeline, 3);
    expect(await verify(pipeline, 3)).toMatchObject({ deadLetters: 1, missing: 1, extra: 0, different: 0 });
    await documentOf(headrace('discard', pipeline.file, '--all', '--reason', 'no such hour', '--json'));
    expect(await verify(pipeline, 0)).toMatchObject({ ...CLEAN, discarded: 1, rows: { source: 3, loaded: 2 } });
    // What came later is not the first replay's, wherever its key lies; what nobody brought is extra.
    await my.query(`INSERT INTO sales.${name} VALUES ('23:00', 4), ('31:00:00', 5)`);
    await services.warehouse.query(`INSERT INTO mart.${name} VALUES ('23:30', 9)`);
    expect(await verify(pipeline, 3, replayId)).toMatchObject({ extra: 1, different: 0 });
  },
  120_000,
);
