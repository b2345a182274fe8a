/**
 * Makes the Kafka client's native part loadable, which `npm ci` leaves undone (install scripts are off). In the order
 * of their cost: it loads already (0.2 s); a build of this user's in the cache (1 s); the publisher's prebuilt binary
 * (seconds, where the network allows); a build from the package's own source (a minute).
 * Two processes may call it at once, of one checkout or of two: one works, the other waits and finds it done.
 */
import { createRequire } from 'node:module';
import { spawnSync } from 'node:child_process';
import { dirname, join } from 'node:path';
import { buildFromSource, downloadPrebuilt, type SetupContext } from './binding-builds.ts';
import { keepInCache, restoreFromCache } from './binding-cache.ts';
import { stackFolders } from './environment.ts';
import { withLock } from './lock.ts';
import { StackError, StackInterrupted, reasonOf } from './stack-error.ts';

const PACKAGE = '@confluentinc/kafka-javascript';
const LOCK_TIMEOUT_MS = 15 * 60_000;

export interface SetupOptions {
  /** Default: HEADRACE_CACHE. */
  cache?: string;
  signal?: AbortSignal;
}

/**
 * @param log takes one line a step, with its seconds; silent if nothing is to be done
 * @throws StackError naming what was tried, why each try failed, and what to install; StackInterrupted
 */
export async function ensureKafkaBinding(log: (line: string) => void, options: SetupOptions = {}): Promise<void> {
  const folder = bindingFolder();
  if (loadFailure(folder) === undefined) return;
  const cache = options.cache ?? stackFolders().cache;
  const lock = {
    signal: options.signal,
    timeoutMs: LOCK_TIMEOUT_MS,
    onWait: (pid: number): void => log(`Kafka client: process ${pid} is setting up its native part; waiting for it`),
  };
  // Beside the package: its folder is written to once. And in the cache: another checkout's build is waited for, not made twice.
  await withLock(join(dirname(folder), '.kafka-javascript.lock'), lock, async () => {
    if (loadFailure(folder) === undefined) return;
    await withLock(join(cache, '.kafka-binding.lock'), lock, () =>
      setUp({ folder, cache, signal: options.signal, log }),
    );
  });
}

/** Tries one way after another until the binding loads. */
async function setUp(context: SetupContext): Promise<void> {
  const { folder, cache, signal, log } = context;
  const failures: string[] = [];
  const attempt = async (what: string, work: () => Promise<void> | void): Promise<boolean> => {
    signal?.throwIfAborted();
    const begun = performance.now();
    const seconds = (): string => `${((performance.now() - begun) / 1000).toFixed(1)} s`;
    try {
      await work();
      const failure = loadFailure(folder);
      if (failure !== undefined) throw new StackError(`it does not load: ${failure}`);
      log(`Kafka client: ${what} (${seconds()})`);
      return true;
    } catch (error) {
      if (error instanceof StackInterrupted || signal?.aborted === true) throw error;
      failures.push(`  ${what}: ${reasonOf(error)}`);
      log(`Kafka client: no ${what} (${seconds()}): ${reasonOf(error).split('\n')[0] ?? ''}`);
      return false;
    }
  };
  if (await attempt('native part from the cache', () => restoreFromCache(folder, cache))) return;
  log('Kafka client: fetching the prebuilt native part');
  const fetched = await attempt('prebuilt native part', () => downloadPrebuilt(context));
  if (!fetched) {
    log('Kafka client: building its native part from source (about a minute on two cores, once a user)');
    if (!(await attempt('native part built from source', () => buildFromSource(context)))) {
      throw new StackError(
        `the native part of ${PACKAGE} cannot be set up:\n${failures.join('\n')}\n` +
          'Correct one of these and run the same command again.',
      );
    }
  }
  keepInCache(folder, cache);
}

function bindingFolder(): string {
  try {
    return dirname(createRequire(import.meta.url).resolve(`${PACKAGE}/package.json`));
  } catch (error) {
    throw new StackError(`${PACKAGE} is not installed; run npm ci`, { cause: error });
  }
}

/** Loads the binding in a process of its own: a binding that crashes while loading must not take this one along. */
function loadFailure(folder: string): string | undefined {
  const script = `require(${JSON.stringify(folder)})`;
  const { status, signal, stderr } = spawnSync(process.execPath, ['-e', script], { encoding: 'utf8' });
  if (status === 0) return undefined;
  const line = stderr.split('\n').find((text) => /^\w*Error:/.test(text));
  return line ?? (signal === null ? `node ended with code ${status ?? 'unknown'}` : `node was ended by ${signal}`);
}
