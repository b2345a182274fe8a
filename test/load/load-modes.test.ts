/** Load modes on real services: append, replace, added columns; on PostgreSQL and on MariaDB. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type LoadRound, loadSealed } from '../../activities/load-sealed.ts';
import type { Warehouse } from '../../activities/ports/warehouse.ts';
import { pruneExtra } from '../../activities/verify-prune.ts';
import { verifyReplay } from '../../activities/verify-replay.ts';
import { messageOf } from '../../contracts/errors.ts';
import type { LoadMode } from '../../contracts/pipeline.ts';
import type { VerifyReport } from '../../contracts/temporal.ts';
import { type TestLake, idlePulse, openTestLake } from './test-lake.ts';
import { type Kind, type TestWarehouse, ended, loadInChild, useWarehouse } from './warehouses.ts';

let lake: TestLake;
let warehouse: TestWarehouse;
let source: string;

const ROWS = 200;

async function open(kind: Kind, mode: LoadMode): Promise<void> {
  warehouse = await useWarehouse(lake, kind);
  lake.spec.warehouse = { ...lake.spec.warehouse, mode };
}
async function load(): Promise<LoadRound> {
  const request = { spec: lake.spec, workflowId: 'test', returnAfterMs: 20_000 };
  return await loadSealed({ ...lake.loadPorts, batchRows: 60 }, request, idlePulse());
}
async function replayAndLand(): Promise<string> {
  const replayId = await lake.replay();
  await lake.land();
  return replayId;
}
const verify = (replayId?: string): Promise<VerifyReport> =>
  verifyReplay(lake.verifyPorts, { spec: lake.spec, ...(replayId === undefined ? {} : { replayId }) }, idlePulse());
const count = async (): Promise<string> =>
  (await warehouse.rows(`SELECT count(*) FROM ${warehouse.table}`))[0]?.[0] ?? '';
const inWarehouse = () => warehouse.rows(`SELECT id, name, price FROM ${warehouse.table} ORDER BY id`);
async function inSource(): Promise<unknown[]> {
  const { rows } = await lake.sales.query(`SELECT t.id::text, name, price::text FROM ${source} t ORDER BY t.id`);
  return rows.map((row: Record<string, unknown>) => Object.values(row));
}

beforeEach(async () => {
  lake = await openTestLake({ table: 'sales' });
  source = `${lake.schema}.sales`;
  await lake.sales.query(`CREATE TABLE ${source} (id bigint PRIMARY KEY, name text, price numeric(12,2))`);
  await lake.sales.query(
    `INSERT INTO ${source} SELECT i, CASE WHEN i % 7 = 0 THEN NULL ELSE 'n' || i END, i / 100.0 FROM generate_series(1, ${ROWS}) i`,
  );
});
afterEach(async () => {
  await warehouse.close();
  await lake.close();
});

const MODES = ['append', 'upsert', 'replace'] as const;
const FORMATS = ['parquet', 'csv', 'jsonl'] as const;

describe.each(['postgres', 'mariadb'] as const)('every format in every mode on %s', (kind) => {
  it.each(MODES.flatMap((mode) => FORMATS.map((format) => [mode, format] as const)))(
    '%s from %s, values as they are',
    async (mode, format) => {
      await open(kind, mode);
      lake.spec.lake.format = format;
      await lake.sales.query(
        `INSERT INTO ${source} VALUES (1001, '', 0), (1002, 'NULL', -0.01), (1003, E'\\\\N', 9999999999.99),
         (1004, E'"a",\r\n\t''b'' é😀 ', NULL), (-9223372036854775808, ' ', 1)`,
      );
      await replayAndLand();
      expect(await load()).toMatchObject({ rows: ROWS + 5, done: true });
      expect(await load()).toMatchObject({ rows: 0, done: true });
      expect(await inWarehouse()).toEqual(await inSource());
      expect(await verify()).toMatchObject({ ok: true });
    },
  );
});

describe.each(['postgres', 'mariadb'] as const)('killed on %s', (kind) => {
  describe.each(['append', 'upsert'] as const)('while it loads, %s', (mode) => {
    beforeEach(async () => {
      await open(kind, mode);
      await replayAndLand();
    });

    it.each(['staging', 'commit'] as const)('after %s: each row comes in once', async (step) => {
      expect(await ended(loadInChild(lake, warehouse, step))).toBe('SIGKILL');
      expect(await count()).toBe(step === 'staging' ? '0' : String(ROWS));
      await load();
      expect(await inWarehouse()).toEqual(await inSource());
      expect(await verify()).toMatchObject({ ok: true, rows: { loaded: ROWS } });
    });
  });
});

describe.each(['postgres', 'mariadb'] as const)('append on %s', (kind) => {
  beforeEach(() => open(kind, 'append'));

  it('makes each record a row, once, and verify proves it', async () => {
    const first = await replayAndLand();
    expect(await load()).toMatchObject({ rows: ROWS, done: true });
    expect(await load()).toMatchObject({ rows: 0, done: true });
    expect(await inWarehouse()).toEqual(await inSource());
    expect(await verify()).toMatchObject({ ok: true, mode: 'append', rows: { source: ROWS, loaded: ROWS } });
    await lake.sales.query(`UPDATE ${source} SET name = 'changed' WHERE id = 5`);
    const second = await replayAndLand();
    await load();
    expect(await count()).toBe(String(2 * ROWS));
    expect(await warehouse.rows(`SELECT name FROM ${warehouse.table} WHERE id = 5 ORDER BY name`)).toEqual([
      ['changed'],
      ['n5'],
    ]);
    expect(await verify(second)).toMatchObject({ ok: true, rows: { source: ROWS, loaded: 2 * ROWS } });
    expect(await verify(first)).toMatchObject({ ok: true, changedSince: 1 });
  });

  it('of two loads at once, each row comes in once', async () => {
    await replayAndLand();
    await Promise.all([load(), load()]);
    expect(await inWarehouse()).toEqual(await inSource());
  });

  it('verify names rows that are missing, doubled or changed', async () => {
    await replayAndLand();
    await load();
    await warehouse.rows(`DELETE FROM ${warehouse.table} WHERE id = 3`);
    await warehouse.rows(`INSERT INTO ${warehouse.table} SELECT * FROM ${warehouse.table} WHERE id = 4`);
    await warehouse.rows(`UPDATE ${warehouse.table} SET price = 0 WHERE id = 6`);
    const report = await verify();
    expect(report).toMatchObject({ ok: false, missing: 1, extra: 1, different: 1 });
    expect(report.examples).toMatchObject({ missing: ['{"id":3}'], extra: ['{"id":4}'], different: ['{"id":6}'] });
  });

  it('verify names rows of the source that this replay did not bring', async () => {
    await replayAndLand();
    await load();
    await lake.sales.query(`DELETE FROM ${source} WHERE id = 8`);
    expect(await verify()).toMatchObject({ ok: false, extra: 1, missing: 0, examples: { extra: ['{"id":8}'] } });
  });

  it('a table with a key of the source is refused', async () => {
    await replayAndLand();
    lake.spec.warehouse.mode = 'upsert';
    await load();
    lake.spec.warehouse.mode = 'append';
    const message = await load().then(() => '', messageOf);
    expect(message).toContain('would refuse the rows of the next replay, since warehouse.mode is append');
  });
});

describe.each(['postgres', 'mariadb'] as const)('replace on %s', (kind) => {
  beforeEach(() => open(kind, 'replace'));

  async function changeSource(): Promise<void> {
    await lake.sales.query(`DELETE FROM ${source} WHERE id <= 20`);
    await lake.sales.query(`UPDATE ${source} SET name = 'changed' WHERE id % 10 = 0`);
    await lake.sales.query(`INSERT INTO ${source} SELECT i, 'new', 1 FROM generate_series(501, 520) i`);
  }

  it('the table is what the newest replay read, and what is gone at the source is gone', async () => {
    await replayAndLand();
    expect(await load()).toMatchObject({ rows: ROWS, done: true });
    expect(await inWarehouse()).toEqual(await inSource());
    const before = await inWarehouse();
    await changeSource();
    await lake.replay();
    await load();
    expect(await inWarehouse(), 'published, and not landed').toEqual(before);
    await lake.land();
    expect(await load()).toMatchObject({ rows: ROWS, done: true });
    expect(await inWarehouse()).toEqual(await inSource());
    expect(await load()).toMatchObject({ rows: 0, done: true });
    expect(await verify()).toMatchObject({ ok: true, mode: 'replace', extra: 0, rows: { source: ROWS, loaded: ROWS } });
  });

  it('an empty reading empties it', async () => {
    await replayAndLand();
    await load();
    await lake.sales.query(`DELETE FROM ${source}`);
    await replayAndLand();
    expect(await load()).toMatchObject({ done: true });
    expect(await inWarehouse()).toEqual([]);
    expect(await verify()).toMatchObject({ ok: true });
  });

  it('takes the newest of several replays, and of two loads at once one wins', async () => {
    await lake.replay();
    await changeSource();
    await replayAndLand();
    await Promise.all([load(), load()]);
    expect(await inWarehouse()).toEqual(await inSource());
    expect(await verify()).toMatchObject({ ok: true });
  });

  it('a replay that is not whole replaces nothing', async () => {
    await replayAndLand();
    await load();
    const before = await inWarehouse();
    await changeSource();
    const replayId = await replayAndLand();
    await lake.control.query(`UPDATE headrace.chunk SET skipped_at = now() WHERE replay_id = $1 AND chunk = 0`, [
      replayId,
    ]);
    const message = await load().then(() => '', messageOf);
    expect(message).toContain(`replay ${replayId} does not replace`);
    expect(message).toContain('1 chunk was skipped');
    expect(await inWarehouse()).toEqual(before);
    await replayAndLand();
    await load();
    expect(await inWarehouse()).toEqual(await inSource());
  });

  it.each(['staging', 'commit'] as const)(
    'killed after %s: old or new, never between, and it goes on',
    async (step) => {
      await replayAndLand();
      await load();
      const before = await inWarehouse();
      await changeSource();
      await replayAndLand();
      expect(await ended(loadInChild(lake, warehouse, step))).toBe('SIGKILL');
      expect(await inWarehouse()).toEqual(step === 'staging' ? before : await inSource());
      await load();
      expect(await inWarehouse()).toEqual(await inSource());
      expect(await verify()).toMatchObject({ ok: true });
    },
  );

  it('killed in the transaction: readers have the old rows all along', async () => {
    await replayAndLand();
    await load();
    const before = await inWarehouse();
    await changeSource();
    await replayAndLand();
    const unlock = await warehouse.lockRow(150);
    const child = loadInChild(lake, warehouse, null);
    const death = ended(child);
    await expect.poll(() => warehouse.waiting(), { timeout: 30_000, interval: 300 }).toBe(1);
    expect(await inWarehouse()).toEqual(before);
    child.kill('SIGKILL');
    expect(await death).toBe('SIGKILL');
    await unlock();
    expect(await inWarehouse()).toEqual(before);
    await load();
    expect(await inWarehouse()).toEqual(await inSource());
  });
});

describe.each(['postgres', 'mariadb'] as const)('a new column on %s', (kind) => {
  beforeEach(async () => {
    await open(kind, 'upsert');
    await replayAndLand();
    await load();
    await lake.sales.query(`ALTER TABLE ${source} ADD COLUMN note varchar(20)`);
    await lake.sales.query(`UPDATE ${source} SET note = 'of ' || id WHERE id > 100`);
    await replayAndLand();
  });

  it('is refused, with its name and the remedy', async () => {
    const message = await load().then(() => '', messageOf);
    expect(message).toMatch(/column ["`]note["`] is missing: ALTER TABLE .* ADD COLUMN .*schemaChange: add/);
  });

  it('is added where the pipeline says so, by two loads at once as well', async () => {
    lake.spec.warehouse.schemaChange = 'add';
    await Promise.all([load(), load()]);
    expect(await warehouse.rows(`SELECT count(*), count(note) FROM ${warehouse.table}`)).toEqual([
      [String(ROWS), '100'],
    ]);
    expect(await verify()).toMatchObject({ ok: true });
  });
});

describe.each(['postgres', 'mariadb'] as const)('pruning on %s', (kind) => {
  beforeEach(() => open(kind, 'upsert'));
  const prune = () => pruneExtra(lake.verifyPorts, { spec: lake.spec }, idlePulse());

  it('deletes what the source has no more, and nothing else', async () => {
    await replayAndLand();
    await load();
    await lake.sales.query(`DELETE FROM ${source} WHERE id <= 30`);
    await lake.sales.query(`INSERT INTO ${source} VALUES (900, 'new', 1)`);
    await replayAndLand();
    await load();
    // Of nobody's replay: one that the source has not, one above all of its keys, one that it got just now.
    await warehouse.rows(`INSERT INTO ${warehouse.table} VALUES (-5, 'own', 1), (5000, 'own', 1), (6000, 'now', 1)`);
    await lake.sales.query(`INSERT INTO ${source} VALUES (6000, 'now', 1)`);
    expect(await verify()).toMatchObject({ ok: false, extra: 32 });
    expect(await prune()).toEqual({ pruned: 32 });
    expect(await inWarehouse()).toEqual(await inSource());
    expect(await verify()).toMatchObject({ ok: true, extra: 0 });
    expect(await prune()).toEqual({ pruned: 0 });
  });

  it('after a replay with a speed, whose upper key begins with an event time', async () => {
    await lake.sales.query(`ALTER TABLE ${source} ADD COLUMN at timestamptz NOT NULL DEFAULT '2024-03-01T00:00:00Z'`);
    await lake.replay({}, ['at', 'id']);
    await lake.land();
    await load();
    await lake.sales.query(`DELETE FROM ${source} WHERE id <= 3`);
    expect(await prune()).toEqual({ pruned: 3 });
    expect(await inWarehouse()).toEqual(await inSource());
  });

  it('asks the source again: a key that came back stays', async () => {
    await replayAndLand();
    await load();
    await lake.sales.query(`DELETE FROM ${source} WHERE id <= 3`);
    const found = lake.verifyPorts.openWarehouse('');
    // Back after verify has told of it, and before it is deleted.
    const prunes: Warehouse['prune'] = async (...request) => {
      await lake.sales.query(`INSERT INTO ${source} VALUES (2, 'back', 1)`);
      return await found.prune(...request);
    };
    const ports = { ...lake.verifyPorts, openWarehouse: () => ({ ...found, prune: prunes }) };
    expect(await pruneExtra(ports, { spec: lake.spec }, idlePulse())).toEqual({ pruned: 2 });
    expect((await inWarehouse())[0]?.[0]).toBe('2');
  });

  it('never after a replay of a part', async () => {
    await replayAndLand();
    await load();
    await lake.replay({ where: 'id > 100' });
    await lake.land();
    await load();
    await expect(prune()).rejects.toMatchObject({ code: 'ConfigInvalid' });
    expect(await count()).toBe(String(ROWS));
  });
});
