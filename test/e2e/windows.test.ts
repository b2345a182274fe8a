/**
 * Which rows a replay reads, and in which order: windows, limits, columns and speed, from PostgreSQL and MariaDB, by options and
 * by the pipeline file. The topic is read by a reader of its own, and verify must find the same rows.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { PlanLook } from '../../contracts/inspect.ts';
import type { ReplayReport, RunReport } from '../../contracts/temporal.ts';
import { rowsOf, startMariadb, type Mariadb } from '../mysql/services.ts';
import { openSetting, type Setting, unique } from '../replay/setting.ts';
import { documentOf, expectVerified, headrace, killAllWorkers, startWorkerProcess } from './commands.ts';
import { type TestPipeline, writePipeline } from './sales-pipeline.ts';
import { eventually, openServices, type Services } from './services.ts';

const ROWS = 1_000;
const CHUNK_ROWS = 100;
const TABLE = unique('windows');
let services: Services;
let mariadb: Mariadb;
let setting: Setting;

// The later the key, the earlier the event: rows in key order are the wrong way round for a clock. Row i is at minute ROWS - i.
beforeAll(async () => {
  services = await openServices();
  setting = openSetting();
  mariadb = await startMariadb();
  await services.sales.query(
    `CREATE TABLE ${TABLE} (id int PRIMARY KEY, at timestamptz, country text, secret text, place point);
     INSERT INTO ${TABLE} SELECT i, timestamptz '2024-03-01Z' + (${ROWS} - i) * interval '1 minute', (array['US','UK'])[i % 2 + 1], 's'
       FROM generate_series(1, ${ROWS}) i; ANALYZE ${TABLE}`,
  );
  await mariadb.admin.query(
    `CREATE TABLE sales.${TABLE} (id int PRIMARY KEY, at datetime, country varchar(9), secret text, place point)`,
  );
  await mariadb.admin.query(
    `INSERT INTO sales.${TABLE} SELECT seq, TIMESTAMP '2024-03-01 00:00:00' + INTERVAL (${ROWS} - seq) MINUTE,
       ELT(seq % 2 + 1, 'US', 'UK'), 's', NULL FROM seq_1_to_${ROWS}`,
  );
  await mariadb.admin.query(`ANALYZE TABLE sales.${TABLE}`);
  await startWorkerProcess();
}, 180_000);
afterAll(async () => {
  await killAllWorkers();
  await mariadb.admin.end();
  await setting.close();
  await services.close();
});

describe.each([
  ['sales', 'public'],
  ['mysql-sales', 'sales'],
])('from %s', (connection, schema) => {
  const newPipeline = (
    source: Readonly<Record<string, unknown>> = {},
    replay?: Record<string, unknown>,
  ): TestPipeline =>
    writePipeline(services.folder, unique('win'), {
      ...{ connection, table: `${schema}.${TABLE}`, chunkRows: CHUNK_ROWS, partitions: 1 },
      source: { eventTime: 'at', columns: ['country'], ...source },
      ...(replay === undefined ? {} : { replay }),
    });

  async function inTopic({ name }: TestPipeline): Promise<{ id: number; at: string }[]> {
    const ends = await setting.topics.highWatermarks(name, 1);
    return (await setting.readAll(name, ends)).map(({ value }) => JSON.parse(value) as { id: number; at: string });
  }

  async function change(sql: string): Promise<void> {
    if (connection === 'sales') await services.sales.query(sql);
    else await rowsOf(mariadb.admin, sql);
  }

  test('a limit is the first rows of the window in key order, over chunks and lanes, and verify goes by it', async () => {
    const pipeline = newPipeline();
    const replayId = unique('limit');
    const args = [
      'run',
      pipeline.file,
      '--json',
      '--replay-id',
      replayId,
      '--where',
      `country = 'US'`,
      '--limit',
      '333',
    ];
    expect(await documentOf<RunReport>(headrace(...args))).toMatchObject({
      ok: true,
      rows: { source: 333, replayed: 333, landed: 333, loaded: 333 },
    });
    const ids = (await inTopic(pipeline)).map(({ id }) => id).sort((a, b) => a - b);
    expect(ids).toEqual(Array.from({ length: 333 }, (_, i) => (i + 1) * 2));
    // Run again it is the same replay.
    expect(await documentOf<RunReport>(headrace(...args))).toMatchObject({ rows: { replayed: 333 } });
    expect(await inTopic(pipeline)).toHaveLength(333);
  }, 120_000);

  test('the file says window, filter and limit; an option wins; columns that are not listed stay away', async () => {
    const pipeline = newPipeline(
      { from: '2024-03-01T01:00', to: '2024-03-01T03:00Z', where: `country = 'UK'` },
      { limit: 7, rate: '5000/s', bytes: '10MiB/s' },
    );
    expect(await documentOf<ReplayReport>(headrace('replay', pipeline.file, '--json'))).toMatchObject({ rows: 7 });
    const told = await inTopic(pipeline);
    // Rows 821 to 940 are in the window; UK are the odd ones.
    expect(told.map(({ id }) => id)).toEqual([821, 823, 825, 827, 829, 831, 833]);
    expect(Object.keys(told[0] ?? {})).toEqual(['id', 'at', 'country']);
    const wider = headrace('replay', pipeline.file, '--json', '--limit', '1000', '--where', 'true');
    expect(await documentOf<ReplayReport>(wider)).toMatchObject({ rows: 120 });
    const { code, stderr } = await headrace('replay', pipeline.file, '--columns', 'id');
    expect(code).toBe(2);
    expect(stderr).toContain('source.columns');
  }, 120_000);

  test('with a speed rows come in the order of event time, the clock stands while paused, and verify finds them', async () => {
    const pipeline = newPipeline();
    const replayId = unique('speed');
    const start = headrace('replay', pipeline.file, '--json', '--replay-id', replayId, '--speed', '600x', '--detach');
    const { workflowId } = await documentOf<{ workflowId: string }>(start);
    const clock = async (): Promise<number | null> =>
      (await setting.ports.replays.pace(replayId).catch(() => null))?.clockMs ?? null;
    await eventually('the clock has begun', 60, async () => (await clock()) ?? undefined);
    expect((await headrace('pause', workflowId)).code).toBe(0);
    await eventually('it is paused', 30, async () => (await setting.ports.replays.pace(replayId)).paused || undefined);
    const stood = await clock();
    const published = await inTopic(pipeline);
    // A row is not there before it is due.
    for (const { at } of published) expect(Date.parse(at.replace(/Z?$/, 'Z'))).toBeLessThanOrEqual(stood ?? 0);
    expect(published.length).toBeLessThan(ROWS);
    expect(await clock()).toBe(stood);
    expect((await headrace('tune', workflowId, '--speed', '1000000x')).code).toBe(0);
    await headrace('resume', workflowId);
    await services.temporal.workflow.getHandle(workflowId).result();
    const ids = (await inTopic(pipeline)).map(({ id }) => id);
    expect(ids).toEqual(Array.from({ length: ROWS }, (_, i) => ROWS - i));
    await documentOf(headrace('land', pipeline.file, '--until-caught-up', '--json'));
    await documentOf(headrace('load', pipeline.file, '--json'));
    await expectVerified(pipeline.file, ROWS, replayId);
  }, 180_000);

  test('a speed is refused where rows have no event time, unless they are left out', async () => {
    await change(`INSERT INTO ${schema}.${TABLE} (id) VALUES (${ROWS + 1})`);
    try {
      const pipeline = newPipeline();
      const refused = headrace('replay', pipeline.file, '--json', '--speed', '1000000x');
      const { error } = await documentOf<{ error: { message: string } }>(refused, 2);
      expect(error.message).toMatch(/1 row has no at.*--where 'at IS NOT NULL'/);
      const without = headrace('replay', pipeline.file, '--json', '--speed', '1000000x', '--where', 'at IS NOT NULL');
      expect(await documentOf<ReplayReport>(without)).toMatchObject({ rows: ROWS });
    } finally {
      await change(`DELETE FROM ${schema}.${TABLE} WHERE id > ${ROWS}`);
    }
  }, 120_000);

  test('plan warns of a window without an index; with one, only the window’s chunks are read', async () => {
    const pipeline = newPipeline();
    const window = ['--from', '2024-03-01T01:00', '--to', '2024-03-01T02:00'];
    const plan = (): Promise<PlanLook> => documentOf<PlanLook>(headrace('plan', pipeline.file, '--json', ...window));
    const replay = (): Promise<ReplayReport> =>
      documentOf<ReplayReport>(headrace('replay', pipeline.file, '--json', ...window));
    const { warnings } = await plan();
    expect(warnings).toEqual([expect.stringContaining('no index of')]);
    expect(await replay()).toMatchObject({ rows: 60, chunks: ROWS / CHUNK_ROWS });
    await change(/mends it: (.*)$/.exec(warnings.join())?.[1] ?? '');
    await change(connection === 'sales' ? `ANALYZE ${schema}.${TABLE}` : `ANALYZE TABLE ${schema}.${TABLE}`);
    expect((await plan()).warnings).toEqual([]);
    expect(await replay()).toMatchObject({ rows: 60, chunks: 1 });
    const report = await documentOf<RunReport>(headrace('run', pipeline.file, '--json', ...window));
    expect(report).toMatchObject({ ok: true, rows: { source: 60, loaded: 60 } });
    const none = headrace('replay', pipeline.file, '--json', '--from', '2020-01-01', '--to', '2020-01-02');
    expect(await documentOf<ReplayReport>(none)).toMatchObject({ rows: 0, chunks: 0 });
  }, 120_000);
});

test('a file that contradicts itself is refused as a whole, and a window of its own does not go with intervals', async () => {
  const right = writePipeline(services.folder, unique('bad'), { table: TABLE }).file;
  const file = `${right}.bad.yaml`;
  const { source, ...rest } = JSON.parse(readFileSync(right, 'utf8')) as { source: object };
  const window = { from: '2024-03-02', to: '2024-03-01' };
  const replay = { speed: 'fast', limit: 0, rat: 1 };
  writeFileSync(file, JSON.stringify({ ...rest, source: { ...source, ...window }, replay }, undefined, 1));
  const { code, stderr } = await headrace('plan', file);
  expect(code).toBe(2);
  expect(stderr).toMatch(/source\.from: needs source\.eventTime/);
  expect(stderr).toMatch(/source\.to: is not behind source\.from/);
  expect(stderr).toMatch(/replay\.speed: found "fast"; allowed: a factor such as 60x/);
  expect(stderr).toMatch(/replay\.rat: is not a key here; did you mean rate/);
  const windowed = writePipeline(services.folder, unique('bad'), {
    table: TABLE,
    source: { eventTime: 'at', from: '2024-03-01' },
  });
  const schedule = await headrace('schedule', windowed.file, '--every', '5m');
  expect(schedule.code).toBe(2);
  expect(schedule.stderr).toMatch(/source\.from: an interval is a window of its own/);
}, 60_000);
