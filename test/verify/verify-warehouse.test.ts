/** Every kind of seeded damage to the warehouse is found by verify, and named by its key. */
import { HEADER, readOrigin, writeOrigin } from '../../contracts/messages.ts';
import { describe, expect, it } from 'vitest';
import { CLEAN, key, lake, load, qualified, replayAndLoad, source, useLake, verify, warehouse } from './setting.ts';

useLake();

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
