/**
 * A PostgreSQL server that was killed leaves backends that end by themselves once they notice, a long query later at
 * worst. A new server refuses to start while they hold the old one's shared memory, so they are waited for.
 */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { StackError } from '../stack-error.ts';

const TIMEOUT_MS = 20_000;
const SEGMENTS = '/proc/sysvipc/shm';

/** @throws StackError if backends of the previous server live on for 20 s */
export async function waitForOrphans(data: string, signal: AbortSignal | undefined): Promise<void> {
  const deadline = Date.now() + TIMEOUT_MS;
  while (attachedProcesses(data) > 0) {
    if (Date.now() > deadline) {
      throw new StackError(
        `backends of the PostgreSQL server that ran before on ${data} live on (a long query?); end them and run up again`,
      );
    }
    await sleep(50, undefined, { signal });
  }
}

/** How many processes hold the segment that the server's lock file names (its seventh line: key and id). */
function attachedProcesses(data: string): number {
  const lockFile = join(data, 'postmaster.pid');
  if (!existsSync(lockFile) || !existsSync(SEGMENTS)) return 0;
  const id = readFileSync(lockFile, 'utf8').split('\n')[6]?.trim().split(/\s+/)[1];
  const [heading, ...rows] = readFileSync(SEGMENTS, 'utf8').trim().split('\n');
  const columns = heading?.trim().split(/\s+/) ?? [];
  for (const row of rows) {
    const cells = row.trim().split(/\s+/);
    if (cells[columns.indexOf('shmid')] === id) return Number(cells[columns.indexOf('nattch')]);
  }
  return 0;
}
