/**
 * Packages of Debian's that a step needs: installed where it may (root, apt-get), else named. Somebody else's apt-get (another
 * checkout's set-up, the system's own upgrades) is waited for.
 */
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { isInstalled } from './prerequisites.ts';
import { type CommandOptions, runCommand } from './run-command.ts';
import { StackError } from './stack-error.ts';

const INSTALL_TIMEOUT_MS = 15 * 60_000;
const LOCKED_MOST_MS = 5 * 60_000;
const LOCKED_PAUSE_MS = 2_000;

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
    env: { DEBIAN_FRONTEND: 'noninteractive', LC_ALL: 'C' },
    log: join(cache, 'logs', `${what.toLowerCase().replaceAll(' ', '-')}-packages.log`),
    signal,
    timeoutMs: INSTALL_TIMEOUT_MS,
  };
  await aptGet(['update', '--quiet'], options, log);
  await aptGet(['install', '--quiet', '-y', '--no-install-recommends', ...packages], options, log);
}

/** apt-get can wait for dpkg's lock by an option of its own, for that of its lists by none. */
async function aptGet(args: readonly string[], options: CommandOptions, log: (line: string) => void): Promise<void> {
  const deadline = Date.now() + LOCKED_MOST_MS;
  for (let attempt = 1; ; attempt++) {
    try {
      return await runCommand('apt-get', args, options);
    } catch (error) {
      const locked = error instanceof StackError && /Could not get lock|Unable to lock/.test(lastRun(error.message));
      if (!locked || Date.now() > deadline) throw error;
      if (attempt === 1) log('another apt-get is at work; waiting for it');
      await sleep(LOCKED_PAUSE_MS, undefined, { signal: options.signal });
    }
  }
}

/** A message's tail of the log may hold earlier commands, too. */
function lastRun(message: string): string {
  return message.slice(message.lastIndexOf('$ apt-get'));
}
