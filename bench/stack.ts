/** A stack of the bench's own, gone afterwards: what one measurement leaves in the services is not the next one's. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { down } from '../stack/down.ts';
import { CHECKOUT, stackFolders } from '../stack/environment.ts';
import type { ExtraServiceName, StackInfo } from '../stack/types.ts';
import { up } from '../stack/up.ts';
import { migrate } from '../workers/migrate.ts';

export interface BenchStack {
  info: StackInfo;
  /** For the command line and its workers. */
  env: Readonly<Record<string, string>>;
  /** For files, removed afterwards. */
  folder: string;
  cache: string;
}

export const say = (line: string): void => void process.stderr.write(`${line}\n`);

export async function withStack<T>(
  work: (stack: BenchStack) => Promise<T>,
  extra: readonly ExtraServiceName[] = [],
): Promise<T> {
  if (process.platform !== 'linux') throw new Error('the bench reads /proc, so it runs on Linux only');
  const home = join(CHECKOUT, '.headrace', `bench-${process.pid}`);
  const folder = mkdtempSync(join(tmpdir(), 'headrace-bench-'));
  const { cache } = stackFolders();
  // Ctrl-C reaches the commands, which end; then the stack is stopped here.
  const stopping = (): void => say('stopping');
  process.on('SIGINT', stopping);
  try {
    const info = await up({
      home,
      cache,
      extra,
      onProgress: ({ service, state, seconds }) =>
        say(`${service.padEnd(9)} ${state.padEnd(9)} ${seconds.toFixed(1)} s`),
    });
    await migrate({ control: { url: info.postgres.control } });
    return await work({ info, env: { ...info.env, HEADRACE_HOME: home }, folder, cache });
  } finally {
    rmSync(folder, { recursive: true });
    await down({ home, purge: true });
    process.off('SIGINT', stopping);
  }
}
