/**
 * What a killed PostgreSQL server leaves behind. Backends that end by themselves once they notice, a long query later
 * at worst: a new server refuses to start while they hold the old one's shared memory, so they are waited for. And its
 * lock file: a new server takes the pid in it for a living one while nobody has reaped the zombie, which in a container
 * without an init may be for ever, so then the file is removed.
 */
import { existsSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { identityOf } from '../process-identity.ts';
import { StackError } from '../stack-error.ts';

const TIMEOUT_MS = 20_000;
const SEGMENTS = '/proc/sysvipc/shm';

/**
 * Waits until nothing of the previous server lives, and removes its lock file.
 * If the pid lives (it is another's by now, or a server that `up` knows nothing of), that is left to the new server to judge.
 * @throws StackError if backends of it live on for 20 s
 */
export async function clearDeadServer(data: string, signal: AbortSignal | undefined): Promise<void> {
  const lockFile = join(data, 'postmaster.pid');
  if (!existsSync(lockFile)) return;
  const lines = readFileSync(lockFile, 'utf8').split('\n');
  const pid = Number(lines[0]);
  if (identityOf(pid) !== undefined && pid > 1) return;
  const segment = lines[6]?.trim().split(/\s+/)[1];
  const deadline = Date.now() + TIMEOUT_MS;
  while (attachedProcesses(segment) > 0) {
    if (Date.now() > deadline) {
      throw new StackError(
        `backends of the PostgreSQL server that ran before on ${data} live on (a long query?); end them and run up again`,
      );
    }
    await sleep(50, undefined, { signal });
  }
  rmSync(lockFile);
}

/** How many processes hold a segment of System V shared memory; 0 where the kernel does not tell (macOS). */
function attachedProcesses(segment: string | undefined): number {
  if (!existsSync(SEGMENTS)) return 0;
  const [heading, ...rows] = readFileSync(SEGMENTS, 'utf8').trim().split('\n');
  const columns = heading?.trim().split(/\s+/) ?? [];
  for (const row of rows) {
    const cells = row.trim().split(/\s+/);
    if (cells[columns.indexOf('shmid')] === segment) return Number(cells[columns.indexOf('nattch')]);
  }
  return 0;
}
