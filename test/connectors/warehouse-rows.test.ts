/**
 * Rows on their way in, on every adapter: rows and ledger move together, from the right place only, whoever races or dies; what the
 * table refuses is told row by row, and changes nothing.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { LedgerStep, StagedRows, Warehouse, WarehouseTable } from '../../activities/ports/warehouse.ts';
import type { Key } from '../../contracts/columns.ts';
import { isFault } from '../../contracts/errors.ts';
import { unique } from '../load/services.ts';
import { column, SALES, writeCsv } from '../load/shapes.ts';
import { KINDS, openTestDatabase, TEST_OWNER as owner, type TestDatabase } from './databases.ts';

/** MariaDB renews its list of transactions only where nobody has read it for 100 ms. */
const LOOK_MS = 300;

type Rows = readonly (readonly (string | null)[])[];

describe.each(KINDS)('rows into %s', (kind) => {
  let database: TestDatabase;
  let warehouse: Warehouse;
  let directory: string;
  let table: WarehouseTable;
  let shown: string;
  const sql = (text: string) => database.warehouse.sql(text);
  const contents = () => sql(`SELECT id, name, price, info FROM ${shown} ORDER BY id, name`);
  const step = (start: number, end: number, partition = 0): LedgerStep[] => [{ partition, start, end }];

  async function file(rows: Rows): Promise<string> {
    const path = join(directory, unique('rows'));
    await writeCsv(path, rows, warehouse.csvNull);
    return path;
  }
  const stage = async (rows: Rows, by = warehouse): Promise<StagedRows> => by.stage(table, await file(rows));
  async function load(rows: Rows, steps: readonly LedgerStep[]): Promise<{ written: number }> {
    const staged = await stage(rows);
    const done = await staged.apply('topic', steps);
    await staged.release();
    return done;
  }
  async function use(shape = SALES): Promise<void> {
    const name = { schema: database.warehouse.schema, table: unique('t') };
    table = { name, shape };
    shown = `${name.schema}.${name.table}`;
    await warehouse.ensureTable(table, owner);
    await warehouse.startLedger(name, 'topic', { 0: 0, 1: 100 });
  }
  const ledger = async () => Object.fromEntries(await warehouse.ledger(table.name, 'topic'));

  beforeAll(async () => {
    database = await openTestDatabase(kind);
    warehouse = database.warehouse.open();
    directory = await mkdtemp(join(tmpdir(), 'headrace-test-'));
  });
  beforeEach(() => use());
  afterAll(async () => {
    await database.close();
    await rm(directory, { recursive: true });
  });

  it('new and changed ones are written, equal ones untouched, values as they are', async () => {
    const odd = `NULL, \\N "quoted" it's\r\n\ttab \\ é😀 `;
    const first: Rows = [
      ['1', 'a', '1.00', '{"a":1.0}'],
      ['2', '', null, null],
      ['3', null, '3.00', '{"a":1.0}'],
      ['4', odd, '-4.50', null],
      ['5', 'NULL', '4.00', null],
      ['-9223372036854775808', '\\N', '9999999999.99', null],
    ];
    const staged = await stage(first);
    expect(staged.rows).toBe(6);
    expect(await contents()).toEqual([]);
    expect(await staged.apply('topic', step(0, 10))).toEqual({ written: 6 });
    await staged.release();
    await staged.release();
    expect(await contents()).toEqual([...first].sort((one, two) => Number(one[0]) - Number(two[0])));
    // Row 1: only the json's text differs. Row 2: '' becomes NULL. Row 3: NULL becomes ''. Row 4: blank at the end. Row 5: equal.
    const second: Rows = [
      ['1', 'a', '1.00', '{"a":1.00}'],
      ['2', null, null, null],
      ['3', '', '3.00', '{"a":1.0}'],
      ['4', odd.trimEnd(), '-4.50', null],
      ['5', 'NULL', '4.00', null],
    ];
    expect(await load(second, step(10, 11))).toEqual({ written: 4 });
    expect((await contents()).slice(1)).toEqual(second);
    expect(await ledger()).toEqual({ 0: 11, 1: 100 });
  });

  it('of several files come in together', async () => {
    const staged = await stage([['1', 'a', null, null]]);
    await staged.add(await file([['2', 'b', null, null]]));
    expect(staged.rows).toBe(2);
    expect(await staged.apply('topic', [...step(0, 5), ...step(100, 105, 1)])).toEqual({ written: 2 });
    await staged.release();
    expect(await contents()).toHaveLength(2);
    expect(await ledger()).toEqual({ 0: 5, 1: 105 });
  });

  it('each record is a row where there is no key', async () => {
    await use({ ...SALES, key: [] });
    const rows: Rows = [
      ['1', 'a', null, null],
      ['1', 'a', null, null],
    ];
    expect(await load(rows, step(0, 2))).toEqual({ written: 2 });
    expect(await load(rows, step(2, 4))).toEqual({ written: 2 });
    await expect(load(rows, step(2, 4))).rejects.toMatchObject({ code: 'LedgerMoved' });
    expect(await contents()).toHaveLength(4);
  });

  it('nothing is taken when a ledger row is not at its start, or is not there', async () => {
    const attempts: [string, LedgerStep[]][] = [
      ['topic', step(1, 10)],
      ['topic', [...step(0, 10), ...step(99, 110, 1)]],
      ['topic', step(0, 10, 7)],
      ['another topic', step(0, 10)],
    ];
    for (const [topic, steps] of attempts) {
      for (const how of ['apply', 'replace'] as const) {
        const staged = await stage([['1', 'a', null, null]]);
        await expect(staged[how](topic, steps)).rejects.toMatchObject({ code: 'LedgerMoved', retry: true });
        await staged.release();
      }
      await expect(warehouse.advance(table.name, topic, steps)).rejects.toMatchObject({ code: 'LedgerMoved' });
    }
    expect(await contents()).toEqual([]);
    expect(await ledger()).toEqual({ 0: 0, 1: 100 });
    // Another loader's staged rows are not in the way, nor seen.
    expect(await load([['2', 'b', null, null]], step(0, 1))).toEqual({ written: 1 });
    expect(await contents()).toHaveLength(1);
  });

  it('one of many racing loaders wins each step', async () => {
    const loaders = Array.from({ length: 5 }, () => database.warehouse.open());
    for (let at = 0; at < 5; at++) {
      // Steps in opposite orders: locks taken as they come would deadlock.
      const steps = [...step(at, at + 1), ...step(100 + at, 101 + at, 1)];
      const staged = await Promise.all(loaders.map((each, i) => stage([[String(at), `by ${i}`, null, null]], each)));
      const ends = await Promise.allSettled(
        staged.map((each, i) => each.apply('topic', i % 2 ? steps : steps.toReversed())),
      );
      await Promise.all(staged.map((each) => each.release()));
      const winner = ends.findIndex((end) => end.status === 'fulfilled');
      expect(ends.filter((end) => end.status === 'fulfilled')).toHaveLength(1);
      for (const end of ends) if (end.status === 'rejected') expect(isFault(end.reason, 'LedgerMoved')).toBe(true);
      expect((await contents()).at(-1)).toEqual([String(at), `by ${winner}`, null, null]);
    }
    expect(await ledger()).toEqual({ 0: 5, 1: 105 });
  });

  it.each(['apply', 'replace'] as const)(
    'no trace is left of a session killed in the transaction (%s), and the next attempt gets in',
    async (how) => {
      await sql(`INSERT INTO ${shown} (id, name) VALUES (1, 'old')`);
      const staged = await stage([
        ['1', 'a', null, null],
        ['2', 'b', null, null],
      ]);
      // Somebody's transaction holds the row, so ours has moved the ledger and waits with its rows: then it is killed.
      const user = await database.warehouse.begin();
      await user.run(`SELECT 1 FROM ${shown} WHERE id = 1 FOR UPDATE`);
      const applied = staged[how]('topic', step(0, 10));
      applied.catch(() => undefined);
      await expect
        .poll(() => sql(database.words.waiting(table.name.table)), { timeout: 20_000, interval: LOOK_MS })
        .toHaveLength(1);
      await sql(database.words.kill((await sql(database.words.waiting(table.name.table)))[0]?.[0] ?? ''));
      await expect(applied).rejects.toMatchObject({ code: 'WarehouseUnavailable', retry: true });
      await user.rollback();
      await staged.release();
      expect(await contents()).toEqual([['1', 'old', null, null]]);
      expect(await ledger()).toEqual({ 0: 0, 1: 100 });
      await load(
        [
          ['1', 'a', null, null],
          ['2', 'b', null, null],
        ],
        step(0, 10),
      );
      expect(await contents()).toEqual([
        ['1', 'a', null, null],
        ['2', 'b', null, null],
      ]);
    },
  );

  it('replacing writes what differs, lets the others go, and an empty batch empties the table', async () => {
    await load(
      [
        ['1', 'a', null, null],
        ['2', 'b', null, null],
        ['3', 'c', null, null],
      ],
      step(0, 3),
    );
    const rows: Rows = [
      ['2', 'b', null, null],
      ['3', 'changed', null, null],
      ['4', 'new', null, null],
    ];
    const staged = await stage(rows);
    expect(await staged.replace('topic', step(3, 6))).toEqual({ written: 2, gone: 1 });
    await staged.release();
    expect(await contents()).toEqual(rows);
    const empty = await stage([]);
    expect(await empty.replace('topic', step(6, 9))).toEqual({ written: 0, gone: 3 });
    await empty.release();
    expect(await contents()).toEqual([]);
    expect(await ledger()).toEqual({ 0: 9, 1: 100 });
  });

  it('a table that is all key, twice, and a key that the server numbers', async () => {
    await use({ columns: [{ ...column('id', 'int64', 'bigint'), nullable: false }], key: ['id'] });
    await sql(`DROP TABLE ${shown}`);
    await sql(`CREATE TABLE ${shown} (${database.words.identity})`);
    await warehouse.ensureTable(table, owner);
    await warehouse.startLedger(table.name, 'topic', { 0: 0 });
    expect(await load([['5'], ['6'], ['0']], step(0, 1))).toEqual({ written: 3 });
    expect(await load([['5'], ['6'], ['0']], step(1, 2))).toEqual({ written: 0 });
    expect(await sql(`SELECT id FROM ${shown} ORDER BY id`)).toEqual([['0'], ['5'], ['6']]);
  });

  it('keys that differ in case, in a blank at the end, or in an accent stay apart', async () => {
    const name = { ...column('name', 'text', 'text'), nullable: false };
    await use({ columns: [name, column('n', 'int32', 'integer')], key: ['name'] });
    const keys = ['a', 'A', 'a ', 'ä', 'ß', 'ss', ''];
    expect(
      await load(
        keys.map((key, at) => [key, String(at)]),
        step(0, 9),
      ),
    ).toEqual({ written: keys.length });
    expect(await sql(`SELECT count(*), count(DISTINCT n) FROM ${shown}`)).toEqual([['7', '7']]);
  });

  it('the one row of many that is there already is updated, though a sample of the keys does not show it', async () => {
    const many = Array.from({ length: 20_000 }, (_, i) => [`${i + 1}`, 'new', `${i}.00`, null]);
    await sql(`INSERT INTO ${shown} (id, name) VALUES (19999, 'old')`);
    expect(await load(many, step(0, 20_000))).toEqual({ written: 20_000 });
    expect(await sql(`SELECT count(*), min(name), max(name), sum(price) FROM ${shown}`)).toEqual([
      ['20000', 'new', 'new', '199990000.00'],
    ]);
    expect((await ledger())[0]).toBe(20_000);
  });

  it('an aborted loader stages nothing', async () => {
    await expect(
      warehouse.stage(table, await file([['1', 'a', null, null]]), AbortSignal.abort(new Error('stop'))),
    ).rejects.toThrow();
    expect(await contents()).toEqual([]);
    expect(await load([['1', 'a', null, null]], step(0, 1))).toEqual({ written: 1 });
  });

  describe('that the table refuses', () => {
    const BAD: Rows = [
      ['1', 'good', '1.00', null],
      ['2', 'much too long', '1.00', null],
      ['3', 'abc', 'abc', null],
      ['4', 'far', '99999999999.99', null],
      ['no', 'id', '1.00', null],
      ['6', 'fine', '2.00', null],
    ];
    const places = (rows: Rows): Rows => rows.map((row, at) => [...row, '3', String(1000 + at)]);

    beforeEach(() =>
      use({
        ...SALES,
        columns: SALES.columns.map((each) =>
          each.name === 'name' ? column('name', 'text', 'character varying(5)') : each,
        ),
      }),
    );

    it.each(BAD.filter((_, at) => at >= 1 && at <= 4))('a value that does not fit (%s, %s, %s)', async (...row) => {
      await expect(stage([['7', 'ok', null, null], row])).rejects.toMatchObject({ code: 'RowsRefused', retry: false });
      expect(await contents()).toEqual([]);
      expect(await ledger()).toEqual({ 0: 0, 1: 100 });
    });

    it('a constraint: the table and the cause are named, nothing moves', async () => {
      await sql(`ALTER TABLE ${shown} ADD CONSTRAINT dear CHECK (price > 0)`);
      const staged = await stage([
        ['1', 'a', '1', null],
        ['2', 'a', '-1', null],
      ]);
      const applied = staged.apply('topic', step(0, 10));
      await expect(applied).rejects.toMatchObject({ code: 'RowsRefused', retry: false });
      await expect(applied).rejects.toThrow(table.name.table);
      await expect(applied).rejects.toThrow('dear');
      await staged.release();
      expect(await contents()).toEqual([]);
      expect(await ledger()).toEqual({ 0: 0, 1: 100 });
    });

    it('are told apart from those that it takes, each with its place and reason, and nothing changes', async () => {
      await sql(`ALTER TABLE ${shown} ADD CONSTRAINT dear CHECK (price <> 7)`);
      await sql(`INSERT INTO ${shown} (id, name) VALUES (1, 'old')`);
      const rows: Rows = [
        ...BAD,
        ['8', 'seven', '7.00', null],
        [null, 'none', '1.00', null],
        ['9', 'last', null, null],
      ];
      const refused = await warehouse.judge(table, await file(places(rows)));
      const found = [...refused].sort((one, two) => one.offset - two.offset);
      expect(found.map(({ partition, offset }) => [partition, offset])).toEqual(
        [1001, 1002, 1003, 1004, 1006, 1007].map((offset) => [3, offset]),
      );
      for (const { reason } of found) expect(reason.length).toBeGreaterThan(10);
      expect(found[4]?.reason).toContain('dear');
      expect(await contents()).toEqual([['1', 'old', null, null]]);
      expect(await ledger()).toEqual({ 0: 0, 1: 100 });
      const good = rows.filter((_, at) => !found.some(({ offset }) => offset === 1000 + at));
      expect(await load(good, step(0, 10))).toEqual({ written: 3 });
      expect(await warehouse.judge(table, await file(places(good)))).toEqual([]);
    });
  });

  describe('pruned', () => {
    it('are those that are still gone when no load can come in, and no others', async () => {
      const rows: Rows = Array.from({ length: 6 }, (_, i) => [String(i + 1), 'x', null, null]);
      await load(rows, step(0, 6));
      const staged = await stage([['7', 'late', null, null]]);
      let late: Promise<unknown> = Promise.resolve();
      const asked: Key[][] = [];
      const pruned = await warehouse.prune(table, 'topic', [['1'], ['2'], ['3'], ['99']], async (keys) => {
        asked.push([...keys]);
        late = staged.apply('topic', step(6, 7));
        await expect
          .poll(() => sql(database.words.waiting('headrace.ledger')), { timeout: 20_000, interval: LOOK_MS })
          .toHaveLength(1);
        return keys.filter(([id]) => id !== '2');
      });
      expect(pruned).toBe(2);
      expect(asked).toEqual([[['1'], ['2'], ['3'], ['99']]]);
      expect(await late).toEqual({ written: 1 });
      await staged.release();
      expect((await contents()).map(([id]) => id)).toEqual(['2', '4', '5', '6', '7']);
      expect(await warehouse.prune(table, 'topic', [['4']], () => Promise.resolve([]))).toBe(0);
      await expect(
        warehouse.prune(table, 'topic', [['4']], () => Promise.reject(new Error('the source is away'))),
      ).rejects.toThrow('the source is away');
      expect(await contents()).toHaveLength(5);
    });
  });
});
