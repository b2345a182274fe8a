/**
 * Every test runs on real services: a stack of this run's own (never the user's), on free ports, started by the same code
 * as `headrace up`. It is purged afterwards; HEADRACE_TEST_KEEP=1 keeps it for a look.
 */
import { join } from 'node:path';
import { down } from '../stack/down.ts';
import { CHECKOUT, stackFolders } from '../stack/environment.ts';
import { ensureKafkaBinding } from '../stack/setup.ts';
import { up } from '../stack/up.ts';
import { migrate } from '../workers/migrate.ts';

export default async function setup(): Promise<() => Promise<void>> {
  const say = (line: string): void => void process.stderr.write(`${line}\n`);
  const home = join(CHECKOUT, '.headrace', `test-${process.pid}`);
  const { cache } = stackFolders();
  await ensureKafkaBinding(say);
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
    if (process.env.HEADRACE_TEST_KEEP !== '1') await down({ home, purge: true });
  };
}
