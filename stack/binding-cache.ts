/**
 * Built native parts of the Kafka client, kept a user: `<cache>/kafka-binding-<version>-<ABI>-<platform>-<arch>-<libc>`.
 * Files are put in their place by rename, the module itself last, so that no process ever loads half of one.
 */
import { copyFileSync, existsSync, mkdirSync, readFileSync, readdirSync, renameSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { z } from 'zod';
import { StackError } from './stack-error.ts';

/** A build from source links librdkafka's shared libraries in build/deps; a prebuilt module is one file. */
const LIBRARIES = join('build', 'deps');
const MODULES = join('build', 'Release');

/** @throws StackError if the cache holds none for this version, Node and machine */
export function restoreFromCache(folder: string, cache: string): void {
  const kept = cacheFolder(folder, cache);
  if (!existsSync(kept)) throw new StackError(`none in ${cache} for this version and Node ${process.versions.node}`);
  copyFiles(kept, folder, `.${process.pid}`);
}

/** Keeps the native part that now loads; whoever else keeps it at the same time keeps the same. */
export function keepInCache(folder: string, cache: string): void {
  const place = cacheFolder(folder, cache);
  if (existsSync(place)) return;
  const temporary = `${place}.${process.pid}`;
  copyFiles(folder, temporary, '');
  try {
    renameSync(temporary, place);
  } catch {
    rmSync(temporary, { recursive: true, force: true });
  }
}

function copyFiles(from: string, to: string, suffix: string): void {
  for (const file of nativeFiles(from)) {
    const target = join(to, file);
    mkdirSync(dirname(target), { recursive: true });
    copyFileSync(join(from, file), `${target}${suffix}`);
    if (suffix !== '') renameSync(`${target}${suffix}`, target);
  }
}

function nativeFiles(folder: string): string[] {
  const list = (part: string, pattern: RegExp): string[] =>
    existsSync(join(folder, part))
      ? readdirSync(join(folder, part))
          .filter((name) => pattern.test(name))
          .map((name) => join(part, name))
      : [];
  // Only the names that a loader asks for (librdkafka.so.1): the plain .so are links for compilers.
  return [...list(LIBRARIES, /\.so\.\d+$|\.\d+\.dylib$/), ...list(MODULES, /\.node$/)];
}

function cacheFolder(folder: string, cache: string): string {
  const { version } = z
    .object({ version: z.string() })
    .parse(JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')));
  const { platform, arch, versions } = process;
  return join(cache, `kafka-binding-${version}-node${versions.modules}-${platform}-${arch}${libc()}`);
}

/** Alpine's musl and Debian's glibc are both linux; a module of one does not load in the other. */
function libc(): string {
  if (process.platform !== 'linux') return '';
  const report = z.object({ header: z.object({ glibcVersionRuntime: z.string().optional() }) });
  return report.parse(process.report.getReport()).header.glibcVersionRuntime === undefined ? '-musl' : '-glibc';
}
