/** One file with several tables, by the command: each is a pipeline of its own, and one that fails holds up no other. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { RunReport } from '../../contracts/temporal.ts';
import { unique } from '../replay/setting.ts';
import { documentOf, headrace, killAllWorkers, startWorkerProcess } from './commands.ts';
import { openServices, type Services } from './services.ts';

interface Tables {
  ok: boolean;
  tables: { table: string; ok: boolean; error?: { code: string }; result?: RunReport }[];
}

let services: Services;
let file: string;
const shop = unique('shop');

beforeAll(async () => {
  services = await openServices();
  file = join(services.folder, 'shop.yaml');
  await services.sales.query(`CREATE SCHEMA ${shop}`);
  for (const table of ['orders', 'items'])
    await services.sales.query(
      `CREATE TABLE ${shop}.${table} AS SELECT i AS id, 'n' || i AS name FROM generate_series(1, 2000) i`,
    );
  await services.sales.query(`ALTER TABLE ${shop}.orders ADD PRIMARY KEY (id)`);
  await services.sales.query(`ALTER TABLE ${shop}.items ADD PRIMARY KEY (id)`);
  writeFileSync(
    file,
    `name: ${shop}
source: { connection: sales, schema: ${shop} }
topic: { partitions: 2 }
lake: { bucket: lake, prefix: ${shop} }
warehouse: { connection: warehouse, schema: ${shop} }
tables:
  missing:
  orders: { warehouse: { mode: append, schemaChange: add } }
  items: { warehouse: { mode: replace } }
`,
  );
  await startWorkerProcess();
}, 120_000);
afterAll(async () => {
  await killAllWorkers();
  await services.sales.query(`DROP SCHEMA ${shop} CASCADE`);
  await services.close();
});

const rows = async (table: string): Promise<number> => {
  const found = await services.warehouse.query<{ n: number }>(`SELECT count(*)::int AS n FROM ${shop}.${table}`);
  return found.rows[0]?.n ?? -1;
};

test('run brings the tables that it can, says which it cannot, and runs again by its replay id', async () => {
  const report = await documentOf<Tables>(headrace('run', file, '--json', '--replay-id', 'first'), 2);
  expect(report).toMatchObject({
    ok: false,
    tables: [
      { table: 'missing', ok: false, error: { code: 'TableMissing' } },
      { table: 'orders', ok: true, result: { ok: true, mode: 'append', pipeline: `${shop}.orders` } },
      { table: 'items', ok: true, result: { ok: true, mode: 'replace', rows: { loaded: 2000 } } },
    ],
  });
  await services.sales.query(`DELETE FROM ${shop}.items WHERE id > 1500`);
  const again = await documentOf<Tables>(headrace('run', file, '--json', '--replay-id', 'second'), 2);
  expect(again.tables.map(({ ok }) => ok)).toEqual([false, true, true]);
  expect([await rows('orders'), await rows('items')]).toEqual([4000, 1500]);
}, 120_000);

test('verify and status take all of them, or one', async () => {
  const verified = await documentOf<Tables>(headrace('verify', file, '--json'), 2);
  expect(verified.tables.map(({ table, ok }) => [table, ok])).toEqual([
    ['missing', false],
    ['orders', true],
    ['items', true],
  ]);
  await documentOf<RunReport>(headrace('verify', file, '--json', '--table', 'items'));
  const status = await documentOf<Tables>(headrace('status', file, '--json'));
  expect(status.tables.map(({ table }) => table)).toEqual(['missing', 'orders', 'items']);
  const whole = await headrace('dead-letters', file);
  expect([whole.code, whole.stderr]).toEqual([2, expect.stringContaining('--table (missing, orders, items)')]);
}, 60_000);

test('lake ls takes all of them, show and compact one that must be named', async () => {
  const { lakes } = await documentOf<{ lakes: { dataset: string; rows: number }[] }>(
    headrace('lake', 'ls', file, '--json'),
  );
  expect(lakes.map(({ dataset, rows: count }) => [dataset, count])).toEqual([
    [`lake/${shop}/missing`, 0],
    [`lake/${shop}/orders`, 4000],
    [`lake/${shop}/items`, 3500],
  ]);
  const one = headrace('lake', 'ls', file, '--json', '--table', 'items');
  expect(await documentOf<{ rows: number }>(one)).toMatchObject({ rows: 3500 });
  for (const command of ['show', 'compact']) {
    const refused = await headrace('lake', command, file);
    expect([refused.code, refused.stderr]).toEqual([2, expect.stringContaining('--table (missing, orders, items)')]);
  }
}, 60_000);

test('a column that the source has got is added, and told of by the run and by status', async () => {
  await services.sales.query(`ALTER TABLE ${shop}.orders ADD COLUMN note varchar(20) DEFAULT 'new'`);
  const report = await documentOf<RunReport>(headrace('run', file, '--json', '--table', 'orders'));
  expect(report).toMatchObject({ ok: true, columnsAdded: [expect.stringContaining('ADD COLUMN "note"')] });
  const status = await headrace('status', file, '--table', 'orders');
  expect(status.stdout).toMatch(/new in the source and the warehouse since .*: "note"/);
  const again = await documentOf<RunReport>(headrace('run', file, '--json', '--table', 'orders'));
  expect(again.columnsAdded).toBeUndefined();
  await services.sales.query(`ALTER TABLE ${shop}.orders DROP COLUMN note`);
  for (const command of ['plan', 'run']) {
    const refused = await headrace(command, file, '--table', 'orders');
    expect([refused.code, refused.stdout + refused.stderr]).toEqual([
      2,
      expect.stringContaining('"note" is no longer in the source'),
    ]);
  }
}, 90_000);

test('a replay of a part of a table to be replaced is refused', async () => {
  const refused = await headrace('run', file, '--table', 'items', '--where', 'id < 5');
  expect([refused.code, refused.stderr]).toEqual([2, expect.stringContaining('warehouse.mode is replace')]);
  expect(await rows('items')).toBe(1500);
}, 60_000);
