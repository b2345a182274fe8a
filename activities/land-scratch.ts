/**
 * Temporary folders of land activities: one of its own for each cut, removed in any case; those of dead processes of this
 * machine are removed when an activity starts. The name carries host and process, because containers may share a volume
 * and a process id means nothing outside of its own.
 */
import { mkdir, mkdtemp, readdir, rm } from 'node:fs/promises';
import { hostname, tmpdir } from 'node:os';
import { join } from 'node:path';
import { fault, messageOf } from '../contracts/errors.ts';

const PREFIX = `headrace-land-${hostname().replaceAll(/[^A-Za-z0-9]/g, '_')}-`;

/** @param scratch folder; absent: the system's */
export async function withScratch<T>(scratch: string | undefined, use: (directory: string) => Promise<T>): Promise<T> {
  const directory = await makeDirectory(scratch ?? tmpdir());
  try {
    return await use(directory);
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}

async function makeDirectory(parent: string): Promise<string> {
  try {
    await mkdir(parent, { recursive: true });
    return await mkdtemp(join(parent, `${PREFIX}${process.pid}-`));
  } catch (error) {
    throw fault('WorkerFault', `temporary folder in ${parent}: ${messageOf(error)}; free space or set scratch`, error);
  }
}

export async function removeStaleScratch(scratch: string | undefined): Promise<void> {
  const parent = scratch ?? tmpdir();
  for (const name of await readdir(parent).catch(() => [])) {
    if (!name.startsWith(PREFIX)) continue;
    const pid = Number(name.slice(PREFIX.length).split('-')[0]);
    if (!alive(pid)) await rm(join(parent, name), { recursive: true, force: true });
  }
}

function alive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    // EPERM: it lives, as another user.
    return !(error instanceof Error && 'code' in error && error.code === 'ESRCH');
  }
}
