/**
 * A replay under control, on the real services: a cancel leaves nothing half-done and run again it completes; a pause holds no
 * connection; a skipped chunk is told by name; status tells the time left.
 */
import type pg from 'pg';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { PipelineLook } from '../../contracts/inspect.ts';
import type { ReplayReport, VerifyReport } from '../../contracts/temporal.ts';
import { openSetting, type Setting, unique } from '../replay/setting.ts';
import { documentOf, expectVerified, headrace, killAllWorkers, startWorkerProcess } from './commands.ts';
import { newSales, type TestPipeline } from './sales-pipeline.ts';
import { eventually, openServices, type Services } from './services.ts';

const ROWS = 30_000;
const CHUNK_ROWS = 500;
/** Slow enough to be met in its middle, and a chunk is one transaction. */
const RATE = '600/s';
let services: Services;
let setting: Setting;

beforeAll(async () => {
  services = await openServices();
  setting = openSetting();
  await startWorkerProcess();
}, 120_000);
afterAll(async () => {
  await killAllWorkers();
  await setting.close();
  await services.close();
});

const newReplay = async (): Promise<{ pipeline: TestPipeline; replayId: string; workflowId: string }> => {
  const pipeline = await newSales(services, ROWS, { chunkRows: CHUNK_ROWS, lanes: 3 });
  const replayId = unique('r');
  const { workflowId } = await documentOf<{ workflowId: string }>(
    headrace('replay', pipeline.file, '--rate', RATE, '--replay-id', replayId, '--detach', '--json'),
  );
  return { pipeline, replayId, workflowId };
};

const lookAt = async ({ file }: TestPipeline): Promise<PipelineLook> => {
  const { pipelines } = await documentOf<{ pipelines: PipelineLook[] }>(headrace('status', file, '--json'));
  if (pipelines[0] === undefined) throw new Error(`status shows nothing of ${file}`);
  return pipelines[0];
};

const underWay = (pipeline: TestPipeline): Promise<PipelineLook> =>
  eventually('the replay publishes', 60, async () => {
    const look = await lookAt(pipeline);
    return look.replay.replayed > 0 ? look : undefined;
  });

async function countOf(pool: pg.Pool, sql: string, values: readonly unknown[] = []): Promise<number> {
  const { rows } = await pool.query<{ count: string }>(sql, [...values]);
  return Number(rows[0]?.count);
}

/** Landed, loaded, and what verify says. */
async function wholeOf({ file }: TestPipeline): Promise<void> {
  await documentOf(headrace('land', file, '--until-caught-up', '--json'));
  await documentOf(headrace('load', file, '--json'));
}

test('a cancelled replay leaves whole chunks only and no lock; run again, it completes', async () => {
  const { pipeline, replayId, workflowId } = await newReplay();
  await underWay(pipeline);
  const cancelled = await documentOf(headrace('cancel', workflowId, '--json'));
  expect(cancelled).toEqual({ workflowId, status: 'CANCELLED' });
  const { stdout } = await headrace('cancel', workflowId);
  expect(stdout).toBe(`${workflowId} had ended before: cancelled\n`);

  const { control } = services;
  expect(await countOf(control, 'SELECT count(*) FROM headrace.publishing WHERE replay_id = $1', [replayId])).toBe(0);
  const topic = await setting.topics.describe(pipeline.name);
  const ends = await setting.topics.highWatermarks(pipeline.name, topic?.partitions ?? 0);
  const perChunk = new Map<number, number>();
  for (const { key } of await setting.readAll(pipeline.name, ends)) {
    const { id } = JSON.parse(key) as { id: number };
    const chunk = Math.floor((id - 1) / CHUNK_ROWS);
    perChunk.set(chunk, (perChunk.get(chunk) ?? 0) + 1);
  }
  // One that was aborted stays begun: nothing of it is in, and nothing of it comes in later.
  const open = `SELECT chunk FROM headrace.lane_transaction WHERE replay_id = $1 AND state = 'begun'`;
  for (const { chunk } of (await control.query<{ chunk: number }>(open, [replayId])).rows)
    expect([...perChunk.keys()]).not.toContain(chunk);
  expect(perChunk.size).toBeGreaterThan(0);
  expect(perChunk.size).toBeLessThan(ROWS / CHUNK_ROWS);
  expect(new Set(perChunk.values())).toEqual(new Set([CHUNK_ROWS]));

  const again = headrace('replay', pipeline.file, '--rate', '1000000', '--replay-id', replayId, '--json');
  expect(await documentOf<ReplayReport>(again)).toMatchObject({ rows: ROWS });
  await wholeOf(pipeline);
  await expectVerified(pipeline.file, ROWS, replayId);
}, 300_000);

test('a pause holds no connection and no transaction, and status says paused instead of a time left', async () => {
  const { pipeline, replayId, workflowId } = await newReplay();
  const look = await underWay(pipeline);
  expect(look.replay).toMatchObject({ replayId, state: 'publishing', expected: ROWS, paused: false });
  expect(look.replay.secondsLeft).toBeGreaterThan(0);
  expect(look.open.map((each) => each.replayId)).toEqual([replayId]);
  expect((await headrace('pause', workflowId)).code).toBe(0);
  const none = `SELECT count(*) FROM pg_stat_activity WHERE application_name LIKE 'headrace%' AND datname = current_database()`;
  for (const pool of [services.sales, services.control]) {
    await eventually(
      'no connection of a worker is left',
      90,
      async () => (await countOf(pool, none)) === 0 || undefined,
    );
  }
  const { replay } = await lookAt(pipeline);
  expect(replay).toMatchObject({ paused: true, secondsLeft: null, leftUnknown: 'paused' });
  expect(replay.replayed).toBeLessThan(ROWS);
  await headrace('tune', workflowId, '--rate', '0');
  expect((await headrace('resume', workflowId)).code).toBe(0);
  await services.temporal.workflow.getHandle(workflowId).result();
  expect((await lookAt(pipeline)).replay).toMatchObject({ replayed: ROWS, secondsLeft: 0, state: 'published' });
}, 300_000);

test('verify tells the rows of a skipped chunk from missing ones: which chunk, by whom and why', async () => {
  const { pipeline, replayId, workflowId } = await newReplay();
  await underWay(pipeline);
  // Paused, so that the last chunk found is not over before it is skipped.
  await headrace('pause', workflowId);
  const chunk = await eventually('it is paused', 60, async () => {
    const { paused, chunks } = (await lookAt(pipeline)).replay;
    return paused ? chunks.found - 1 : undefined;
  });
  const skipped = await headrace('skip', workflowId, '--chunk', String(chunk), '--reason', 'not wanted');
  expect({ code: skipped.code, stdout: skipped.stdout }).toEqual({
    code: 0,
    stdout: `${workflowId}: chunk ${chunk} is skipped\n`,
  });
  await headrace('tune', workflowId, '--rate', '0');
  await headrace('resume', workflowId);
  await services.temporal.workflow.getHandle(workflowId).result();
  await wholeOf(pipeline);
  const report = await documentOf<VerifyReport>(headrace('verify', pipeline.file, '--json'), 3);
  expect(report).toMatchObject({
    replayId,
    rows: { source: ROWS, replayed: ROWS - CHUNK_ROWS, loaded: ROWS - CHUNK_ROWS },
    ...{ missing: 0, different: 0, extra: 0, chunksUnequal: 0, skipped: CHUNK_ROWS, ok: false },
    skips: [{ chunk, reason: 'not wanted', by: expect.stringMatching(/./) as string }],
  });
  const { stdout } = await headrace('verify', pipeline.file);
  expect(stdout).toMatch(/500 rows were not published.*\n {2}chunk \d+ was skipped by .+: “not wanted”/);
  // A later reading brings them, and the skip is no difference any more.
  await documentOf(headrace('run', pipeline.file, '--json'));
  await expectVerified(pipeline.file, ROWS);
}, 300_000);
