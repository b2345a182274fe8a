/**
 * Every command line of the corpus ends with exit code 2, the place and the remedy on standard error, without a stack trace;
 * on standard output there is nothing, or with --json exactly one document. Processes, as a user runs them, a few at a time.
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Ran, runCli } from '../cli/run-cli.ts';
import { BAD_COMMAND_LINES } from './command-lines.ts';
import { namesOf, STACK_LINE } from './entry.ts';
import { GOOD } from './pipelines.ts';

const AT_A_TIME = 3;
const folder = mkdtempSync(join(tmpdir(), 'headrace-bad-'));
const files: Readonly<Record<string, string>> = { FILE: join(folder, 'p.yaml'), PLAIN: join(folder, 'plain.yaml') };
const ran = new Map<string, Ran>();
// What listens here counts who comes.
const calls: string[] = [];
const server = createServer((socket) => {
  calls.push(String(socket.remotePort));
  socket.destroy();
});

beforeAll(async () => {
  writeFileSync(join(folder, 'plain.yaml'), GOOD);
  writeFileSync(join(folder, 'p.yaml'), GOOD.replace('  table: t\n', '  table: t\n  eventTime: at\n'));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  const host = `127.0.0.1:${typeof address === 'object' && address !== null ? address.port : 0}`;
  const url = `postgres://u:hush@${host}/db`;
  const env = {
    HEADRACE_TEMPORAL_ADDRESS: host,
    HEADRACE_KAFKA_BROKERS: host,
    HEADRACE_S3_ENDPOINT: `http://${host}`,
    HEADRACE_CONTROL_URL: url,
    HEADRACE_CONNECTION_SALES: url,
    HEADRACE_CONNECTION_WAREHOUSE: url,
  };
  const left = [...BAD_COMMAND_LINES];
  const runSome = async (): Promise<void> => {
    for (let entry = left.shift(); entry; entry = left.shift()) {
      const args = entry.input.map((word) => files[word] ?? word);
      ran.set(entry.name, await runCli(args, env, folder));
    }
  };
  await Promise.all(Array.from({ length: AT_A_TIME }, runSome));
});
afterAll(async () => {
  await new Promise((resolve) => server.close(resolve));
  rmSync(folder, { recursive: true });
});

test.each(BAD_COMMAND_LINES)('$name', ({ name, input, says }) => {
  const { code, stdout, stderr } = ran.get(name) ?? { code: null, stdout: '', stderr: 'it was not run' };
  for (const words of says) expect(stderr).toContain(words);
  expect(code).toBe(2);
  expect(stderr).not.toMatch(STACK_LINE);
  expect(stderr).not.toContain('hush');
  if (!input.includes('--json')) return expect(stdout).toBe('');
  const document = JSON.parse(stdout) as { ok: boolean; error: { code: string; message: string } };
  expect(document).toMatchObject({ ok: false, error: { code: 'ConfigInvalid' } });
  for (const words of says) expect(document.error.message).toContain(words);
});

test('none of them was begun: no service was called', () => {
  expect(namesOf(BAD_COMMAND_LINES).size).toBe(BAD_COMMAND_LINES.length);
  expect(ran.size).toBe(BAD_COMMAND_LINES.length);
  expect(calls).toEqual([]);
});
