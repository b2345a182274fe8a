/** Rows that a PostgreSQL table refuses late or for another row's sake: these become dead letters, and no others with them. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest';
import type { RefusedRow, Warehouse, WarehouseTable } from '../../activities/ports/warehouse.ts';
import { unique } from '../load/services.ts';
import { column, writeCsv } from '../load/shapes.ts';
import { openTestDatabase, TEST_OWNER as owner, type TestDatabase } from './databases.ts';

type Row = readonly (string | null)[];

let database: TestDatabase;
let warehouse: Warehouse;
let directory: string;
let csv: string;
let table: WarehouseTable;
let shown: string;
let loadedTo: number;

beforeAll(async () => {
  database = await openTestDatabase('postgres');
  warehouse = database.warehouse.open();
  directory = await mkdtemp(join(tmpdir(), 'headrace-test-'));
  csv = join(directory, 'rows.csv');
});
beforeEach(() => {
  const name = { schema: database.warehouse.schema, table: unique('t') };
  const id = { ...column('id', 'int64', 'bigint'), nullable: false };
  const columns = [id, column('parent', 'int64', 'bigint'), column('email', 'text', 'text')];
  table = { name, shape: { columns, key: ['id'] } };
  shown = `${name.schema}.${name.table}`;
  loadedTo = 0;
});
afterAll(async () => {
  await database.close();
  await rm(directory, { recursive: true });
});

/** $T in both is the table. */
async function make(columns: string, more = ''): Promise<void> {
  await database.warehouse.sql(`CREATE TABLE $T (${columns}); ${more}`.replaceAll('$T', () => shown));
  await warehouse.ensureTable(table, owner);
  await warehouse.startLedger(table.name, 'topic', { 0: 0 });
}
async function load(rows: readonly Row[]): Promise<void> {
  await writeCsv(csv, rows);
  const staged = await warehouse.stage(table, csv);
  try {
    await staged.apply('topic', [{ partition: 0, start: loadedTo, end: loadedTo + 1 }]);
    loadedTo += 1;
  } finally {
    await staged.release();
  }
}
/** As a load does: the batch is refused, its rows are judged, the others come in. @returns ids that were refused, in order */
async function loadGood(rows: readonly Row[]): Promise<{ ids: number[]; refused: readonly RefusedRow[] }> {
  await expect(load(rows)).rejects.toMatchObject({ code: 'RowsRefused' });
  await writeCsv(
    csv,
    rows.map((row, at) => [...row, '0', String(at)]),
  );
  const refused = await warehouse.judge(table, csv);
  const offsets = new Set(refused.map(({ offset }) => offset));
  await load(rows.filter((_, at) => !offsets.has(at)));
  return { ids: [...offsets].map((at) => Number(rows[at]?.[0])).sort((one, two) => one - two), refused };
}
const count = async () => Number((await database.warehouse.sql(`SELECT count(*) FROM ${shown}`))[0]?.[0]);
const each = (rows: number, row: (id: number) => Row): Row[] => Array.from({ length: rows }, (_, i) => row(i + 1));

it("by a trigger's RAISE EXCEPTION", async () => {
  await make(
    'id bigint PRIMARY KEY, parent bigint, email text',
    `CREATE FUNCTION $T_no() RETURNS trigger LANGUAGE plpgsql AS
       $$ BEGIN IF NEW.id = 500 THEN RAISE EXCEPTION 'id 500 is not welcome'; END IF; RETURN NEW; END $$;
     CREATE TRIGGER no BEFORE INSERT OR UPDATE ON $T FOR EACH ROW EXECUTE FUNCTION $T_no()`,
  );
  const { refused } = await loadGood(each(1000, (id) => [`${id}`, null, `u${id}`]));
  expect(refused).toEqual([{ partition: 0, offset: 499, reason: 'id 500 is not welcome' }]);
  expect(await count()).toBe(999);
});

it('at COMMIT', async () => {
  await make('id bigint PRIMARY KEY, parent bigint, email text, UNIQUE (email) DEFERRABLE INITIALLY DEFERRED');
  const { ids } = await loadGood(each(1000, (id) => [`${id}`, null, id === 500 ? 'u1' : `u${id}`]));
  expect(ids).toEqual([500]);
  expect(await count()).toBe(999);
});

const SELF = 'id bigint PRIMARY KEY, parent bigint REFERENCES $T';
const CHECKED = `email text CHECK (email <> 'bad')`;

it.each(['', ' DEFERRABLE INITIALLY DEFERRED'])('among rows that come before the row they refer to%s', async (when) => {
  await make(`${SELF}${when}, ${CHECKED}`);
  // Of a tree, every leaf first; the bad row has a child and a grandchild, which nobody can take without it.
  const rows = each(2000, (id) => [`${id}`, id > 1 ? `${Math.floor(id / 2)}` : null, id === 480 ? 'bad' : 'good']);
  const { ids } = await loadGood(rows.toReversed());
  expect(ids).toEqual([480, 960, 961, 1920, 1921, 1922, 1923]);
  expect(await count()).toBe(1993);
});

it('among rows that refer to each other', async () => {
  await make(`${SELF}, ${CHECKED}`);
  // In a ring: each is good only together with all others.
  const ring = each(500, (id) => [`${id}`, `${(id % 500) + 1}`, 'good']);
  const { ids } = await loadGood([...ring, ['501', null, 'bad']]);
  expect(ids).toEqual([501]);
  expect(await count()).toBe(500);
});

it("among rows that take each other's value of a deferrable key", async () => {
  await make(`id bigint PRIMARY KEY, parent bigint UNIQUE DEFERRABLE, ${CHECKED}`);
  await load(each(500, (id) => [`${id}`, `${id}`, 'good']));
  const moved = each(500, (id) => [`${id}`, `${(id % 500) + 1}`, 'good']);
  const { ids } = await loadGood([...moved, ['501', '501', 'bad']]);
  expect(ids).toEqual([501]);
  expect(await database.warehouse.sql(`SELECT parent FROM ${shown} WHERE id = 500`)).toEqual([['1']]);
});

it('in the time that a load has, where 20,000 rows in a chain hang on one', async () => {
  await make(`${SELF}, ${CHECKED}`);
  const chain = each(20_000, (id) => [`${id}`, id > 1 ? `${id - 1}` : null, id === 10_001 ? 'bad' : 'good']);
  const { ids } = await loadGood(chain.toReversed());
  expect(ids).toHaveLength(10_000);
  expect(ids.at(-1)).toBe(20_000);
});
