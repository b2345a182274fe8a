/**
 * MySQL (MariaDB) at either end, in all four combinations with PostgreSQL: hostile values of every type arrive equal, `verify`
 * finds no difference, and finds one where one is made; what a side cannot hold is a dead letter that names the column.
 */
import type { Connection } from 'mysql2/promise';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { RunReport, VerifyReport } from '../../contracts/temporal.ts';
import { quoteIdent } from '../../formats/sql-names.ts';
import { HOSTILE_ROWS, hostileTable, MYSQL_COLUMNS, POSTGRES_COLUMNS } from '../mysql/hostile.ts';
import { type Mariadb, rowsOf, startMariadb } from '../mysql/services.ts';
import { unique } from '../replay/setting.ts';
import { documentOf, expectVerified, headrace, killAllWorkers, startWorkerProcess } from './commands.ts';
import { type TestPipeline, writePipeline } from './sales-pipeline.ts';
import { openServices, type Services } from './services.ts';

const tick = (name: string): string => `\`${name.replaceAll('`', '``')}\``;
const SOURCE = unique('hostile');
let services: Services;
let mariadb: Mariadb;
let my: Connection;

beforeAll(async () => {
  services = await openServices();
  mariadb = await startMariadb();
  my = mariadb.admin;
  await my.query(`SET time_zone = '+00:00', sql_mode = ''`);
  const mysqlTable = hostileTable(MYSQL_COLUMNS, `sales.${SOURCE}`, tick, ' CHARACTER SET utf8mb4');
  // In a collation that takes the key's 'a' and 'A' for one; the ids tell them apart.
  await my.query(mysqlTable.create);
  await my.query(mysqlTable.insert);
  const postgresTable = hostileTable(POSTGRES_COLUMNS, SOURCE, quoteIdent);
  await services.sales.query(postgresTable.create);
  await services.sales.query(postgresTable.insert);
  await startWorkerProcess();
}, 180_000);
afterAll(async () => {
  await killAllWorkers();
  await my.end();
  await services.close();
});

const isMysql = (connection: string): boolean => connection.startsWith('mysql');

function pipelineOf(from: string, to: string, table = SOURCE, key?: readonly string[]): TestPipeline {
  const name = unique('my');
  return writePipeline(services.folder, name, {
    connection: from,
    to,
    table: `${isMysql(from) ? 'sales' : 'public'}.${table}`,
    warehouseTable: `${isMysql(to) ? 'warehouse' : 'mart'}.${name}`,
    chunkRows: 100,
    partitions: 3,
    ...(key === undefined ? {} : { key }),
  });
}

async function run({ file }: TestPipeline, rows: number, code = 0): Promise<RunReport> {
  const report = await documentOf<RunReport>(headrace('run', file, '--json'), code);
  expect(report.rows.replayed).toBe(rows);
  return report;
}

describe.each([
  ['mysql-sales', 'warehouse', MYSQL_COLUMNS],
  ['mysql-sales', 'mysql-warehouse', MYSQL_COLUMNS],
  ['sales', 'mysql-warehouse', POSTGRES_COLUMNS],
  ['sales', 'warehouse', POSTGRES_COLUMNS],
])('from %s to %s', (from, to, columns) => {
  let pipeline: TestPipeline;

  test('every type and hostile value arrives, and verify finds no difference', async () => {
    pipeline = pipelineOf(from, to);
    const report = await run(pipeline, HOSTILE_ROWS);
    expect(report).toMatchObject({ rows: { landed: HOSTILE_ROWS, loaded: HOSTILE_ROWS }, deadLetters: 0, ok: true });
    await expectVerified(pipeline.file, HOSTILE_ROWS);
  }, 120_000);

  test('arrives equal, as the databases themselves say it', async () => {
    // Of the types that both print alike, bytes and texts as hex (CONCAT: a number as its text; a CAST to binary would pad with zeros).
    const plain = Object.entries(columns).filter(([, [type]]) => /int|date$|^(var)?char|text|blob|bytea/.test(type));
    const alike = plain.filter(([, [type]]) => !/zerofill|character set/.test(type)).map(([name]) => name);
    expect(alike.length).toBeGreaterThan(6);
    // Trailing blanks of char(n) are padding, which each database shows or not.
    const isChar = (name: string): boolean => /^char/.test(columns[name]?.[0] ?? '');
    const read = async (connection: string, table: string): Promise<unknown[]> => {
      if (isMysql(connection)) {
        const hex = alike.map((name) => `LOWER(HEX(CONCAT(${isChar(name) ? `RTRIM(${tick(name)})` : tick(name)})))`);
        return await rowsOf(my, `SELECT id, ${hex.join(', ')} FROM ${table}`);
      }
      const hex = alike.map((name) => {
        const value = quoteIdent(name);
        return /bytea|blob|binary/.test(columns[name]?.[0] ?? '')
          ? `encode(${value}, 'hex')`
          : `encode(convert_to(${isChar(name) ? `rtrim(${value})` : `${value}::text`}, 'UTF8'), 'hex')`;
      });
      const pool = connection === 'sales' ? services.sales : services.warehouse;
      const { rows } = await pool.query<unknown[]>({
        text: `SELECT id::text, ${hex.join(', ')} FROM ${table}`,
        rowMode: 'array',
      });
      return rows;
    };
    const { source, warehouse } = pipeline.spec;
    const wanted = await read(from, `${source.table.schema}.${source.table.table}`);
    const found = await read(to, `${warehouse.table.schema}.${warehouse.table.table}`);
    expect(wanted).toHaveLength(HOSTILE_ROWS);
    // By text, as each database sorts numbers its own way.
    const sorted = (rows: unknown[]): string[] => rows.map((row) => JSON.stringify(row)).sort();
    expect(sorted(found)).toEqual(sorted(wanted));
  });

  test('a change in the warehouse is found, and named', async () => {
    const { table } = pipeline.spec.warehouse;
    const name = `${table.schema}.${table.table}`;
    const statements = [`UPDATE ${name} SET c_int = 7 WHERE id = 2`, `DELETE FROM ${name} WHERE id = 4`];
    for (const sql of statements) await (isMysql(to) ? my.query(sql) : services.warehouse.query(sql));
    const report = await documentOf<VerifyReport>(headrace('verify', pipeline.file, '--json'), 3);
    expect(report).toMatchObject({ different: 1, missing: 1, extra: 0, ok: false });
    expect(report.examples.different).toEqual([expect.stringContaining('"id":2')]);
  }, 60_000);
});

test('a change in a MySQL source fails verify, which it cannot date, unless it is told that the source lives', async () => {
  const table = unique('living');
  await my.query(`CREATE TABLE sales.${table} (id int PRIMARY KEY, n int)`);
  await my.query(`INSERT INTO sales.${table} VALUES (1, 1), (2, 2), (3, 3)`);
  const pipeline = pipelineOf('mysql-sales', 'warehouse', table);
  const plan = await headrace('plan', pipeline.file);
  expect(plan.stdout).toMatch(
    new RegExp(`^source +\`sales\`\\.\`${table}\`: .*^warehouse +"mart"\\."${pipeline.name}": `, 'ms'),
  );
  expect((await run(pipeline, 3)).ok).toBe(true);
  await my.query(`UPDATE sales.${table} SET n = 20 WHERE id = 2`);
  const verify = (...options: string[]) => headrace('verify', pipeline.file, '--json', ...options);
  expect(await documentOf<VerifyReport>(verify(), 3)).toMatchObject({ different: 1, changedSince: 0, ok: false });
  const living = await documentOf<VerifyReport>(verify('--living'));
  expect(living).toMatchObject({ different: 0, changedSince: 1, ok: true });
  // What the warehouse lost is no change of the source's.
  await services.warehouse.query(`DELETE FROM mart.${pipeline.name} WHERE id = 1`);
  expect(await documentOf<VerifyReport>(verify('--living'), 3)).toMatchObject({ missing: 1, ok: false });
}, 60_000);

test('zero dates and times beyond a day become dead letters that name the column; the other rows arrive', async () => {
  const table = unique('zero');
  await my.query(`CREATE TABLE sales.${table} (id int PRIMARY KEY, d date, t time, dt datetime)`);
  await my.query(
    `INSERT INTO sales.${table} VALUES (1, '2024-01-01', '10:00', '2024-01-01'), (2, '0000-00-00', NULL, NULL),
     (3, NULL, '-12:00:00', NULL), (4, NULL, '100:00:00', NULL), (5, NULL, NULL, '0000-00-00 00:00:00'), (6, '2024-00-10', NULL, NULL)`,
  );
  const pipeline = pipelineOf('mysql-sales', 'warehouse', table);
  const report = await run(pipeline, 6, 3);
  expect(report).toMatchObject({ rows: { loaded: 1 }, deadLetters: 5, ok: false });
  const { rows } = await services.control.query<{ reason: string }>(
    `SELECT reason FROM headrace.dead_letter WHERE topic = $1 ORDER BY reason`,
    [pipeline.name],
  );
  expect(rows.map((row) => /^column "(\w+)"/.exec(row.reason)?.[1])).toEqual(['d', 'd', 'dt', 't', 't']);
}, 60_000);

test('what MySQL cannot hold becomes dead letters of the load; the other rows arrive', async () => {
  const table = unique('unfit');
  await services.sales.query(`CREATE TABLE ${table} (id int PRIMARY KEY, n numeric, f float8, d date, at timestamptz)`);
  await services.sales.query(
    `INSERT INTO ${table} VALUES (1, 1, 1, '2024-01-01', '2024-01-01Z'), (2, 'NaN', NULL, NULL, NULL), (3, NULL, 'Infinity', NULL, NULL),
     (4, NULL, NULL, '0044-03-15 BC', NULL), (5, NULL, NULL, NULL, 'infinity'), (6, 1e40, NULL, NULL, NULL), (7, NULL, NULL, 'infinity', NULL)`,
  );
  const pipeline = pipelineOf('sales', 'mysql-warehouse', table);
  const report = await run(pipeline, 7, 3);
  expect(report).toMatchObject({ deadLetters: 6, ok: false });
  expect(await rowsOf(my, `SELECT id, n, f, d, at FROM warehouse.${pipeline.name}`)).toEqual([
    ['1', `1.${'0'.repeat(30)}`, '1', '2024-01-01', '2024-01-01 00:00:00.000000'],
  ]);
  const { rows } = await services.control.query<{ reason: string }>(
    `SELECT reason FROM headrace.dead_letter WHERE topic = $1 ORDER BY reason`,
    [pipeline.name],
  );
  expect(rows).toHaveLength(6);
  for (const { reason } of rows) expect(reason).toMatch(/column '?`?.*(n|f|d|at)\b/);
}, 60_000);
