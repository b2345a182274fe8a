/**
 * Every test runs on real services: a stack of this run's own (never the user's), on free ports, started by the same code
 * as `headrace up`. It is purged afterwards, and on Ctrl-C; HEADRACE_TEST_KEEP=1 keeps it for a look.
 */
import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { down } from '../stack/down.ts';
import { CHECKOUT, stackFolders } from '../stack/environment.ts';
import { ensureKafkaBinding } from '../stack/setup.ts';
import { up } from '../stack/up.ts';
import { migrate } from '../workers/migrate.ts';

const DOWN = ['--import', 'tsx', join(CHECKOUT, 'stack/main.ts'), 'down', '--purge'];

export default async function setup(): Promise<() => Promise<void>> {
  const say = (line: string): void => void process.stderr.write(`${line}\n`);
  const home = join(CHECKOUT, '.headrace', `test-${process.pid}`);
  const { cache } = stackFolders();
  await ensureKafkaBinding(say);
  let isKept = process.env.HEADRACE_TEST_KEEP === '1';
  const end = async (): Promise<void> => {
    if (!isKept) await down({ home, purge: true });
    isKept = true;
  };
  // On a signal vitest, or vite, ends the process without its teardown: the services would stay for ever.
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(1));
  process.once('exit', () => {
    if (!isKept)
      spawn(process.execPath, DOWN, { detached: true, stdio: 'ignore', env: { ...process.env, HEADRACE_HOME: home } });
  });
  const info = await up({
    home,
    cache,
    given: { postgres: {} },
    onProgress: ({ service, state, seconds, detail }) =>
      say(`${service.padEnd(9)} ${state.padEnd(9)} ${seconds.toFixed(1).padStart(6)} s  ${detail}`),
  });
  Object.assign(process.env, info.env, { HEADRACE_HOME: home });
  await migrate({ control: { url: info.postgres.control } });
  return async () => {
    await end();
  };
}
