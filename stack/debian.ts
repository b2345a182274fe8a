/** Packages of Debian's that a step needs: installed where it may (root, apt-get), else named. */
import { join } from 'node:path';
import { isInstalled } from './prerequisites.ts';
import { runCommand } from './run-command.ts';
import { StackError } from './stack-error.ts';

const INSTALL_TIMEOUT_MS = 15 * 60_000;

export interface InstallContext {
  cache: string;
  signal: AbortSignal | undefined;
  log: (line: string) => void;
  /** What needs them: names the log, too. */
  what: string;
}

/** @throws StackError that names the packages where this process may not install them, or apt-get fails */
export async function installPackages(packages: readonly string[], context: InstallContext): Promise<void> {
  const { cache, signal, log, what } = context;
  const command = `apt-get install -y --no-install-recommends ${packages.join(' ')}`;
  if (process.getuid?.() !== 0 || !isInstalled('apt-get')) {
    throw new StackError(`${what} needs what is not installed: ${packages.join(', ')} (Debian: sudo ${command})`);
  }
  log(`installing what it needs: ${packages.join(' ')}`);
  const options = {
    env: { DEBIAN_FRONTEND: 'noninteractive' },
    log: join(cache, 'logs', `${what.toLowerCase().replaceAll(' ', '-')}-packages.log`),
    signal,
    timeoutMs: INSTALL_TIMEOUT_MS,
  };
  await runCommand('apt-get', ['update', '--quiet'], options);
  const install = ['install', '--quiet', '-y', '--no-install-recommends', ...packages];
  await runCommand('apt-get', install, options);
}
