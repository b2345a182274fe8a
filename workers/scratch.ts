/**
 * A worker's own scratch folder, named by host and process, and the removal of those that killed workers of this host left
 * behind. Processes of another host (or container) that share the parent are never judged: their ids mean nothing here.
 * What cannot be removed stays: tidying up for others never fails a start.
 */
import { mkdir, mkdtemp, readdir, rm } from 'node:fs/promises';
import { hostname, tmpdir } from 'node:os';
import { join } from 'node:path';

/** @param parent default: the system's folder for temporary files */
export async function makeScratch(parent = tmpdir()): Promise<string> {
  const mine = `headrace-${hostname()}-`;
  await mkdir(parent, { recursive: true });
  for (const name of await readdir(parent).catch((): string[] => [])) {
    const pid = name.startsWith(mine) ? Number(name.slice(mine.length).split('-')[0]) : NaN;
    // Another user's may not be removed; that user's next worker does it.
    if (Number.isInteger(pid) && pid > 0 && !isAlive(pid))
      await rm(join(parent, name), { recursive: true, force: true }).catch(() => undefined);
  }
  return mkdtemp(join(parent, `${mine}${process.pid}-`));
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0); // signal 0 asks only
    return true;
  } catch (error) {
    return error instanceof Error && 'code' in error && error.code === 'EPERM';
  }
}
