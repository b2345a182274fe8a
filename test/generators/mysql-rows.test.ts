/** `headrace generate --to db:` into a real MariaDB: every value as the model made it, neither a gap nor a double after a kill. */
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, expect, test, vi } from 'vitest';
import type { VerifyReport } from '../../contracts/temporal.ts';
import { defaultsOf } from '../../generators/kinds.ts';
import type { Emission, Field, Value } from '../../generators/model.ts';
import { profiles } from '../../generators/profiles.ts';
import { microsText, secondText } from '../../generators/times.ts';
import { documentOf, headrace, killAllWorkers, killProcess, startHeadrace } from '../e2e/commands.ts';
import { eventually, openServices, type Services } from '../e2e/services.ts';
import { type Mariadb, rowsOf, startMariadb } from '../mysql/services.ts';

vi.setConfig({ testTimeout: 300_000, hookTimeout: 120_000 });

let services: Services;
let maria: Mariadb;
beforeAll(async () => {
  services = await openServices();
  maria = await startMariadb();
});
afterEach(killAllWorkers);
afterAll(async () => {
  await maria.admin.end();
  await services.close();
});

const generate = (...args: string[]) =>
  documentOf<{ counts: Record<string, number>; before: number; written: number }>(
    headrace('generate', ...args, '--to', 'db:mysql-sales', '--json'),
  );
const first = async (sql: string) => (await rowsOf(maria.admin, sql))[0];
const IDS = 'SELECT count(*), count(DISTINCT transaction_id), max(transaction_id) - min(transaction_id) + 1';

/** As MariaDB prints what the model made. */
function printed({ type }: Field, value: Value): string | null {
  if (value === null) return null;
  if (type === 'money') return ((value as number) / 100).toFixed(2);
  if (type === 'time') return microsText(value as number);
  if (type === 'second') return secondText(value as number);
  if (type === 'flag') return value === true ? '1' : '0';
  return typeof value === 'object' ? JSON.stringify(value) : String(value);
}

test.each([
  ['smoothies', ['--events', '600'], 'demo_'],
  ['orders', ['--events', '300'], 'shop_'],
  ['country-sales', ['--events', '2000'], ''],
  ['product-sales', ['--events', '5000'], ''],
])('%s: every row of every table is the one that the model made', async (name, options, prefix) => {
  const { counts } = await generate(name, ...options);
  const profile = profiles.get(name);
  if (!profile) throw new Error(`no profile ${name}`);
  const left = { ...counts };
  const made = new Map<Emission['output'], (string | null)[][]>();
  const run = { seed: 1, start: Date.UTC(2024, 0, 1) * 1_000, form: 'relational' as const };
  for (const { output, row } of profile.emit(defaultsOf(profile.settings), run)) {
    if ((left[output.name] ?? 0) > 0) {
      left[output.name] = (left[output.name] ?? 0) - 1;
      const rows = made.get(output) ?? [];
      rows.push(output.fields.map((field, place) => printed(field, row[place] ?? null)));
      made.set(output, rows);
    }
    if (Object.values(left).every((count) => count === 0)) break;
  }
  expect(made.size).toBeGreaterThan(2);
  for (const [{ table, fields }, rows] of made) {
    const columns = fields.map((field) => `\`${field.name}\``).join(', ');
    const found = await rowsOf(maria.admin, `SELECT ${columns} FROM sales.\`${prefix}${table.table}\``);
    expect(found.map((row) => JSON.stringify(row)).sort()).toEqual(rows.map((row) => JSON.stringify(row)).sort());
  }
});

test('tables are InnoDB, utf8mb4 and NO PAD', async () => {
  const tables = await rowsOf(
    maria.admin,
    `SELECT DISTINCT engine, table_collation FROM information_schema.tables
     WHERE table_schema = 'sales' AND table_comment = 'made by headrace generate'`,
  );
  expect(tables).toEqual([['InnoDB', 'utf8mb4_nopad_bin']]);
});

test('killed in the middle: gone on with, without a gap or a double; another run, and a table not ours, are refused', async () => {
  const killed = startHeadrace(
    'generate',
    'product-sales',
    '--to',
    'db:mysql-sales',
    '--events',
    '1000000',
    '--replace',
  );
  await eventually('some transactions', 60, async () =>
    Number((await first(`SELECT COALESCE(MAX(transaction_id), 0) FROM sales.product_sales`).catch(() => []))?.[0]) >
    50_000
      ? true
      : undefined,
  );
  await killProcess(killed);
  const other = await headrace(
    ...['generate', 'product-sales', '--to', 'db:mysql-sales', '--events', '1000000', '--resume', '--seed', '5'],
  );
  expect({ code: other.code, told: other.stderr.includes('--seed') }).toEqual({ code: 2, told: true });
  const { before, written } = await generate('product-sales', '--events', '1000000', '--resume');
  expect(before).toBeGreaterThan(50_000);
  expect(before + written).toBe(1_020_500);
  expect(await first(`${IDS} FROM sales.product_sales`)).toEqual(['1000000', '1000000', '1000000']);
  await maria.admin.query(`ALTER TABLE sales.customers COMMENT 'my own'`);
  const mine = await headrace('generate', 'product-sales', '--to', 'db:mysql-sales', '--events', '10', '--replace');
  expect({ code: mine.code, told: mine.stderr.includes('was not made by headrace generate') }).toEqual({
    code: 2,
    told: true,
  });
  // Refused before anything was touched: the tables that are ours still hold everything.
  expect(await first(`${IDS} FROM sales.product_sales`)).toEqual(['1000000', '1000000', '1000000']);
  await maria.admin.query(`ALTER TABLE sales.customers COMMENT 'made by headrace generate'`);
});

test('a second generator of the profile ends one of the two, and no row is there twice', async () => {
  await generate('product-sales', '--events', '1000', '--replace');
  const both = [1, 2].map(() =>
    headrace('generate', 'product-sales', '--to', 'db:mysql-sales', '--events', '400000', '--resume', '--json'),
  );
  const ran = await Promise.all(both);
  expect(ran.some(({ code }) => code === 0)).toBe(true);
  for (const { code, stderr } of ran) if (code !== 0) expect(stderr).toContain('another generator of product-sales');
  expect(await first(`${IDS} FROM sales.product_sales`)).toEqual(['400000', '400000', '400000']);
});

test('a value that a table of the user’s own cannot hold is refused with its column, and nothing is stored', async () => {
  await maria.admin.query('CREATE OR REPLACE TABLE sales.us_topic LIKE sales.de_topic');
  await maria.admin.query(`ALTER TABLE sales.us_topic MODIFY selling_price tinyint NOT NULL, COMMENT 'my own'`);
  const refused = await headrace(
    ...['generate', 'country-sales', '--to', 'db:mysql-sales', '--events', '3000', '--replace'],
  );
  expect(refused.code).not.toBe(0);
  expect(refused.stderr).toContain('selling_price');
  expect(await first('SELECT (SELECT count(*) FROM sales.us_topic), (SELECT count(*) FROM sales.de_topic)')).toEqual([
    '0',
    '0',
  ]);
});

test('headrace run carries the generated product_sales from MariaDB into PostgreSQL', async () => {
  const { counts } = await generate('product-sales', '--events', '20000', '--days', '100', '--replace');
  const file = join(import.meta.dirname, '../../pipelines/product-sales-mysql.yaml');
  const report = await documentOf<VerifyReport>(headrace('run', file, '--with-worker', '--json'));
  const rows = counts.product_sales;
  expect(rows).toBeGreaterThan(19_000);
  expect(report).toMatchObject({ ok: true, rows: { source: rows, replayed: rows, landed: rows, loaded: rows } });
});
