/** The two ways to the Kafka client's native part where no cache holds it: its publisher's binary, or a compiler. */
import { existsSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { z } from 'zod';
import { CHECKOUT, usesProxy } from './environment.ts';
import { installPackages } from './debian.ts';
import { isInstalled } from './prerequisites.ts';
import { runCommand } from './run-command.ts';
import { StackError, reasonOf } from './stack-error.ts';

export interface SetupContext {
  /** The package's folder. */
  folder: string;
  cache: string;
  signal: AbortSignal | undefined;
  log: (line: string) => void;
}

const PROBE_TIMEOUT_MS = 5_000;
const DOWNLOAD_TIMEOUT_MS = 120_000;
const BUILD_TIMEOUT_MS = 15 * 60_000;

const logOf = (cache: string): string => join(cache, 'logs', 'kafka-binding.log');

/**
 * Runs the package's installer, download only. Not `npm rebuild`: that falls back to a static build which fetches six
 * more archives from as many hosts, and so fails slowly where the first host cannot be reached.
 */
export async function downloadPrebuilt({ folder, cache, signal }: SetupContext): Promise<void> {
  const { binary } = z
    .object({ binary: z.object({ host: z.string() }) })
    .parse(JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')));
  const host = new URL(binary.host).origin;
  if (!usesProxy()) {
    try {
      await fetch(host, { method: 'HEAD', redirect: 'manual', signal: AbortSignal.timeout(PROBE_TIMEOUT_MS) });
    } catch (error) {
      const cause = error instanceof Error && error.cause !== undefined ? error.cause : error;
      throw new StackError(`${host} cannot be reached: ${reasonOf(cause)}`, { cause: error });
    }
  }
  const installer = createRequire(join(folder, 'package.json')).resolve('@mapbox/node-pre-gyp/bin/node-pre-gyp');
  await runCommand(process.execPath, [installer, 'install', '--update-binary'], {
    cwd: folder,
    log: logOf(cache),
    signal,
    timeoutMs: DOWNLOAD_TIMEOUT_MS,
  });
}

/** What the build needs: a file that tells it is there, and the Debian package that brings it. */
const NEEDS: readonly { there: () => boolean; debian: string }[] = [
  { there: () => isInstalled('g++') || isInstalled('c++'), debian: 'g++' },
  { there: () => isInstalled('make'), debian: 'make' },
  { there: () => isInstalled('python3'), debian: 'python3' },
  { there: () => hasHeader('openssl/ssl.h'), debian: 'libssl-dev' },
  { there: () => hasHeader('zlib.h'), debian: 'zlib1g-dev' },
  { there: () => hasHeader('zstd.h'), debian: 'libzstd-dev' },
  { there: () => hasHeader('sasl/sasl.h'), debian: 'libsasl2-dev' },
  { there: () => hasHeader('curl/curl.h'), debian: 'libcurl4-openssl-dev' },
];

/** Builds against the system's libraries; installs what is missing where it may (root on Debian), else names it. */
export async function buildFromSource({ cache, signal, log }: SetupContext): Promise<void> {
  const missing = NEEDS.filter((need) => !need.there()).map((need) => need.debian);
  if (missing.length > 0 && process.platform === 'linux') {
    const say = (line: string): void => log(`Kafka client: ${line}`);
    await installPackages(missing, { cache, signal, log: say, what: 'Kafka client' });
  }
  const rebuild = ['rebuild', '--ignore-scripts=false', '@confluentinc/kafka-javascript'];
  await runCommand('npm', rebuild, {
    cwd: CHECKOUT,
    env: { CKJS_LINKING: 'dynamic', npm_config_build_from_source: 'true' },
    log: logOf(cache),
    signal,
    timeoutMs: BUILD_TIMEOUT_MS,
    remedy: 'it needs a C++ compiler, make, python3, the headers of Node, OpenSSL, zlib, zstd, SASL and curl',
  });
}

/** curl's headers lie in a folder of the machine's architecture on Debian. */
function hasHeader(header: string): boolean {
  const triplets: Readonly<Record<string, string>> = { x64: 'x86_64-linux-gnu', arm64: 'aarch64-linux-gnu' };
  const folders = ['/usr/include', '/usr/local/include', join('/usr/include', triplets[process.arch] ?? '')];
  return folders.some((folder) => existsSync(join(folder, header)));
}
