/** What only PostgreSQL's tables can have: rules, partial and deferrable indexes, identities, triggers that let rows go. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest';
import type { Warehouse, WarehouseTable } from '../../activities/ports/warehouse.ts';
import { unique } from '../load/services.ts';
import { column, SALES, writeCsv } from '../load/shapes.ts';
import { openTestDatabase, TEST_OWNER as owner, type TestDatabase } from './databases.ts';

let database: TestDatabase;
let warehouse: Warehouse;
let directory: string;
let csv: string;
let table: WarehouseTable;
let shown: string;

beforeAll(async () => {
  database = await openTestDatabase('postgres');
  warehouse = database.warehouse.open();
  directory = await mkdtemp(join(tmpdir(), 'headrace-test-'));
  csv = join(directory, 'rows.csv');
});
beforeEach(() => {
  const name = { schema: database.warehouse.schema, table: unique('t') };
  table = { name, shape: SALES };
  shown = `${name.schema}.${name.table}`;
});
afterAll(async () => {
  await database.close();
  await rm(directory, { recursive: true });
});

async function prepare(): Promise<void> {
  await warehouse.ensureTable(table, owner);
  await warehouse.startLedger(table.name, 'topic', { 0: 0 });
}
const step = [{ partition: 0, start: 0, end: 10 }];
const untouched = async () => {
  expect(await database.warehouse.sql(`SELECT * FROM ${shown}`)).toEqual([]);
  expect(await warehouse.ledger(table.name, 'topic')).toEqual(new Map([[0, 0]]));
};

it.each([
  ['(k text); CREATE UNIQUE INDEX ON $T (k) WHERE k <> $$$$', 'no usable unique index'],
  ['(k text UNIQUE DEFERRABLE)', 'no usable unique index'],
  ['(k text PRIMARY KEY); CREATE RULE elsewhere AS ON INSERT TO $T DO INSTEAD NOTHING', 'rule "elsewhere" rewrites'],
  ['(k text PRIMARY KEY); ALTER TABLE $T SET UNLOGGED', 'ALTER TABLE "$S"."$N" SET LOGGED'],
  [
    '(k text PRIMARY KEY) PARTITION BY LIST (k); CREATE UNLOGGED TABLE $T_part PARTITION OF $T DEFAULT',
    'ALTER TABLE "$S"."$N_part" SET LOGGED',
  ],
])('a table %s is refused', async (columns, reason) => {
  await database.warehouse.sql(`CREATE TABLE $T ${columns}`.replaceAll('$T', () => shown));
  table.shape = { columns: [column('k', 'text', 'text')], key: ['k'] };
  await expect(warehouse.ensureTable(table, owner)).rejects.toThrow(
    reason.replace('$S', () => table.name.schema).replace('$N', () => table.name.table),
  );
});

it('an identity that is the key is loaded', async () => {
  await database.warehouse.sql(
    `CREATE TABLE ${shown} (id bigint GENERATED ALWAYS AS IDENTITY UNIQUE, name varchar, price numeric, info json)`,
  );
  await prepare();
  await writeCsv(csv, [['5', 'a', '1.00', null]]);
  const staged = await warehouse.stage(table, csv);
  expect(await staged.apply('topic', step)).toEqual({ written: 1 });
  await staged.release();
  expect(await database.warehouse.sql(`SELECT id, name, price FROM ${shown}`)).toEqual([['5', 'a', '1.00']]);
});

it('takes nothing where a trigger lets rows go without a word', async () => {
  await prepare();
  await database.warehouse.sql(
    `CREATE FUNCTION ${shown}_gone() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN IF NEW.id = 2 THEN RETURN NULL; END IF; RETURN NEW; END $$;
     CREATE TRIGGER gone BEFORE INSERT ON ${shown} FOR EACH ROW EXECUTE FUNCTION ${shown}_gone()`,
  );
  await writeCsv(csv, [
    ['1', 'a', '1.00', null],
    ['2', 'b', '2.00', null],
  ]);
  const staged = await warehouse.stage(table, csv);
  await expect(staged.apply('topic', step)).rejects.toThrow(/1 of 2 new rows.*trigger/);
  await staged.release();
  await untouched();
});

it('inserts nothing into a table that lost its unique key since it was looked at', async () => {
  await prepare();
  await writeCsv(csv, [['1', 'a', null, null]]);
  const staged = await warehouse.stage(table, csv);
  await database.warehouse.sql(`ALTER TABLE ${shown} DROP CONSTRAINT ${table.name.table}_pkey`);
  await expect(staged.apply('topic', step)).rejects.toMatchObject({ code: 'TableUnsuited' });
  await untouched();
});
