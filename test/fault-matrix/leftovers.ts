/** Ends what a process that died has left behind: its workers and servers, which nobody would end, nor wake where they are frozen. */
import { randomUUID } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { descendantsOf } from '../../stack/process-tree.ts';
import { VARIABLES } from './plan.ts';

/** From now on whatever is started from here, at whatever remove, can be told by its environment. */
export function markProcesses(): void {
  process.env[VARIABLES.mark] = randomUUID();
}

/**
 * Kills all that are marked and do not descend from this one: their parent is dead.
 * @returns how many there were; none where the system does not show environments
 */
export function endMarked(): number {
  const mark = `${VARIABLES.mark}=${process.env[VARIABLES.mark]}`;
  if (process.platform !== 'linux') return 0;
  const ours = new Set([process.pid, ...descendantsOf(process.pid)]);
  const marked = readdirSync('/proc').filter((name) => {
    if (!/^\d+$/.test(name) || ours.has(Number(name))) return false;
    try {
      return readFileSync(`/proc/${name}/environ`, 'latin1').split('\0').includes(mark);
    } catch {
      return false; // it has ended, or is none of ours
    }
  });
  for (const pid of marked) {
    try {
      process.kill(Number(pid), 'SIGKILL');
    } catch {
      // It ended between the look and the signal.
    }
  }
  return marked.length;
}
