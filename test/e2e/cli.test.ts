/**
 * The command line as a new user meets it: a home of its own, `up`, `migrate`, and from then on nothing set but that home.
 * What a command says it did is looked up in the services that it says it did it in.
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Client, Connection } from '@temporalio/client';
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { openTopicAdmin } from '../../connectors/kafka/admin.ts';
import type { PipelineLook, PlanLook } from '../../contracts/inspect.ts';
import type { RunReport } from '../../contracts/temporal.ts';
import type { StackInfo } from '../../stack/types.ts';
import { type Ran, runCli, type Running, startCli } from '../cli/run-cli.ts';
import { documentOf } from './commands.ts';
import { writePipeline } from './sales-pipeline.ts';
import { eventually } from './services.ts';

const ROWS = 5_000;
const folder = mkdtempSync(join(tmpdir(), 'headrace-user-'));
const cache = process.env.HEADRACE_CACHE;
const environment = { HEADRACE_HOME: join(folder, 'home'), ...(cache === undefined ? {} : { HEADRACE_CACHE: cache }) };
let stack: StackInfo;
let sales: pg.Pool;
let warehouse: pg.Pool;
let worker: Running | undefined;

const headrace = (...args: string[]): Promise<Ran> => runCli(args, environment, folder);
const start = (...args: string[]): Running => startCli(args, environment, folder);

beforeAll(async () => {
  stack = await documentOf<StackInfo>(headrace('up', '--json'));
  const { applied } = await documentOf<{ applied: string[] }>(headrace('migrate', '--json'));
  expect(applied.length).toBeGreaterThan(0);
  sales = new pg.Pool({ connectionString: stack.postgres.sales, max: 1 });
  warehouse = new pg.Pool({ connectionString: stack.postgres.warehouse, max: 1 });
});
afterAll(async () => {
  worker?.kill('SIGKILL');
  await Promise.all([sales.end(), warehouse.end()]);
  const { code } = await headrace('down', '--purge');
  rmSync(folder, { recursive: true });
  expect(code).toBe(0);
});

async function ensureWorker(): Promise<void> {
  worker ??= start('worker');
  await worker.told(/polling headrace-orchestrate/);
}

/** A table of so many rows, and the pipeline file, which is named as a user would: from the folder that he works in. */
async function newTable(name: string, changes: Parameters<typeof writePipeline>[2] = {}): Promise<string> {
  await sales.query(`CREATE TABLE ${name} (id bigint PRIMARY KEY, name text, price numeric(10,2))`);
  await sales.query(`INSERT INTO ${name} SELECT i, 'item ' || i, i / 4.0 FROM generate_series(1, ${ROWS}) i`);
  await sales.query(`ANALYZE ${name}`);
  writePipeline(folder, name, { chunkRows: 1_000, ...changes });
  return `${name}.yaml`;
}

async function inTopic(topic: string): Promise<number | null> {
  const admin = openTopicAdmin({ brokers: stack.kafka.brokers });
  try {
    const facts = await admin.describe(topic);
    if (!facts) return null;
    const ends = await admin.highWatermarks(topic, facts.partitions);
    return Object.values(ends).reduce((sum, end) => sum + end, 0);
  } finally {
    await admin.close();
  }
}

async function inWarehouse(table: string): Promise<number | null> {
  const { rows } = await warehouse.query<{ there: boolean }>('SELECT to_regclass($1) IS NOT NULL AS there', [table]);
  if (rows[0]?.there !== true) return null;
  return Number((await warehouse.query<{ rows: string }>(`SELECT count(*) AS rows FROM ${table}`)).rows[0]?.rows);
}

async function statusOf(workflowId: string): Promise<string> {
  const connection = await Connection.connect({ address: stack.temporal.address });
  try {
    const client = new Client({ connection, namespace: stack.temporal.namespace });
    return (await client.workflow.getHandle(workflowId).describe()).status.name;
  } finally {
    await connection.close();
  }
}

const equal = { missing: 0, extra: 0, different: 0, changedSince: 0, lost: 0, deadLetters: 0, ok: true };

describe('plan', () => {
  test('tells rows, types, topic and DDL, and changes nothing', async () => {
    const file = await newTable('planned');
    const tables = async () =>
      (
        await warehouse.query<{ schemaname: string; tablename: string }>(
          `SELECT schemaname, tablename FROM pg_tables WHERE schemaname !~ '^pg_|^inform'`,
        )
      ).rows;
    const before = await tables();
    const plan = await documentOf<PlanLook & { ok: boolean }>(headrace('plan', file, '--json'));
    expect(plan).toMatchObject({
      pipeline: 'planned',
      estimatedRows: ROWS,
      chunks: 5,
      shape: { key: ['id'] },
      topic: { name: 'planned', exists: false },
      warehouse: { exists: false },
      faults: [],
      ok: true,
    });
    expect(plan.warehouse.ddl.join('\n')).toMatch(/CREATE TABLE.*mart.*planned.*numeric\(10,2\)/s);
    const { stdout } = await headrace('plan', file);
    expect(stdout).toContain('nothing was changed');
    expect(await inTopic('planned')).toBeNull();
    expect(await inWarehouse('mart.planned')).toBeNull();
    expect(await tables()).toEqual(before);
    const { pipelines } = await documentOf<{ pipelines: PipelineLook[] }>(headrace('status', '--json'));
    expect(pipelines).toEqual([]);
  }, 60_000);
});

describe('run', () => {
  test('without a worker says so and how to start one; left and come back to, it gives the whole report', async () => {
    const file = await newTable('sold');
    const left = await headrace('run', file, '--detach', '--json', '--replay-id', 'first');
    expect(left.code).toBe(0);
    expect(JSON.parse(left.stdout)).toMatchObject({
      pipeline: 'sold',
      replayId: 'first',
      workflowId: 'run/sold/first',
    });
    expect(left.stderr).toMatch(/headrace worker/);
    await ensureWorker();
    const report = await documentOf<RunReport>(headrace('run', file, '--json', '--replay-id', 'first'));
    expect(report).toMatchObject({
      pipeline: 'sold',
      replayId: 'first',
      rows: { source: ROWS, replayed: ROWS, landed: ROWS, loaded: ROWS },
      ...equal,
    });
    expect(report.objects).toBeGreaterThan(0);
    expect(report.bytes).toBeGreaterThan(1_000);
    for (const hop of ['replay', 'land', 'load', 'verify'] as const) expect(report.seconds[hop]).toBeGreaterThan(0);
    expect(await inWarehouse('mart.sold')).toBe(ROWS);

    const again = await headrace('run', file, '--replay-id', 'first');
    expect(again.code).toBe(0);
    expect(again.stderr).toContain('had completed before');
  }, 90_000);

  test('left by Ctrl-C goes on, and says how to come back to it; status shows it meanwhile', async () => {
    await ensureWorker();
    const file = await newTable('slow', { chunkRows: 100 });
    const follower = start('run', file, '--rate', '100', '--replay-id', 'slow-1');
    await follower.told(/run\/slow\/slow-1/);
    await eventually(
      'rows are in the topic',
      30,
      async () => ((await inTopic('slow').catch(() => null)) ?? 0) > 0 || undefined,
    );
    // Temporal's visibility, which status reads, is a little behind the workflow.
    await eventually('status shows the replay publishing', 30, async () => {
      const { workflows } = await documentOf<{ workflows: { workflowId: string; status: string; phase: string }[] }>(
        headrace('status', file, '--json'),
      );
      const found = workflows.find(({ workflowId }) => workflowId === 'replay/slow/slow-1');
      return (found?.status === 'running' && found.phase === 'publishing') || undefined;
    });
    follower.kill('SIGINT');
    const { code, stderr } = await follower.ended;
    expect(code).toBe(130);
    expect(await statusOf('run/slow/slow-1')).toBe('RUNNING');
    const back = /Come back to it with:\n {2}headrace (run .+ --replay-id \S+)/.exec(stderr)?.[1];
    expect(back).toBe(`run ${file} --rate 100 --replay-id slow-1`);

    expect((await headrace('tune', 'replay/slow/slow-1', '--rate', '0')).code).toBe(0);
    const report = await documentOf<RunReport>(headrace(...(back ?? '').split(' '), '--json'));
    expect(report).toMatchObject({ replayId: 'slow-1', ...equal });
    expect(await inWarehouse('mart.slow')).toBe(ROWS);
  }, 90_000);
});

describe('hop by hop', () => {
  test('replay, land --until-caught-up, load and verify each do their own part', async () => {
    await ensureWorker();
    const file = await newTable('stepwise', { format: 'csv' });
    expect(await documentOf(headrace('replay', file, '--json', '--where', 'id <= 4000'))).toMatchObject({
      rows: 4_000,
    });
    expect(await inTopic('stepwise')).toBeGreaterThanOrEqual(4_000);
    expect(await inWarehouse('mart.stepwise')).toBe(0); // made when planned, so that what does not fit is told then
    expect(await documentOf(headrace('land', file, '--until-caught-up', '--json'))).toMatchObject({ rows: 4_000 });
    expect(await inWarehouse('mart.stepwise')).toBe(0);
    expect(await documentOf(headrace('load', file, '--json'))).toMatchObject({ rows: 4_000 });
    expect(await inWarehouse('mart.stepwise')).toBe(4_000);
    expect(await documentOf(headrace('verify', file, '--json'))).toMatchObject({
      rows: { source: 4_000, loaded: 4_000 },
      ...equal,
    });
    const { pipelines } = await documentOf<{ pipelines: PipelineLook[] }>(headrace('status', file, '--json'));
    expect(pipelines).toMatchObject([{ pipeline: 'stepwise', lake: { rows: 4_000 }, landLag: 0, loadLag: 0 }]);
  }, 90_000);

  test('land goes on until it is stopped', async () => {
    await ensureWorker();
    const file = await newTable('onandon');
    await documentOf(headrace('replay', file, '--json', '--where', 'id <= 100'));
    const { workflowId } = await documentOf<{ workflowId: string }>(headrace('land', file, '--detach', '--json'));
    await documentOf(headrace('replay', file, '--json', '--where', 'id <= 50'));
    await eventually('what was replayed before and meanwhile is landed', 30, async () => {
      const { pipelines } = await documentOf<{ pipelines: PipelineLook[] }>(headrace('status', file, '--json'));
      return pipelines[0]?.lake.rows === 150 || undefined;
    });
    expect(await statusOf(workflowId)).toBe('RUNNING');
    expect((await headrace('land', file, '--stop')).code).toBe(0);
    await eventually('it has ended', 30, async () => (await statusOf(workflowId)) === 'COMPLETED' || undefined);
  }, 90_000);
});

describe('what cannot be replayed is refused, by name', () => {
  test.each([
    ['a table that is not there', 'table', { table: 'public.nowhere' }, 'TableMissing', /nowhere/],
    ['a column that is not there', 'column', { key: ['idd'] }, 'TableUnsuited', /idd/],
    ['an unsupported type', 'type', {}, 'TableUnsuited', /where it is.*point/],
    ['a table without a key', 'key', {}, 'TableUnsuited', /key/],
  ])(
    '%s',
    async (_what, kind, changes, errorCode, told) => {
      await ensureWorker();
      const name = `wrong_${kind}`;
      const odd = kind === 'type' ? ', "where it is" point' : '';
      await sales.query(`CREATE TABLE ${name} (id int ${kind === 'key' ? '' : 'PRIMARY KEY'} ${odd})`);
      writePipeline(folder, name, changes);
      const [plan, run] = await Promise.all([
        headrace('plan', `${name}.yaml`),
        documentOf<{ ok: boolean; error: { code: string; message: string } }>(
          headrace('run', `${name}.yaml`, '--json'),
          2, // as plan says it, though the workflow found it
        ),
      ]);
      expect(plan.code).toBe(2);
      expect(plan.stdout).toMatch(told);
      expect(run).toMatchObject({ ok: false, error: { code: errorCode } });
      expect(run.error.message).toMatch(told);
      expect(await inTopic(name)).toBeNull();
      expect(await inWarehouse(`mart.${name}`)).toBeNull();
    },
    60_000,
  );

  test('a pipeline file with faults, all of them at once', async () => {
    writeFileSync(
      join(folder, 'bad.yaml'),
      'name: bad\nsource: { connection: sales, tabel: x }\ntopic: { name: "a b" }\n',
    );
    const { code, stderr } = await headrace('run', 'bad.yaml');
    expect(code).toBe(2);
    expect(stderr).toMatch(/tabel.*did you mean table/);
    expect(stderr).toMatch(/topic\.name/);
    expect(stderr).toMatch(/warehouse/);
  });
});
