import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { type AddressInfo, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { makeNamespace } from '../temporal-namespace.ts';
import { runCli, startCli, type Running } from './run-cli.ts';

/** The services of the tests' stack, in a Temporal namespace of this file's own: task queues have fixed names. */
const env: Record<string, string> = {};
const name = `cli-${Date.now().toString(36)}`;
const table = name.replaceAll('-', '_');
const folder = mkdtempSync(join(tmpdir(), 'headrace-follow-'));
const file = join(folder, 'p.yaml');
const ROWS = 5_000;

async function sql(variable: string, text: string): Promise<unknown[]> {
  const client = new pg.Client({ connectionString: env[variable] });
  await client.connect();
  try {
    return (await client.query<Record<string, unknown>>(text)).rows;
  } finally {
    await client.end();
  }
}

beforeAll(async () => {
  for (const [key, value] of Object.entries(process.env)) {
    if (/^(HEADRACE_|AWS_)/.test(key) && key !== 'HEADRACE_HOME' && value !== undefined) env[key] = value;
  }
  env.HEADRACE_TEMPORAL_NAMESPACE = await makeNamespace();
  await sql(
    'HEADRACE_CONNECTION_SALES',
    `CREATE TABLE ${table} AS SELECT n AS id, 'row ' || n AS name, now() - n * interval '1 minute' AS at
       FROM generate_series(1, ${ROWS}) AS n;
     ALTER TABLE ${table} ADD PRIMARY KEY (id); ANALYZE ${table}`,
  );
  writeFileSync(
    file,
    `name: ${name}
source: { connection: sales, table: ${table}, eventTime: at, chunkRows: 1000 }
topic: { name: ${name}, partitions: 2 }
lake: { bucket: lake, prefix: test/${name} }
warehouse: { connection: warehouse, table: ${table} }
`,
  );
});
afterAll(() => rmSync(folder, { recursive: true }));

async function stateOf(replayId: string): Promise<unknown> {
  const [row] = await sql('HEADRACE_CONTROL_URL', `SELECT state FROM headrace.replay WHERE replay_id = '${replayId}'`);
  return (row as { state?: string } | undefined)?.state;
}

async function interrupted(running: Running): Promise<{ code: number | null; stderr: string; seconds: number }> {
  const at = performance.now();
  running.kill('SIGINT');
  const { code, stderr } = await running.ended;
  return { code, stderr, seconds: (performance.now() - at) / 1000 };
}

test('plan shows what would be done and changes nothing', async () => {
  const { code, stdout } = await runCli(['plan', file, '--json'], env);
  expect(code).toBe(0);
  expect(JSON.parse(stdout)).toMatchObject({
    estimatedRows: ROWS,
    chunks: 5,
    topic: { name, exists: false, partitions: 2 },
    warehouse: { exists: false },
    types: [
      { column: 'id', source: 'integer not null', json: 'number', parquet: 'INT(32)', warehouse: 'integer', key: true },
      { column: 'name', source: 'text', json: 'string', parquet: 'STRING', warehouse: 'text', key: false },
      { column: 'at', json: 'string (ISO 8601)', parquet: 'TIMESTAMP(MICROS, UTC)' },
    ],
    ok: true,
  });
  expect(await sql('HEADRACE_CONNECTION_WAREHOUSE', `SELECT to_regclass('${table}') AS t`)).toEqual([{ t: null }]);
});

test('where the control database was not migrated, the remedy is told, and nothing is started', async () => {
  const unmigrated = { ...env, HEADRACE_CONTROL_URL: env.HEADRACE_CONNECTION_SALES ?? '' };
  for (const command of ['run', 'plan'] as const) {
    const { code, stdout, stderr } = await runCli([command, file], unmigrated);
    expect(stdout + stderr).toMatch(
      /does not exist \(SQLSTATE 42P01\); headrace migrate makes Headrace's tables in it/,
    );
    expect(stderr.includes('Nothing was started')).toBe(command === 'run');
    expect(code).toBe(2);
  }
});

test('plan tells what stands in the way, exit code 2', async () => {
  const wrong = join(folder, 'wrong.yaml');
  writeFileSync(
    wrong,
    `name: w\nsource: { connection: sales, table: no_such_table }\ntopic: { name: w }\nlake: { bucket: lake, prefix: w }\nwarehouse: { connection: warehouse, table: w }\n`,
  );
  const { code, stdout } = await runCli(['plan', wrong], env);
  expect(stdout).toMatch(/It cannot run:\n- .*no_such_table/);
  expect(code).toBe(2);
  for (const args of [['run'], ['run', '--detach'], ['replay', '--replay-id', 'of-mine']] as const) {
    const [command, ...options] = args;
    const unplanned = await runCli([command, wrong, ...options], env);
    expect(unplanned.stderr).toMatch(/^headrace: .*no_such_table.*\nNothing was started\.$/m);
    expect(unplanned.code).toBe(2);
  }
  expect((await runCli(['status', wrong], env)).stdout).toContain('No workflow is there yet');
  const warehouse = (env.HEADRACE_CONNECTION_WAREHOUSE ?? '').replace(/:[^:@]+@/, ':wrong@');
  const refused = await runCli(['plan', file], { ...env, HEADRACE_CONNECTION_WAREHOUSE: warehouse });
  expect(refused.stdout).toMatch(/^warehouse .*: was not looked at$/m);
  expect(refused.stdout).toMatch(/It cannot run:\n- .*password/);
});

test('without a worker: --detach warns, a follower says how to start one, Ctrl-C leaves it and says how to come back', async () => {
  const detached = await runCli(['run', file, '--replay-id', 'one', '--detach', '--json'], env);
  expect(detached.code).toBe(0);
  expect(JSON.parse(detached.stdout)).toMatchObject({ pipeline: name, replayId: 'one', workflowId: `run/${name}/one` });
  expect(detached.stderr).toContain(
    'No worker polls headrace-orchestrate, headrace-read, headrace-land, headrace-load',
  );

  const follower = startCli(['run', file, '--replay-id', 'one'], env);
  await follower.told(/No worker polls .*headrace worker/);
  const { code, stderr, seconds } = await interrupted(follower);
  expect(code).toBe(130);
  expect(stderr).toContain(`left run/${name}/one, which goes on as soon as a worker runs`);
  expect(stderr).toContain(`headrace run ${file} --replay-id one`);
  expect(seconds).toBeLessThan(10);

  const other = await runCli(['run', file, '--replay-id', 'one', '--limit', '5'], env);
  expect(other.code).toBe(2);
  expect(other.stderr).toContain('replay one was started with no --from, --to, --where, --limit or --speed, not with');
  const status = await runCli(['status', file, '--json'], env);
  expect(JSON.parse(status.stdout)).toMatchObject({
    workflows: [{ workflowId: `run/${name}/one`, status: 'running' }],
  });
});

test('--with-worker finishes what was left; progress goes to standard error, one document to standard output', async () => {
  const { code, stdout, stderr } = await runCli(['run', file, '--replay-id', 'one', '--with-worker', '--json'], env);
  expect(stderr).not.toContain('replayed');
  expect(JSON.parse(stdout)).toMatchObject({
    pipeline: name,
    replayId: 'one',
    rows: { source: ROWS, replayed: ROWS, landed: ROWS, loaded: ROWS },
    missing: 0,
    extra: 0,
    different: 0,
    changedSince: 0,
    lost: 0,
    deadLetters: 0,
    ok: true,
  });
  expect(code).toBe(0);
});

test('a completed run is shown again, not run again', async () => {
  const { code, stdout, stderr, seconds } = await runCli(['run', file, '--replay-id', 'one'], env);
  expect(stderr).toContain(`run/${name}/one had completed before`);
  expect(stdout).toMatch(/replay +5,000/);
  expect(stdout).toContain('verify: ok');
  expect(code).toBe(0);
  expect(seconds).toBeLessThan(15);
});

test('a worker says what it polls, serves every command, and drains at Ctrl-C', async () => {
  const worker = startCli(['worker'], env);
  await worker.told(/polling headrace-orchestrate, headrace-read, headrace-land, headrace-load/);

  const replay = await runCli(['replay', file, '--where', 'id <= 100'], env);
  expect(replay.stderr).not.toContain('waiting for its turn');
  const polling = new RegExp(
    `^worker \\S+/${worker.pid} \\(orchestrate, read, land, load\\) was last heard of [\\d.]+ s ago$`,
    'm',
  );
  expect((await runCli(['status', file], env)).stdout).toMatch(polling);
  expect(replay.stdout).toMatch(/^replay \d{8}-\d{6}-\w{4}: 100 rows in /);
  const early = await runCli(['verify', file], env);
  expect(early.stdout).toContain(
    '100 rows that it published are not in the lake; if landing has not come so far: headrace land FILE',
  );
  expect(early.code).toBe(3);
  const land = await runCli(['land', file, '--until-caught-up'], env);
  expect(land.stdout).toContain('caught up; the lake holds 5,100 rows');
  const load = await runCli(['load', file, '--json'], env);
  expect(JSON.parse(load.stdout)).toMatchObject({ pipeline: name, rows: 100 });

  await sql('HEADRACE_CONNECTION_WAREHOUSE', `DELETE FROM ${table} WHERE id = 7`);
  const verify = await runCli(['verify', file], env);
  expect(verify.stdout).toContain('verify: NOT ok');
  expect(verify.stdout).toContain('1 row is missing in the warehouse');
  expect(verify.code).toBe(3);

  const failed = await runCli(['verify', file, '--replay-id', 'none'], env);
  expect(failed.code).toBe(2);
  expect(failed.stderr).toMatch(/^headrace: replay none .* is unknown/m);
  expect(failed.stderr).not.toMatch(/^\s+at /m);

  const endless = startCli(['land', file], env);
  await endless.told(/landed 5,100 rows/);
  expect((await interrupted(endless)).stderr).toContain('--stop');
  const dead = await runCli(['land', file, '--stop'], {
    ...env,
    HEADRACE_CONTROL_URL: 'postgres://u@127.0.0.1:1/none',
  });
  expect(dead.stderr).toMatch(
    /the control database at 127\.0\.0\.1:1 cannot be reached: nothing listens there.*HEADRACE_CONTROL_URL/s,
  );
  expect(dead.code).toBe(4);
  expect((await runCli(['land', file, '--stop'], env)).code).toBe(0);

  const { code, stderr } = await interrupted(worker);
  expect(stderr).toContain('draining');
  expect(stderr).toContain('drained');
  expect(code).toBe(0);

  const left = startCli(['land', file, '--until-caught-up', '--parallelism', '2'], env);
  await left.told(new RegExp(`^land/lake/test/${name}`, 'm'));
  expect((await interrupted(left)).stderr).toContain(`headrace land ${file} --parallelism 2 --until-caught-up`);
}, 120_000);

test('pause, resume and tune reach the replay below a run; a workflow that is not there is told', async () => {
  const worker = startCli(['worker'], env);
  await worker.told(/polling/);
  await runCli(['run', file, '--replay-id', 'slow', '--rate', '500', '--detach'], env);
  await expect.poll(() => stateOf('slow'), { timeout: 30_000 }).toBe('publishing');
  const behind = startCli(['replay', file, '--replay-id', 'behind', '--limit', '1'], env);
  await behind.told(/waiting for its turn to publish: replay slow is publishing/);
  for (const args of [['pause'], ['tune', '--rate', '0', '--lanes', '2'], ['resume']] as const) {
    const [command, ...options] = args;
    expect((await runCli([command, `run/${name}/slow`, ...options], env)).code).toBe(0);
  }
  const missing = await runCli(['pause', 'replay/x/y'], env);
  expect(missing.code).toBe(2);
  expect(missing.stderr).toContain('not found');
  expect((await runCli(['run', file, '--replay-id', 'slow'], env)).code).toBe(0);
  expect((await behind.ended).code).toBe(0);
  await interrupted(worker);
}, 120_000);

test('where no row is in the window, it is said', async () => {
  const worker = startCli(['worker'], env);
  await worker.told(/polling/);
  const nowhere = ['--from', '1999-01-01', '--to', '1999-01-02', '--replay-id', 'empty'];
  const run = await runCli(['run', file, ...nowhere], env);
  expect(run.stdout).toContain('verify: ok');
  expect(run.stdout).toContain('No row was read from the source. If there should be some, check the window');
  expect((await runCli(['verify', file, '--replay-id', 'empty'], env)).stdout).toContain('No row was read');
  await interrupted(worker);
}, 120_000);

test('a run tells why its landing, a workflow of its own, is tried again', async () => {
  const others = startCli(['worker', '--only', 'orchestrate,read,load'], env);
  const landing = startCli(['worker', '--only', 'land'], { ...env, HEADRACE_S3_ENDPOINT: 'http://127.0.0.1:1' });
  await Promise.all([others.told(/polling/), landing.told(/polling/)]);
  const follower = startCli(['run', file, '--limit', '3', '--replay-id', 'stuck'], env);
  await follower.told(/(describeLanding|landPartitions) was tried \d+ times and is tried again: .*ECONNREFUSED/);
  await interrupted(follower);
  await interrupted(landing);
  const mended = startCli(['worker', '--only', 'land'], env);
  expect((await runCli(['run', file, '--limit', '3', '--replay-id', 'stuck'], env)).stdout).toContain('verify: ok');
  await Promise.all([interrupted(others), interrupted(mended)]);
}, 120_000);

test('a run tells the cause where a service is away, in its own words', async () => {
  const away = { ...env, HEADRACE_KAFKA_BROKERS: '127.0.0.1:1' };
  const run = startCli(['run', file, '--limit', '2', '--replay-id', 'away', '--with-worker'], away);
  await run.told(/planReplay was tried \d+ times and is tried again: no Kafka broker answers \(127\.0\.0\.1:1\)/);
  await interrupted(run);
});

test('Ctrl-C before a workflow was asked for says that nothing was started', async () => {
  for (const args of [['run'], ['land', '--json'], ['verify', '--with-worker']] as const) {
    const [command, ...options] = args;
    // Temporal's address, where the connection is all that one gets.
    const silent = createServer();
    await new Promise<void>((resolve) => silent.listen(0, '127.0.0.1', resolve));
    const address = `127.0.0.1:${(silent.address() as AddressInfo).port}`;
    const running = startCli([command, file, ...options], { ...env, HEADRACE_TEMPORAL_ADDRESS: address });
    silent.once('connection', () => running.kill('SIGINT'));
    const { code, stdout, stderr } = await running.ended;
    expect(stderr).toContain('headrace: interrupted; nothing was started');
    expect(stdout === '' ? null : JSON.parse(stdout)).toEqual(
      command === 'land'
        ? { ok: false, error: { code: 'Interrupted', message: 'interrupted; nothing was started' } }
        : null,
    );
    expect(code).toBe(130);
    silent.close();
  }
});

test('load --every makes, changes and removes a schedule', async () => {
  const made = await runCli(['load', file, '--every', '5m'], env);
  expect(made.stdout).toContain(`schedule load/${name}: created, every 5m`);
  const changed = await runCli(['load', file, '--every', '1h', '--json'], env);
  expect(JSON.parse(changed.stdout)).toEqual({ schedule: `load/${name}`, how: 'updated', everySeconds: 3600 });
  const removed = await runCli(['load', file, '--unschedule', '--json'], env);
  expect(JSON.parse(removed.stdout)).toEqual({ schedule: `load/${name}`, removed: true });
  const wrong = await runCli(['load', file, '--every', '5'], env);
  expect(wrong.stderr).toContain('--every 5 is no interval');
  expect(wrong.code).toBe(2);
});

test('a failed run comes back with its own options only, which the hint names', async () => {
  const wrong = {
    ...env,
    HEADRACE_CONNECTION_SALES: (env.HEADRACE_CONNECTION_SALES ?? '').replace(/:[^:@]+@/, ':wrong@'),
  };
  const args = ['run', file, '--limit', '5', '--where', "name <> 'x y'", '--rate', '900', '--replay-id', 'five'];
  const detached = await runCli([...args, '--detach'], env);
  const hint = `headrace run ${file} --where 'name <> '\\''x y'\\''' --limit 5 --rate 900 --replay-id five`;
  expect(detached.stdout).toContain(hint);
  const worker = startCli(['worker'], wrong);
  await worker.told(/polling/);
  const failed = await runCli(args, env);
  expect(failed.code).toBe(2);
  expect(failed.stderr).toContain('password in the address of the source: the connection that source.connection names');
  await interrupted(worker);

  for (const command of ['run', 'replay']) {
    const without = await runCli([command, file, '--replay-id', 'five'], env);
    expect(without.code).toBe(2);
    expect(without.stderr).toContain(
      `replay five was started with --where 'name <> '\\''x y'\\''' --limit 5, not with no`,
    );
  }
  const again = await runCli([...args, '--with-worker', '--json'], env);
  expect(JSON.parse(again.stdout)).toMatchObject({ rows: { source: 5, replayed: 5 }, ok: true });
}, 120_000);
