import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { helpText } from '../../cli/help-text.ts';
import { CHECKOUT, runCli } from './run-cli.ts';

const folder = mkdtempSync(join(tmpdir(), 'headrace-usage-'));
afterAll(() => rmSync(folder, { recursive: true }));

const PIPELINE = join(CHECKOUT, 'pipelines/product-sales.yaml');

/** A port where nobody listens: taken and given back. */
async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  return typeof address === 'object' && address !== null ? address.port : 0;
}

/** Everything set, nothing there. */
async function nowhere(): Promise<Record<string, string>> {
  const port = await freePort();
  const url = `postgres://u:hush@127.0.0.1:${port}/db`;
  return {
    HEADRACE_TEMPORAL_ADDRESS: `127.0.0.1:${port}`,
    HEADRACE_KAFKA_BROKERS: `127.0.0.1:${port}`,
    HEADRACE_S3_ENDPOINT: `http://127.0.0.1:${port}`,
    HEADRACE_CONTROL_URL: url,
    HEADRACE_CONNECTION_SALES: url,
    HEADRACE_CONNECTION_WAREHOUSE: url,
  };
}

describe('help', () => {
  test("that is printed at once is the program's own (if not: npm run help)", async () => {
    expect((await runCli(['--help'])).stdout).toBe(helpText());
  });

  test('lists every command and the exit codes, soon', async () => {
    await runCli(['--help']); // the first call of a checkout compiles
    const { code, stdout, seconds } = await runCli(['--help']);
    expect(code).toBe(0);
    const commands = [
      'up',
      'down',
      'migrate',
      'worker',
      'plan',
      'run',
      'replay',
      'land',
      'load',
      'verify',
      'status',
      'recover',
      'lake',
      'demo',
    ];
    for (const command of commands) expect(stdout).toMatch(new RegExp(`^  ${command} `, 'm'));
    expect(stdout).toContain('Exit codes: 0 ok, 1 unexpected, 2 usage');
    expect(seconds).toBeLessThan(5); // 0.25 s of CPU; the rest is the machine's other work
  });

  test('of a command shows its options', async () => {
    const { code, stdout } = await runCli(['help', 'run']);
    expect(code).toBe(0);
    for (const option of [
      '--json',
      '--detach',
      '--settings',
      '--with-worker',
      '--from',
      '--where',
      '--rate',
      '--replay-id',
    ]) {
      expect(stdout).toContain(option);
    }
  });
});

describe('usage', () => {
  test.each([
    [['rnu', 'x.yaml'], "unknown command 'rnu'", 'Did you mean run?'],
    [['land', 'x.yaml', '--until-cougt-up'], "unknown option '--until-cougt-up'", 'Did you mean --until-caught-up?'],
    [['run'], "missing required argument 'file'", ''],
    [['run', 'x.yaml', '--rate', 'fast'], "argument 'fast' is invalid", 'a whole number from 1 on, such as 20000/s'],
    [['run', 'x.yaml', '--from', 'March'], "argument 'March' is invalid", 'ISO 8601'],
    [['run', 'x.yaml', '--replay-id', 'a/b'], "argument 'a/b' is invalid", 'letters, digits'],
    [['run', 'x.yaml', '--follow', '--detach'], 'cannot be used with', ''],
    [['schedules', 'resume', 'backfill/p/w/0'], 'carries a backfill', 'schedules delete'],
    [['cancel', ''], 'id is empty', 'headrace status'],
    [['worker', '--only', 'raed'], 'no queue', 'did you mean read?'],
    [['generate', 'orders', '--to', 'folder'], '--to folder', 'allowed: files DIR, db:CONNECTION or kafka'],
    [['generate', 'orders', '--to', 'kafka', '--speed', '5x'], '--speed is the pace of --live', 'add it'],
  ])('%j ends with 2 and a guess', async (args, problem, guess) => {
    const { code, stderr, stdout } = await runCli(args);
    expect(stderr).toContain(problem);
    expect(stderr).toContain(guess);
    expect(stdout).toBe('');
    expect(code).toBe(2);
  });
});

describe('configuration', () => {
  test('faults of both files and the environment are listed together, exit code 2, no stack trace', async () => {
    const file = join(folder, 'p.yaml');
    writeFileSync(file, 'name: p\nsource:\n  conection: sales\n  table: t\n');
    writeFileSync(join(folder, 'headrace.yaml'), 'kafka:\n  broker: a:1\n');
    const { code, stderr } = await runCli(['run', file], { HEADRACE_TEMPORAL_ADDRES: 'x:1' }, folder);
    expect(code).toBe(2);
    expect(stderr).toContain('p.yaml:3:3: source.conection: is not a key here; did you mean connection?');
    expect(stderr).toContain('headrace.yaml:2:3: kafka.broker: is not a key here; did you mean brokers?');
    expect(stderr).toContain('HEADRACE_TEMPORAL_ADDRES: is not a variable of Headrace');
    expect(stderr).not.toMatch(/^\s+at /m);
  });

  test('with --json the error is the one document', async () => {
    const { code, stdout } = await runCli(['plan', join(folder, 'none.yaml'), '--json']);
    expect(code).toBe(2);
    expect(JSON.parse(stdout)).toMatchObject({ ok: false, error: { code: 'ConfigInvalid' } });

    const file = join(folder, 'two.yaml');
    writeFileSync(file, 'name: "a; b"\nsource:\n  conection: sales\n  table: t\n');
    const two = await runCli(['plan', file, '--json'], { HEADRACE_HOM: '/x' });
    const { faults } = (JSON.parse(two.stdout) as { error: { faults: unknown[] } }).error;
    const NAME = 'a name of letters, digits, dots, dashes and underscores';
    expect(faults).toContainEqual({
      ...{ file, line: 1, column: 7, path: 'name' },
      ...{ what: 'found "a; b"', remedy: `allowed: ${NAME}` },
    });
    expect(faults).toContainEqual({
      ...{ file, line: 3, column: 3, path: 'source.conection' },
      ...{ what: 'is not a key here', remedy: 'did you mean connection?' },
    });
    expect(faults).toContainEqual({
      ...{ file: null, line: null, column: null, path: 'HEADRACE_HOM' },
      ...{ what: 'is not a variable of Headrace', remedy: 'did you mean HEADRACE_HOME?' },
    });
  });

  test('--verbose adds the stack trace', async () => {
    const { stderr } = await runCli(['plan', join(folder, 'none.yaml'), '--verbose']);
    expect(stderr).toMatch(/^\s+at /m);
  });

  test('a window needs an event time, and must not be empty', async () => {
    const env = await nowhere();
    const { code, stderr } = await runCli(['replay', PIPELINE, '--from', '2024-02-01', '--to', '2024-01-01'], env);
    expect(code).toBe(2);
    expect(stderr).toContain('is not before --to');
  });
});

describe('services that cannot be reached', () => {
  test.each([
    [['run', PIPELINE], 'Temporal'],
    [['verify', PIPELINE, '--json'], 'Temporal'],
    [['status'], 'Temporal'],
    [['worker'], 'Temporal'],
    [['pause', 'replay/x/y'], 'Temporal'],
    [['migrate'], 'the control database'],
    [['plan', PIPELINE], 'connection warehouse'],
    [['lake', 'show', PIPELINE], 'the control database'],
    [['lake', 'show', PIPELINE], 'S3'],
    [['lake', 'orphans', PIPELINE], 'S3'],
    [['lake', 'ls', PIPELINE], 'the control database'],
    [['land', PIPELINE, '--stop'], 'Temporal'],
  ])('%j ends with 4 within seconds, names it and the remedy', async (args, what) => {
    const { code, stderr, seconds } = await runCli(args, await nowhere());
    expect(stderr).toMatch(new RegExp(`${what} at 127\\.0\\.0\\.1:\\d+ cannot be reached: nothing listens there`));
    expect(stderr).toContain('headrace up');
    expect(stderr).not.toContain('hush');
    expect(code).toBe(4);
    expect(seconds).toBeLessThan(15);
  });
});
