/** What planning refuses, and what it fixes for good; on real services. */
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { PipelineSpec } from '../../contracts/pipeline.ts';
import type { ReplayScope } from '../../contracts/replay.ts';
import { NO_LIMITS, newPipeline, openSetting, required, type Setting, unique } from './setting.ts';

let setting: Setting;
beforeAll(() => {
  setting = openSetting();
});
afterAll(() => setting.close());

const plan = (spec: PipelineSpec, replayId = unique('r'), scope: ReplayScope = {}) =>
  setting.activities().planReplay({ spec, replayId, scope, workflowId: `replay/${replayId}` });

async function tableOf(ddl: (name: string) => string): Promise<PipelineSpec> {
  const spec = await newPipeline(setting, 1);
  const { table } = spec.source.table;
  await setting.sales.query(`DROP TABLE ${table}; ${ddl(table)}`);
  return spec;
}

describe('planning refuses', () => {
  test.each([
    ['a table without a key', (name: string) => `CREATE TABLE ${name} (a int)`, 'no primary key'],
    [
      'a type that is not supported',
      (name: string) => `CREATE TABLE ${name} (a int PRIMARY KEY, way interval)`,
      '"way"',
    ],
    ['names that differ in case only', (name: string) => `CREATE TABLE ${name} (a int PRIMARY KEY, "A" int)`, 'case'],
    ['names of the lineage', (name: string) => `CREATE TABLE ${name} (a int PRIMARY KEY, "_Offset" int)`, '_Offset'],
    [
      'a table that others inherit from',
      (name: string) => `CREATE TABLE ${name} (a int PRIMARY KEY); CREATE TABLE ${name}_kid () INHERITS (${name})`,
      'inherit',
    ],
    [
      'a nondeterministic key',
      (name: string) =>
        `CREATE COLLATION IF NOT EXISTS any_case (provider = icu, locale = 'und-u-ks-level2', deterministic = false);
         CREATE TABLE ${name} (a text COLLATE any_case PRIMARY KEY)`,
      'nondeterministic',
    ],
  ])('%s', async (_, ddl, said) => {
    await expect(plan(await tableOf(ddl))).rejects.toMatchObject({
      code: 'TableUnsuited',
      message: expect.stringContaining(said) as string,
    });
  });

  test('all that does not fit, in one message, and changes nothing', async () => {
    const spec = await tableOf((name) => `CREATE TABLE ${name} (a int PRIMARY KEY, b money, c inet)`);
    const failure = await plan({ ...spec, lake: { ...spec.lake, bucket: 'no-such-bucket' } }).catch(
      (error: unknown) => error,
    );
    expect(String(failure)).toMatch(/"b"[^]*"c"[^]*no-such-bucket/);
    expect(await setting.topics.describe(spec.topic.name)).toBeNull();
  });

  test('a filter that the source cannot evaluate', async () => {
    const spec = await newPipeline(setting, 5);
    await expect(plan(spec, unique('r'), { where: 'nothing = 1' })).rejects.toMatchObject({ code: 'ConfigInvalid' });
  });

  test('a topic or a dataset of another pipeline', async () => {
    const first = await newPipeline(setting, 5);
    await plan(first);
    const second = await newPipeline(setting, 5);
    await expect(plan({ ...second, topic: first.topic })).rejects.toThrow(`belongs to pipeline ${first.name}`);
    await expect(plan({ ...second, lake: first.lake })).rejects.toThrow(`belongs to pipeline ${first.name}`);
  });

  test('a list of columns that leaves out what the topic and the table have had', async () => {
    const spec = await tableOf((name) => `CREATE TABLE ${name} (a int PRIMARY KEY, b text, c text)`);
    await plan({ ...spec, source: { ...spec.source, columns: ['b', 'c'] } });
    await expect(plan({ ...spec, source: { ...spec.source, columns: ['c'] } })).rejects.toMatchObject({
      code: 'ConfigInvalid',
      message: expect.stringContaining('leaves out "b"') as string,
    });
  });

  test('a table that lost or renamed a column since, until the warehouse has it no more', async () => {
    const spec = await tableOf((name) => `CREATE TABLE ${name} (a int PRIMARY KEY, b text, c text)`);
    const { table } = spec.source.table;
    spec.warehouse = { ...spec.warehouse, table: { schema: unique('gone'), table }, schemaChange: 'add' };
    await plan(spec);
    await setting.sales.query(`ALTER TABLE ${table} RENAME COLUMN b TO z; ALTER TABLE ${table} DROP COLUMN c`);
    await expect(plan(spec)).rejects.toMatchObject({
      code: 'TableUnsuited',
      message: expect.stringMatching(/"b" is no longer in the source[^]*"c" is no longer in the source/) as string,
    });
    const warehouse = new pg.Pool({ connectionString: required('HEADRACE_CONNECTION_WAREHOUSE'), max: 1 });
    const { schema } = spec.warehouse.table;
    await warehouse.query(
      `ALTER TABLE ${schema}.${table} RENAME COLUMN b TO old_b; ALTER TABLE ${schema}.${table} DROP COLUMN c`,
    );
    await plan(spec);
    await plan(spec);
    const { rows } = await warehouse.query(`SELECT * FROM ${schema}.${table}`);
    expect(rows).toEqual([]);
    await warehouse.query(`DROP SCHEMA ${schema} CASCADE`);
    await warehouse.end();
  });

  test('a column that the table had, lost, had again and lost again', async () => {
    const spec = await tableOf((name) => `CREATE TABLE ${name} (a int PRIMARY KEY, b text)`);
    const { table } = spec.source.table;
    spec.warehouse = { ...spec.warehouse, table: { schema: unique('again'), table }, schemaChange: 'add' };
    const shown = `${spec.warehouse.table.schema}.${table}`;
    const warehouse = new pg.Pool({ connectionString: required('HEADRACE_CONNECTION_WAREHOUSE'), max: 1 });
    await plan(spec);
    await setting.sales.query(`ALTER TABLE ${table} DROP COLUMN b`);
    await warehouse.query(`ALTER TABLE ${shown} DROP COLUMN b`);
    await plan(spec);
    await setting.sales.query(`ALTER TABLE ${table} ADD COLUMN b text`);
    await plan(spec);
    await setting.sales.query(`ALTER TABLE ${table} DROP COLUMN b`);
    await expect(plan(spec)).rejects.toThrow(/"b" is no longer in the source/);
    await warehouse.query(`DROP SCHEMA ${spec.warehouse.table.schema} CASCADE`);
    await warehouse.end();
  });

  test('a replay id of another pipeline, or of another window', async () => {
    const first = await newPipeline(setting, 5);
    const replayId = unique('r');
    await plan(first, replayId);
    await plan(first, replayId);
    await expect(plan(await newPipeline(setting, 5), replayId)).rejects.toThrow(
      `belongs to a replay of pipeline ${first.name}`,
    );
    await expect(plan(first, replayId, { where: 'id > 1' })).rejects.toThrow('choose another --replay-id');
  });

  test('a key that does not fit a transaction’s progress, when it becomes a bound', async () => {
    const spec = await tableOf(
      (name) =>
        `CREATE TABLE ${name} (k text PRIMARY KEY);
         INSERT INTO ${name} SELECT 'a' || i FROM generate_series(100, 198) i;
         INSERT INTO ${name} VALUES ('m' || repeat('"', 2900)); INSERT INTO ${name} SELECT 'z' || i FROM generate_series(1, 50) i`,
    );
    const replayId = unique('r');
    await plan(spec, replayId);
    await expect(setting.activities().findChunks({ replayId, atLeast: 100 })).rejects.toMatchObject({
      code: 'TableUnsuited',
    });
  });
});

test('a replay id that the control database forgot is told by what the topic says of it', async () => {
  const spec = await newPipeline(setting, 50);
  const replayId = unique('r');
  const publish = async () => {
    await plan(spec, replayId);
    await setting.activities().takeTurn({ replayId, pace: NO_LIMITS });
    await setting.activities().findChunks({ replayId, atLeast: 10 });
    await setting.activities().publishChunk({ replayId, chunk: 0 });
  };
  await publish();
  for (const table of ['publishing', 'lane_transaction', 'chunk', 'replay']) {
    await setting.control.query(`DELETE FROM headrace.${table} WHERE replay_id = $1`, [replayId]);
  }
  await expect(publish()).rejects.toMatchObject({
    code: 'ConfigInvalid',
    message: expect.stringContaining('earlier replay') as string,
  });
});

test('what expires before anything was landed is missed: the manifest starts when the replay is planned', async () => {
  const spec = await newPipeline(setting, 5);
  await plan(spec);
  const rows = await setting.control.query<{ next: string }>(
    'SELECT next FROM headrace.manifest_partition WHERE dataset = $1',
    [`lake/${spec.lake.prefix}`],
  );
  expect(rows.rows).toEqual([{ next: '0' }, { next: '0' }, { next: '0' }]);
});
