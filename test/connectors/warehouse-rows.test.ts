/** Rows and ledger move together, from the right place only, whoever races or dies. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest';
import type { Warehouse, WarehouseTable } from '../../activities/ports/warehouse.ts';
import { isFault } from '../../contracts/errors.ts';
import { openPostgresWarehouse } from '../../connectors/postgres/warehouse.ts';
import { database, openDatabase, unique } from './services.ts';
import { SALES, column, writeCsv } from './shapes.ts';

const pool = openDatabase('CONNECTION_WAREHOUSE');
const schema = unique('wa');
const owner = { pipeline: 'p', topic: 't' };
const opened: Warehouse[] = [];
let directory: string;
let csv: string;
let table: WarehouseTable;

function open(): Warehouse {
  const warehouse = openPostgresWarehouse(database('CONNECTION_WAREHOUSE'));
  opened.push(warehouse);
  return warehouse;
}

async function contents(): Promise<unknown[]> {
  const { rows } = await pool.query<Record<string, unknown>>(
    `SELECT id::int, name, price::text, info::text, xmin::text FROM ${schema}.${table.name.table} ORDER BY id`,
  );
  return rows;
}

const without = (rows: unknown[]): unknown[] => rows.map((row) => ({ ...(row as object), xmin: undefined }));

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'headrace-test-'));
  csv = join(directory, 'rows.csv');
});
beforeEach(async () => {
  table = { name: { schema, table: unique('t') }, shape: SALES };
  await open().ensureTable(table, owner);
  await open().startLedger(table.name, 'topic', { 0: 0, 1: 100 });
});
afterAll(async () => {
  await Promise.all(opened.map((each) => each.close()));
  await pool.query(`DROP SCHEMA ${schema} CASCADE`);
  await pool.query('DELETE FROM headrace.owner WHERE table_schema = $1', [schema]);
  await pool.query('DELETE FROM headrace.ledger WHERE table_schema = $1', [schema]);
  await pool.end();
  await rm(directory, { recursive: true });
});

it('writes new and changed rows, and leaves equal ones untouched', async () => {
  const warehouse = open();
  await writeCsv(csv, [
    ['1', 'a', '1.00', '{"a":1.0}'],
    ['2', '', null, null],
    ['3', null, '3.00', '{"a":1.0}'],
    ['4', 'e', '4.00', null],
  ]);
  const first = await warehouse.stage(table, csv);
  expect(first.rows).toBe(4);
  expect(await first.apply('topic', [{ partition: 0, start: 0, end: 10 }])).toEqual({ written: 4 });
  await first.release();
  const before = await contents();
  expect(without(before)).toMatchObject([
    { id: 1, name: 'a', price: '1.00', info: '{"a":1.0}' },
    { id: 2, name: '', price: null, info: null },
    { id: 3, name: null, price: '3.00' },
    { id: 4, name: 'e' },
  ]);
  // Row 1: only the json's text differs. Row 2: '' becomes NULL. Row 3: NULL becomes ''. Row 4: equal.
  await writeCsv(csv, [
    ['1', 'a', '1.00', '{"a":1.00}'],
    ['2', null, null, null],
    ['3', '', '3.00', '{"a":1.0}'],
    ['4', 'e', '4.0', null],
  ]);
  const second = await warehouse.stage(table, csv);
  expect(await second.apply('topic', [{ partition: 0, start: 10, end: 11 }])).toEqual({ written: 3 });
  await second.release();
  const afterwards = await contents();
  expect(afterwards).toMatchObject([{ info: '{"a":1.00}' }, { name: null }, { name: '' }, before[3]]);
});

it('takes nothing when a ledger row is not at its start, or is not there', async () => {
  const warehouse = open();
  await writeCsv(csv, [['1', 'a', null, null]]);
  for (const steps of [
    [{ partition: 0, start: 1, end: 10 }],
    [
      { partition: 0, start: 0, end: 10 },
      { partition: 1, start: 99, end: 110 },
    ],
    [{ partition: 7, start: 0, end: 10 }],
  ]) {
    const staged = await warehouse.stage(table, csv);
    await expect(staged.apply('topic', steps)).rejects.toMatchObject({ code: 'LedgerMoved' });
    await staged.release();
  }
  const staged = await warehouse.stage(table, csv);
  await expect(staged.apply('another topic', [{ partition: 0, start: 0, end: 10 }])).rejects.toMatchObject({
    code: 'LedgerMoved',
  });
  expect(await contents()).toEqual([]);
  expect(await warehouse.ledger(table.name, 'topic')).toEqual(
    new Map([
      [0, 0],
      [1, 100],
    ]),
  );
});

it('lets one of many racing loaders win each step', async () => {
  const loaders = Array.from({ length: 5 }, open);
  await writeCsv(csv, [['1', 'a', null, null]]);
  for (let at = 0; at < 5; at++) {
    // Steps in opposite orders: locks taken as they come would deadlock.
    const steps = [
      { partition: 0, start: at, end: at + 1 },
      { partition: 1, start: 100 + at, end: 101 + at },
    ];
    const staged = await Promise.all(loaders.map((each) => each.stage(table, csv)));
    const ends = await Promise.allSettled(
      staged.map((each, i) => each.apply('topic', i % 2 ? steps : steps.toReversed())),
    );
    await Promise.all(staged.map((each) => each.release()));
    expect(ends.filter((end) => end.status === 'fulfilled')).toHaveLength(1);
    for (const end of ends) if (end.status === 'rejected') expect(isFault(end.reason, 'LedgerMoved')).toBe(true);
  }
  expect(await open().ledger(table.name, 'topic')).toEqual(
    new Map([
      [0, 5],
      [1, 105],
    ]),
  );
});

it('leaves no trace when its session is killed between staging and commit, and the next attempt gets in', async () => {
  const warehouse = open();
  await writeCsv(csv, [['1', 'a', null, null]]);
  const staged = await warehouse.stage(table, csv);
  // The table is locked by somebody, so the transaction has moved the ledger and waits with its upsert: then it is killed.
  const blocker = await pool.connect();
  await blocker.query(`BEGIN; LOCK TABLE ${schema}.${table.name.table} IN ACCESS EXCLUSIVE MODE`);
  const applied = staged.apply('topic', [{ partition: 0, start: 0, end: 10 }]);
  applied.catch(() => undefined);
  await expect
    .poll(async () => {
      const { rows } = await pool.query<{ killed: boolean }>(
        `SELECT pg_terminate_backend(pid) AS killed FROM pg_stat_activity
         WHERE application_name = 'headrace warehouse' AND wait_event_type = 'Lock' AND query LIKE '%' || $1 || '%'`,
        [table.name.table],
      );
      return rows.length;
    })
    .toBe(1);
  await expect(applied).rejects.toMatchObject({ code: 'WarehouseUnavailable', retry: true });
  await blocker.query('ROLLBACK');
  blocker.release();
  await staged.release();
  expect(await contents()).toEqual([]);
  expect((await warehouse.ledger(table.name, 'topic')).get(0)).toBe(0);
  const again = await warehouse.stage(table, csv);
  await again.apply('topic', [{ partition: 0, start: 0, end: 10 }]);
  await again.release();
  expect(await contents()).toMatchObject([{ id: 1, name: 'a' }]);
});

it('names the table and the row when the table refuses it, and moves nothing', async () => {
  const warehouse = open();
  await pool.query(`ALTER TABLE ${schema}.${table.name.table} ADD CHECK (price > 0)`);
  await writeCsv(csv, [['1', 'a', '-1', null]]);
  const staged = await warehouse.stage(table, csv);
  const applied = staged.apply('topic', [{ partition: 0, start: 0, end: 10 }]);
  await expect(applied).rejects.toMatchObject({ code: 'RowsRefused', retry: false });
  await expect(applied).rejects.toThrow(`"${schema}"."${table.name.table}"`);
  expect((await warehouse.ledger(table.name, 'topic')).get(0)).toBe(0);
});

it('loads a table that is all key, twice, and an identity key', async () => {
  const warehouse = open();
  const shape = { columns: [{ ...column('id', 'int64', 'bigint'), nullable: false }], key: ['id'] };
  table = { name: { schema, table: unique('k') }, shape };
  await pool.query(`CREATE TABLE ${schema}.${table.name.table} (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY)`);
  await warehouse.ensureTable(table, owner);
  await warehouse.startLedger(table.name, 'topic', { 0: 0 });
  await writeCsv(csv, [['5'], ['6']]);
  for (const [at, written] of [
    [0, 2],
    [1, 0],
  ] as const) {
    const staged = await warehouse.stage(table, csv);
    expect(await staged.apply('topic', [{ partition: 0, start: at, end: at + 1 }])).toEqual({ written });
    await staged.release();
  }
});

it('updates the one row of many that is there already, though a sample of the keys does not show it', async () => {
  const warehouse = open();
  const many = Array.from({ length: 20_000 }, (_, i) => [`${i + 1}`, 'new', `${i}.00`, null]);
  await pool.query(`INSERT INTO ${schema}.${table.name.table} (id, name) VALUES (19999, 'old')`);
  await writeCsv(csv, many);
  const staged = await warehouse.stage(table, csv);
  expect(await staged.apply('topic', [{ partition: 0, start: 0, end: 20_000 }])).toEqual({ written: 20_000 });
  await staged.release();
  const { rows } = await pool.query<{ rows: number; ids: number; news: number; sum: string }>(
    `SELECT count(*)::int AS rows, count(DISTINCT id)::int AS ids, count(*) FILTER (WHERE name = 'new')::int AS news,
            sum(price)::text AS sum FROM ${schema}.${table.name.table}`,
  );
  expect(rows).toEqual([{ rows: 20_000, ids: 20_000, news: 20_000, sum: '199990000.00' }]);
  expect((await warehouse.ledger(table.name, 'topic')).get(0)).toBe(20_000);
});

it('takes nothing where a trigger lets rows go without a word', async () => {
  const warehouse = open();
  const name = `${schema}.${table.name.table}`;
  await pool.query(
    `CREATE FUNCTION ${name}_gone() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN IF NEW.id = 2 THEN RETURN NULL; END IF; RETURN NEW; END $$;
     CREATE TRIGGER gone BEFORE INSERT ON ${name} FOR EACH ROW EXECUTE FUNCTION ${name}_gone()`,
  );
  await writeCsv(csv, [
    ['1', 'a', '1.00', null],
    ['2', 'b', '2.00', null],
  ]);
  const staged = await warehouse.stage(table, csv);
  await expect(staged.apply('topic', [{ partition: 0, start: 0, end: 10 }])).rejects.toThrow(
    /1 of 2 new rows.*trigger/,
  );
  await staged.release();
  expect(await contents()).toEqual([]);
  expect(await warehouse.ledger(table.name, 'topic')).toEqual(
    new Map([
      [0, 0],
      [1, 100],
    ]),
  );
});

it('inserts nothing into a table that lost its unique key since it was looked at', async () => {
  const warehouse = open();
  await writeCsv(csv, [['1', 'a', null, null]]);
  const staged = await warehouse.stage(table, csv);
  const name = `${schema}.${table.name.table}`;
  await pool.query(`ALTER TABLE ${name} DROP CONSTRAINT ${table.name.table}_pkey`);
  const applied = staged.apply('topic', [{ partition: 0, start: 0, end: 10 }]);
  await expect(applied).rejects.toMatchObject({ code: 'TableUnsuited' });
  expect(await contents()).toEqual([]);
  expect((await warehouse.ledger(table.name, 'topic')).get(0)).toBe(0);
});
