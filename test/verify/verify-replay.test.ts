/** Verify on real services, where nothing is wrong: equal is equal, whatever the tables hold, and what changed since is told apart. */
import { LAKE_FORMATS } from '../../contracts/pipeline.ts';
import type { ReplayScope } from '../../contracts/replay.ts';
import { createHostileTable, HOSTILE_ROWS } from '../formats/hostile-table.ts';
import { describe, expect, it } from 'vitest';
import { CLEAN, key, lake, replayAndLoad, source, useLake, verify, warehouse } from './setting.ts';

useLake();

describe('nothing is wrong', () => {
  it('of a whole table', async () => {
    const replayId = await replayAndLoad();
    const report = await verify();
    expect(report).toMatchObject({
      ...CLEAN,
      pipeline: lake.spec.name,
      replayId,
      rows: { source: 200, replayed: 200, landed: 200, loaded: 200 },
      examples: { missing: [], extra: [], different: [], changedSince: [] },
    });
    const cuts = await lake.loads.sealedCuts(
      lake.dataset,
      lake.state.topicId,
      new Map([
        [0, 0],
        [1, 0],
        [2, 0],
      ]),
      100,
    );
    expect(report.objects).toBe(cuts.length);
    expect(report.bytes).toBe(cuts.reduce((sum, cut) => sum + cut.bytes, 0));
  });

  it('of a window and a filter, while the rest was never loaded', async () => {
    await replayAndLoad({
      from: '2024-03-02T00:00:00Z',
      to: '2024-03-05T00:00:00Z',
      where: "sales.name <> 'n30' -- x",
    });
    expect(await verify()).toMatchObject({ ...CLEAN, rows: { source: 71, replayed: 71, landed: 71, loaded: 71 } });
  });

  it('of an older replay, after a newer one brought changes and more rows', async () => {
    const first = await replayAndLoad();
    await source(`UPDATE sales SET name = 'changed' WHERE id < 50`);
    await source(`INSERT INTO sales VALUES ('zz', 1, 'beyond the first')`);
    const second = await replayAndLoad();
    expect(await verify(second)).toMatchObject({ ...CLEAN, rows: { source: 201, loaded: 201 } });
    expect(await verify(first)).toMatchObject({ ...CLEAN, rows: { source: 200, landed: 200 } });
  });

  it('of a table that gained, lost and widened columns between replays', async () => {
    const first = await replayAndLoad();
    await source(
      `ALTER TABLE sales ADD COLUMN note text DEFAULT 'noted', DROP COLUMN price, ALTER COLUMN name TYPE varchar(50)`,
    );
    await source(`UPDATE sales SET note = NULL WHERE id % 3 = 0`);
    await source(`DELETE FROM sales WHERE id > 190`);
    await warehouse(`ALTER TABLE sales ADD COLUMN note text`);
    const second = await replayAndLoad();
    expect(second).not.toBe(first);
    // What the source deleted stays in the warehouse, and is told.
    expect(await verify(second)).toMatchObject({ ...CLEAN, extra: 9, ok: false, rows: { source: 191, landed: 191 } });
  });

  it.each(['parquet', 'csv'] as const)('of a table that gained a column between replays, as %s', async (format) => {
    lake.spec.lake.format = format;
    const first = await replayAndLoad();
    await source(`ALTER TABLE sales ADD COLUMN note text`);
    await source(`UPDATE sales SET note = 'noted ' || id`);
    await warehouse(`ALTER TABLE sales ADD COLUMN note text`);
    const second = await replayAndLoad();
    expect(await verify(second)).toMatchObject({ ...CLEAN, rows: { source: 200, landed: 200 } });
    expect(await verify(first)).toMatchObject(CLEAN);
    await warehouse(`INSERT INTO sales VALUES ('a', 1000, 'no record brought it')`);
    await source(`INSERT INTO sales VALUES ('a', 1000, 'no record brought it')`);
    expect(await verify(second)).toMatchObject({ extra: 1, different: 0, missing: 0, ok: false });
  });

  it('of a lake in both formats: the last record a key over all of it', async () => {
    await replayAndLoad();
    lake.spec.lake.format = 'csv';
    await source(`UPDATE sales SET name = 'changed' WHERE id < 50`);
    await replayAndLoad();
    lake.spec.lake.format = 'parquet';
    await source(`UPDATE sales SET name = 'again' WHERE id < 20`);
    const last = await replayAndLoad();
    expect(await verify(last)).toMatchObject({ ...CLEAN, rows: { source: 200, landed: 200 } });
    await warehouse(`UPDATE sales SET name = 'wrong' WHERE id IN (10, 30)`);
    expect(await verify(last)).toMatchObject({ different: 2, missing: 0, extra: 0 });
  });

  it.each<[string, ReplayScope]>([
    ['a re-drive of keys', { keys: [['a', '40']] }],
    ['a window', { from: '2024-03-02T00:00:00Z' }],
  ])('of %s, while the warehouse has a row outside of it that no record brought', async (_what, scope) => {
    await replayAndLoad();
    const replayId = await replayAndLoad(scope);
    await warehouse(`INSERT INTO sales VALUES ('a', -1, 'nobody brought it', 1, '2024-03-01')`);
    expect(await verify(replayId)).toMatchObject(CLEAN);
    await warehouse(`DELETE FROM sales WHERE id = 7`);
    await warehouse(`UPDATE sales SET name = 'other' WHERE id = 40`);
    await source(`DELETE FROM sales WHERE id = 40`);
    // What lake and warehouse do not agree on is told wherever it lies, and so is what the source lacks within the scope.
    expect(await verify(replayId)).toMatchObject({ missing: 1, different: 1, extra: 0, ok: false });
    await warehouse(`UPDATE sales SET name = 'n40' WHERE id = 40`);
    expect(await verify(replayId)).toMatchObject({ extra: 1, examples: { extra: [key('a', 40)] }, ok: false });
  });

  it('of an empty table', async () => {
    await source('TRUNCATE sales');
    expect(await verify(await replayAndLoad())).toMatchObject({
      ...CLEAN,
      rows: { source: 0, replayed: 0, loaded: 0 },
    });
  });

  it('of a table that held the user’s rows before, as far as they are out of the replay’s scope', async () => {
    await lake.warehouseSql.query(`CREATE SCHEMA ${lake.schema}`);
    await warehouse(
      `CREATE TABLE sales (code text, id int, name text, price numeric, at timestamptz, mine bool DEFAULT true, PRIMARY KEY (code, id))`,
    );
    await warehouse(`INSERT INTO sales VALUES ('zzz', 9, NULL), ('a', 0, 'to be overwritten')`);
    const replayId = await replayAndLoad({ where: 'name IS NOT NULL' });
    expect(await verify(replayId)).toMatchObject({ ...CLEAN, rows: { source: 200 } });
    await warehouse(`INSERT INTO sales VALUES ('b', 9, 'within the replay, and not in the source')`);
    expect(await verify()).toMatchObject({ extra: 1, examples: { extra: [key('b', 9)] }, ok: false });
  });

  it.each(LAKE_FORMATS)('of values that break pipelines, as %s', async (format) => {
    lake.spec.lake.format = format;
    const client = await lake.sales.connect();
    await client.query(`SET search_path = ${lake.schema}`);
    await createHostileTable(client);
    client.release(true);
    lake.spec.source.table = { schema: lake.schema, table: 'hostile' };
    lake.spec.warehouse.table = { schema: lake.schema, table: 'ho "st" ile' };
    delete lake.spec.source.eventTime;
    lake.spec.source.key = ['key "part"', 'id'];
    await replayAndLoad();
    const rows = { source: HOSTILE_ROWS, replayed: HOSTILE_ROWS, landed: HOSTILE_ROWS, loaded: HOSTILE_ROWS };
    expect(await verify()).toMatchObject({ ...CLEAN, rows });
  });
});

describe('the source went on', () => {
  it('calls it changed since, with proof, and that is no failure', async () => {
    await replayAndLoad();
    await source(`UPDATE sales SET name = 'later' WHERE id = 5`);
    await source(`INSERT INTO sales VALUES ('a', 500, 'below the upper key'), ('zzz', 1, 'above it')`);
    const report = await verify();
    expect(report).toMatchObject({ ...CLEAN, changedSince: 2, rows: { source: 201 } });
    expect(report.examples.changedSince.sort()).toEqual([key('B', 5), key('a', 500)].sort());
  });

  it('calls a row extra that was deleted from the source, and changed since one that left the scope', async () => {
    await replayAndLoad({ where: "name LIKE 'n%'" });
    await source(`DELETE FROM sales WHERE id = 8`);
    await source(`UPDATE sales SET name = 'left' WHERE id = 13`);
    expect(await verify()).toMatchObject({
      extra: 1,
      changedSince: 1,
      examples: { extra: [key('a', 8)], changedSince: [key('B', 13)] },
      ok: false,
    });
  });
});

it('refuses what is not published', async () => {
  await expect(verify()).rejects.toMatchObject({ code: 'ReplayUnknown' });
  await expect(verify('none')).rejects.toMatchObject({ code: 'ReplayUnknown' });
});
