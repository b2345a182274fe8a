/** Verify on real services: equal is equal, and every kind of seeded damage is found and named by its key. */
import { LAKE_FORMATS } from '../../contracts/pipeline.ts';
import { HEADER, readOrigin, writeOrigin } from '../../contracts/messages.ts';
import { DuckDBInstance } from '@duckdb/node-api';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { loadSealed } from '../../activities/load-sealed.ts';
import type { PrunePorts } from '../../activities/verify-prune.ts';
import { verifyReplay } from '../../activities/verify-replay.ts';
import type { ReplayScope } from '../../contracts/replay.ts';
import type { VerifyReport } from '../../contracts/temporal.ts';
import { createHostileTable, HOSTILE_ROWS } from '../formats/hostile-table.ts';
import { type TestLake, idlePulse, openTestLake } from '../load/test-lake.ts';

let lake: TestLake;
let qualified: string;

/** A composite key with text in a linguistic collation: 'a' < 'B' < 'c' there, not by bytes. */
beforeEach(openLake);
afterEach(async () => {
  await lake.close();
});

async function openLake(): Promise<void> {
  lake = await openTestLake({ table: 'sales', eventTime: 'at' });
  qualified = `${lake.schema}.sales`;
  await lake.sales.query(
    `CREATE TABLE ${qualified} (code text COLLATE "und-x-icu", id int, name text, price numeric, at timestamptz, PRIMARY KEY (code, id))`,
  );
  await lake.sales.query(
    `INSERT INTO ${qualified} SELECT (ARRAY['a','B','c','Zoë'])[1 + i % 4], i, 'n' || i, i / 7.0,
     '2024-03-01Z'::timestamptz + i * interval '1 hour' FROM generate_series(0, 199) i`,
  );
}

async function load(): Promise<void> {
  const request = { spec: lake.spec, workflowId: 'test', returnAfterMs: 20_000 };
  await loadSealed(lake.loadPorts, request, idlePulse());
}
async function replayAndLoad(scope: ReplayScope = {}): Promise<string> {
  const replayId = await lake.replay(scope);
  await lake.land();
  await load();
  return replayId;
}
async function verify(replayId?: string): Promise<VerifyReport> {
  const input = { spec: lake.spec, ...(replayId === undefined ? {} : { replayId }) };
  return await verifyReplay(lake.verifyPorts, input, idlePulse());
}
const key = (code: string, id: number): string => JSON.stringify({ code, id });
const warehouse = (sql: string) => lake.warehouseSql.query(sql.replaceAll('sales', qualified));
const source = (sql: string) => lake.sales.query(sql.replaceAll('sales', qualified));

const CLEAN = {
  missing: 0,
  extra: 0,
  different: 0,
  changedSince: 0,
  lost: 0,
  deadLetters: 0,
  chunksUnequal: 0,
  ok: true,
};

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

describe('the warehouse is wrong', () => {
  it('finds what is missing, changed and extra, and names it', async () => {
    await replayAndLoad();
    await warehouse(`DELETE FROM sales WHERE id IN (4, 7)`);
    await warehouse(`UPDATE sales SET price = NULL WHERE id = 9`);
    await warehouse(`UPDATE sales SET name = NULL WHERE id = 10`);
    await warehouse(`INSERT INTO sales VALUES ('a', 1000, 'x'), ('zzz', 5, 'y')`);
    const report = await verify();
    expect(report).toMatchObject({ missing: 2, different: 2, extra: 2, changedSince: 0, chunksUnequal: 0, ok: false });
    expect(report.examples.missing.sort()).toEqual([key('a', 4), key('Zoë', 7)].sort());
    expect(report.examples.different.sort()).toEqual([key('B', 9), key('c', 10)].sort());
    expect(report.examples.extra.sort()).toEqual([key('a', 1000), key('zzz', 5)].sort());
  });

  it('finds single rows among many buckets', async () => {
    await source(`INSERT INTO sales SELECT 'm', i, 'n' || i, i, '2025-01-01Z' FROM generate_series(1000, 6999) i`);
    lake.spec.source.chunkRows = 1_500;
    const replayId = await lake.replay();
    await lake.land(1_000);
    await load();
    expect(await verify(replayId)).toMatchObject({ ...CLEAN, rows: { source: 6_200, loaded: 6_200 } });
    await warehouse(`DELETE FROM sales WHERE id = 2500`);
    await warehouse(`UPDATE sales SET at = at + interval '1 microsecond' WHERE id IN (3333, 150)`);
    await warehouse(`INSERT INTO sales VALUES ('m', 9000, 'x')`);
    await source(`UPDATE sales SET price = price + 1 WHERE id = 4444`);
    const report = await verify();
    expect(report).toMatchObject({
      missing: 1,
      extra: 1,
      different: 2,
      changedSince: 1,
      examples: { missing: [key('m', 2500)], extra: [key('m', 9000)], changedSince: [key('m', 4444)] },
    });
    expect(report.examples.different.sort()).toEqual([key('c', 150), key('m', 3333)].sort());
  });

  it('names a key of every type alike on all sides', async () => {
    lake.spec.source.table = { schema: lake.schema, table: 'keys' };
    lake.spec.warehouse.table = { schema: lake.schema, table: 'keys' };
    delete lake.spec.source.eventTime;
    const types = {
      i: 'bigint',
      s: 'smallint',
      n: 'numeric',
      n2: 'numeric(5,2)',
      n20: 'numeric(20,3)',
      r: 'real',
      d: 'double precision',
      b: 'boolean',
      t: 'text',
      v: 'varchar(9)',
      c: 'char(4)',
      da: 'date',
      ti: 'time',
      ts: 'timestamp',
      tz: 'timestamptz',
      u: 'uuid',
      by: 'bytea',
      e: `${lake.schema}.mood`,
    };
    await source(`CREATE TYPE ${lake.schema}.mood AS ENUM ('glad', 'so "so"')`);
    const names = Object.keys(types);
    const columns = Object.entries(types).map(([name, type]) => `${name} ${type}`);
    await source(`CREATE TABLE ${lake.schema}.keys (${columns.join(', ')}, x int, PRIMARY KEY (${names.join(', ')}))`);
    await source(`INSERT INTO ${lake.schema}.keys VALUES
      (9223372036854775807, -7, 1.00, 1.00, 12345678901234567.120, 0.1, -0, true, '', 'a', 'a', '2024-03-01', '24:00:00',
       '1969-12-31 23:59:59.999999', '2024-03-01 10:00:00.5+02', 'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11', '\\x00ff', 'glad', 1),
      (1, 0, 'NaN', 'NaN', 'NaN', 'NaN', 'Infinity', false, E'"q"\\\\ \n😀', 'é', '', '0044-03-15 BC', '00:00:00.1',
       'infinity', '-infinity', '00000000-0000-0000-0000-000000000000', '', 'so "so"', 1),
      (-1, 1, 1e30, -0.5, 0, 3.4028235e38, 5e-324, true, ' ', '', ' b', 'infinity', '10:00:00', '0044-03-15 12:00:00.5 BC',
       '0044-03-15 12:00:00.5+00 BC', 'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a12', '\\x0a', 'glad', 1),
      (0, 2, 100, 100, 100, 100, 100, true, 'NULL', 'NULL', 'NULL', '12345-06-07', '10:00:00.123456', '12345-01-01',
       '12345-01-01+00', 'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a13', '\\x4e554c4c', 'glad', 1)`);
    await replayAndLoad();
    expect(await verify()).toMatchObject({ ...CLEAN, rows: { source: 4, loaded: 4 } });
    await lake.warehouseSql.query(`UPDATE ${lake.schema}.keys SET x = 2`);
    expect(await verify()).toMatchObject({ different: 4, missing: 0, extra: 0, changedSince: 0 });
    await source(`DELETE FROM ${lake.schema}.keys`);
    await lake.warehouseSql.query(`UPDATE ${lake.schema}.keys SET x = 1`);
    expect(await verify()).toMatchObject({ different: 0, missing: 0, extra: 4, changedSince: 0 });
  });

  it('counts all and names 20 where a whole table is gone, or not loaded yet', async () => {
    await replayAndLoad();
    await warehouse('TRUNCATE sales');
    const report = await verify();
    expect(report).toMatchObject({ missing: 200, ok: false, rows: { loaded: 0 } });
    expect(report.examples.missing).toHaveLength(20);
    await warehouse('DROP TABLE sales');
    expect(await verify()).toMatchObject({ missing: 200, chunksUnequal: 0, ok: false });
  });

  it('names a column that the warehouse table lost, and the remedy', async () => {
    await replayAndLoad();
    await warehouse(`ALTER TABLE sales DROP COLUMN name`);
    await expect(verify()).rejects.toThrow(/has no column "name".*warehouse\.schemaChange: add/);
  });

  it('finds rows twice, where the table lost its primary key', async () => {
    await replayAndLoad();
    await lake.warehouseSql.query(`ALTER TABLE ${qualified} DROP CONSTRAINT sales_pkey`);
    await warehouse(`INSERT INTO sales SELECT * FROM sales WHERE id < 100`);
    expect(await verify()).toMatchObject({ extra: 100, missing: 0, different: 0, ok: false });
    await warehouse(`DELETE FROM sales a USING sales b WHERE a.ctid > b.ctid AND (a.code, a.id) = (b.code, b.id)`);
    expect(await verify()).toMatchObject(CLEAN);
    await warehouse(`ALTER TABLE sales ALTER code DROP NOT NULL`);
    await warehouse(`INSERT INTO sales (id) VALUES (5)`);
    expect(await verify()).toMatchObject({ extra: 1, missing: 0, different: 0, ok: false });
  });

  it('finds rows that came from a record of no replay, above the upper key and below it', async () => {
    await source(`CREATE TABLE numbers (id int PRIMARY KEY, v int)`.replace('numbers', `${lake.schema}.numbers`));
    await source(`INSERT INTO ${lake.schema}.numbers SELECT 10 * i, i FROM generate_series(1, 200) i`);
    lake.spec.source.table = { schema: lake.schema, table: 'numbers' };
    lake.spec.warehouse.table = { schema: lake.schema, table: 'numbers' };
    delete lake.spec.source.eventTime;
    const first = await replayAndLoad();
    const template = lake.state.log[0]?.[0];
    if (!template) throw new Error('partition 0 is empty');
    const forge = (id: number): void => {
      const offset = lake.state.ends[0] ?? 0;
      const [key, value] = [template.key, template.value].map((bytes) =>
        Buffer.from(String(bytes).replace(/"id":"?\d+"?/, `"id":${id}`)),
      );
      if (!key || !value) throw new Error('nothing to forge');
      const origin = readOrigin(String(template.headers[0]?.[HEADER]));
      if (!origin) throw new Error('the record has no origin');
      const headers = [{ [HEADER]: Buffer.from(writeOrigin({ ...origin, replay: 'forged' })) }];
      lake.state.log[0]?.push({ offset, key, value, headers });
      lake.state.ends[0] = offset + 1;
    };
    forge(1_000_000);
    forge(15);
    await lake.land();
    await load();
    expect(await verify(first)).toMatchObject({ extra: 2, missing: 0, different: 0, ok: false, rows: { landed: 200 } });
  });

  it('finds a stale row that a scoped replay should have replaced', async () => {
    await replayAndLoad();
    await source(`UPDATE sales SET name = 'new' WHERE id = 30`);
    const second = await replayAndLoad({ from: '2024-03-02T00:00:00Z' });
    await warehouse(`UPDATE sales SET name = 'n30' WHERE id = 30`);
    expect(await verify(second)).toMatchObject({ different: 1, examples: { different: [key('c', 30)] }, ok: false });
  });

  it('finds above the upper key what the source does not have, and passes over what it has', async () => {
    await source(`CREATE TABLE numbers (id int PRIMARY KEY, v int)`.replace('numbers', `${lake.schema}.numbers`));
    await source(`INSERT INTO ${lake.schema}.numbers SELECT i, i FROM generate_series(1, 2500) i`);
    lake.spec.source.table = { schema: lake.schema, table: 'numbers' };
    lake.spec.warehouse.table = { schema: lake.schema, table: 'numbers' };
    delete lake.spec.source.eventTime;
    await replayAndLoad();
    await source(`DELETE FROM ${lake.schema}.numbers WHERE id > 500`);
    const shorter = await replayAndLoad();
    expect(await verify(shorter)).toMatchObject({
      extra: 2_000,
      missing: 0,
      different: 0,
      chunksUnequal: 0,
      ok: false,
    });
    await source(`INSERT INTO ${lake.schema}.numbers SELECT i, i FROM generate_series(501, 2500) i`);
    expect(await verify(shorter)).toMatchObject(CLEAN);
    await source(`TRUNCATE ${lake.schema}.numbers`);
    expect(await verify(await replayAndLoad())).toMatchObject({
      extra: 2_500,
      missing: 0,
      rows: { source: 0, loaded: 0 },
    });
  });
});

describe('source and warehouse hash rows alike', () => {
  /** How often the warehouse was hashed canonically. */
  async function verifyCounting(): Promise<{ report: VerifyReport; canonical: number }> {
    let canonical = 0;
    const ports: PrunePorts = {
      ...lake.verifyPorts,
      openWarehouseHashes: (name) => {
        const hashes = lake.verifyPorts.openWarehouseHashes(name);
        const view: typeof hashes.view = async (request) => {
          const view = await hashes.view(request);
          return view && { ...view, sums: (buckets) => ((canonical += 1), view.sums(buckets)) };
        };
        return { ...hashes, view };
      },
    };
    const report = await verifyReplay(ports, { spec: lake.spec }, idlePulse());
    return { report, canonical };
  }

  it('spares the warehouse the canonical hash where equality follows without', async () => {
    // A transaction of another test that runs when the replay begins takes the proof away: then once more.
    for (let attempt = 0; attempt < 10; attempt++) {
      await replayAndLoad();
      const { report, canonical } = await verifyCounting();
      expect(report).toMatchObject({ ...CLEAN, rows: { source: 200, landed: 200, loaded: 200 } });
      if (canonical === 0) return;
      await lake.close();
      await openLake();
    }
    expect.fail('each of ten was hashed canonically');
  });

  it('takes nothing for proven where source and warehouse were changed alike behind the lake', async () => {
    await replayAndLoad();
    for (const sql of [source, warehouse]) await sql(`UPDATE sales SET name = 'both' WHERE id = 7`);
    const { report, canonical } = await verifyCounting();
    expect(report).toMatchObject({ different: 1, examples: { different: [key('Zoë', 7)] }, ok: false });
    expect(canonical).toBeGreaterThan(0);
  });

  it('takes nothing for proven where a row that was published is no longer in the scope', async () => {
    await replayAndLoad({ where: 'price < 20' });
    await source(`UPDATE sales SET price = 1000 WHERE id = 7`);
    await warehouse(`DELETE FROM sales WHERE id = 7`);
    const { report } = await verifyCounting();
    expect(report).toMatchObject({ missing: 1, examples: { missing: [key('Zoë', 7)] }, ok: false });
  });

  it('takes nothing for proven where another table, as old, took the place of the source', async () => {
    const staging = `${lake.schema}.staging`;
    await lake.sales.query(`CREATE TABLE ${staging} (LIKE ${qualified} INCLUDING ALL)`);
    await lake.sales.query(`INSERT INTO ${staging} SELECT * FROM ${qualified}`);
    await lake.sales.query(`UPDATE ${staging} SET name = 'both' WHERE id = 7`);
    await replayAndLoad();
    await lake.sales.query(`ALTER TABLE ${qualified} RENAME TO aside; ALTER TABLE ${staging} RENAME TO sales`);
    await warehouse(`UPDATE sales SET name = 'both' WHERE id = 7`);
    const { report } = await verifyCounting();
    expect(report).toMatchObject({ different: 1, examples: { different: [key('Zoë', 7)] }, ok: false });
  });

  it('holds the lake against the warehouse where it has more than the replay', async () => {
    await replayAndLoad();
    await source(`DELETE FROM sales WHERE id = 3`);
    await warehouse(`DELETE FROM sales WHERE id IN (2, 3)`);
    await source(`DELETE FROM sales WHERE id = 2`);
    await source(`UPDATE sales SET name = 'second' WHERE id = 9`);
    const second = await replayAndLoad();
    const { report, canonical } = await verifyCounting();
    expect(report).toMatchObject({ ...CLEAN, replayId: second, rows: { source: 198, loaded: 198 } });
    expect(canonical).toBeGreaterThan(0);
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

describe('the lake is wrong', () => {
  async function firstObject(): Promise<{ name: string; rows: number }> {
    const [cut] = await lake.loads.sealedCuts(lake.dataset, lake.state.topicId, new Map([[1, 0]]), 1);
    const object = cut?.objects[0];
    if (!object) throw new Error('partition 1 has no object');
    return object;
  }

  it('finds an object that is gone', async () => {
    await replayAndLoad();
    await lake.remove((await firstObject()).name);
    const report = await verify();
    expect(report).toMatchObject({ extra: 0, missing: 0, different: 0, ok: false });
    expect(report.chunksUnequal).toBeGreaterThan(0);
  });

  it.each([
    ['rows twice', 'SELECT * FROM f UNION ALL SELECT * FROM f'],
    ['a row less', 'SELECT * FROM f LIMIT (SELECT count(*) - 1 FROM f)'],
    ['another value', `SELECT * REPLACE ('x' AS name) FROM f`],
  ])('finds an object that holds %s', async (_, query) => {
    await replayAndLoad();
    const { name } = await firstObject();
    const [before, after] = [join(lake.scratch, 'before.parquet'), join(lake.scratch, 'after.parquet')];
    await lake.store.download('lake', name, before);
    const duck = await (await DuckDBInstance.create()).connect();
    await duck.run(`COPY (WITH f AS (FROM read_parquet('${before}')) ${query}) TO '${after}' (FORMAT parquet)`);
    duck.closeSync();
    await lake.remove(name);
    await lake.store.putIfAbsent('lake', name, after, {});
    const report = await verify();
    expect(report.chunksUnequal).toBeGreaterThan(0);
    expect(report.ok).toBe(false);
  });

  it.each([
    ['is not the format at all', () => Buffer.from('not an object of the lake at all')],
    ['ends early', (whole: Buffer) => whole.subarray(0, whole.length - 100)],
    [
      'is damaged in its data',
      (whole: Buffer) => Buffer.concat([whole.subarray(0, 4), Buffer.alloc(200, 0xa5), whole.subarray(204)]),
    ],
  ])('refuses, by name, an object that %s', async (_, damage) => {
    await replayAndLoad();
    const { name } = await firstObject();
    const path = join(lake.scratch, 'damaged');
    await lake.store.download('lake', name, path);
    await writeFile(path, damage(await readFile(path)));
    await lake.remove(name);
    await lake.store.putIfAbsent('lake', name, path, {});
    await expect(verify()).rejects.toMatchObject({
      code: 'ManifestConflict',
      retry: false,
      message: expect.stringContaining(name) as string,
    });
  });

  it('counts open dead letters of no known replay among its offsets', async () => {
    const replayId = await replayAndLoad();
    const add = (offset: number, replay: string | null, state = 'open', found = 'now()') =>
      lake.control.query(
        `INSERT INTO headrace.dead_letter (dataset, topic_id, topic, partition, offset_, headers, replay_id, reason, state, found_at)
         VALUES ($1, $2, $3, 1, $4, '[]', $5, 'a test', $6, ${found})`,
        [lake.dataset, lake.state.topicId, lake.spec.topic.name, offset, replay, state],
      );
    await add(lake.state.ends[1] ?? 0, null);
    await add(0, null, 'open', `now() - interval '1 day'`);
    await add(1, null, 'discarded');
    expect(await verify(replayId)).toMatchObject(CLEAN);
    await add(2, null);
    await add(3, 'unheard of');
    expect(await verify(replayId)).toMatchObject({ deadLetters: 2, chunksUnequal: 0, ok: false });
  });

  it('counts dead letters of the replay by its headers; they fail it until they are closed', async () => {
    const replayId = await lake.replay();
    const [record] = lake.state.log[2]?.splice(3, 1) ?? [];
    if (!record) throw new Error('partition 2 has no fourth record');
    const chunk = readOrigin(String(record.headers[0]?.[HEADER]))?.chunk;
    await lake.control.query(
      `INSERT INTO headrace.dead_letter (dataset, topic_id, topic, partition, offset_, headers, replay_id, chunk, reason)
       VALUES ($1, $2, $3, 2, $4, '[]', $5, $6, 'a test')`,
      [lake.dataset, lake.state.topicId, lake.spec.topic.name, record.offset, replayId, chunk],
    );
    await lake.land();
    await load();
    expect(await verify()).toMatchObject({ deadLetters: 1, chunksUnequal: 0, missing: 1, ok: false });
  });

  it('counts rows of offsets that were lost, and nothing that merely is not there', async () => {
    await lake.replay();
    await lake.land();
    const gone = await lake.control.query<{ id: string; start: string; finish: string; rows: string }>(
      `DELETE FROM headrace.cut WHERE (partition_id, start_offset) IN (
         SELECT c.partition_id, c.start_offset FROM headrace.cut c JOIN headrace.manifest_partition p ON p.id = c.partition_id
         WHERE p.dataset = $1 AND p.partition = 0 ORDER BY c.start_offset DESC LIMIT 1)
       RETURNING partition_id AS id, start_offset AS start, end_offset AS finish, rows`,
      [lake.dataset],
    );
    const [hole] = gone.rows;
    if (!hole) throw new Error('no cut was removed');
    await load();
    const before = await verify();
    expect(before).toMatchObject({ lost: 0, missing: Number(hole.rows), ok: false });
    expect(before.chunksUnequal).toBeGreaterThan(0);
    const values = [hole.id, hole.start, hole.finish];
    await lake.control.query(`INSERT INTO headrace.lost VALUES ($1, $2, $3, 'a test', now(), now())`, values);
    const report = await verify();
    expect(report).toMatchObject({ lost: Number(hole.rows), chunksUnequal: 0, missing: Number(hole.rows), ok: false });
  });
});

it('refuses what is not published', async () => {
  await expect(verify()).rejects.toMatchObject({ code: 'ReplayUnknown' });
  await expect(verify('none')).rejects.toMatchObject({ code: 'ReplayUnknown' });
});
