/**
 * Tells a process that we started from a stranger that was given the same pid later: a pid is only ever signalled
 * while its identity (the boot, and the moment within it at which the process started) is the one we recorded.
 * A zombie counts as dead: it holds no port and no file, and only waits for a parent that may be slow.
 */
import { execFileSync } from 'node:child_process';
import { readFileSync, readdirSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { descendantsOf } from './process-tree.ts';

export interface OwnedProcess {
  pid: number;
  /** Opaque; equal for the same pid only if it is the same process. */
  identity: string;
}

/** @returns the identity of a living process, or undefined if there is none by that pid (or only its zombie) */
export function identityOf(pid: number): string | undefined {
  return process.platform === 'linux' ? identityFromProc(pid) : identityFromPs(pid);
}

function identityFromProc(pid: number): string | undefined {
  let stat: string;
  try {
    stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
  } catch {
    return undefined;
  }
  // proc(5): the second field is the command in brackets and may hold blanks and brackets, so count from the last one.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  const state = fields[0];
  const startedAtTicks = fields[19];
  if (startedAtTicks === undefined || state === 'X' || (state === 'Z' && !hasThreads(pid))) return undefined;
  return `${bootId()}/${startedAtTicks}`;
}

/** A killed process shows as a zombie while its other threads are still ending, and until then it keeps its ports. */
function hasThreads(pid: number): boolean {
  try {
    return readdirSync(`/proc/${pid}/task`).length > 1;
  } catch {
    return false;
  }
}

/** Start times count from the boot, so two boots can give the same pid the same start; the boot's id tells them apart. */
function bootId(): string {
  try {
    return readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();
  } catch {
    return 'unknown-boot';
  }
}

function identityFromPs(pid: number): string | undefined {
  try {
    const line = execFileSync('ps', ['-o', 'stat=,lstart=', '-p', String(pid)], { encoding: 'utf8' }).trim();
    return line === '' || line.startsWith('Z') ? undefined : line.slice(line.indexOf(' ')).trim();
  } catch {
    return undefined;
  }
}

/** This process as others may record it in a lock. */
export function ownProcess(): OwnedProcess {
  return { pid: process.pid, identity: identityOf(process.pid) ?? 'unknown' };
}

export function isAlive(owned: OwnedProcess | undefined): owned is OwnedProcess {
  return owned !== undefined && identityOf(owned.pid) === owned.identity;
}

/**
 * Sends a signal to the process alone.
 * @returns false if the process is gone, or its pid is another's by now
 */
export function signalOwned(owned: OwnedProcess, signal: NodeJS.Signals): boolean {
  return isAlive(owned) && send(owned.pid, signal);
}

/**
 * Sends a signal to the process and all that descend from it, itself first, so that it starts no others. By descent
 * and not by process group: PostgreSQL's backends each lead a group of their own.
 * @returns false if the process is gone, or its pid is another's by now
 */
export function signalTree(owned: OwnedProcess, signal: NodeJS.Signals): boolean {
  if (!isAlive(owned)) return false;
  const descendants = descendantsOf(owned.pid);
  const sent = send(owned.pid, signal);
  for (const pid of descendants) send(pid, signal);
  return sent;
}

function send(pid: number, signal: NodeJS.Signals): boolean {
  try {
    process.kill(pid, signal);
    return true;
  } catch {
    // It ended between the look and the signal.
    return false;
  }
}

/**
 * Ends a process: wakes it (a stopped one takes no signal), asks it to end, and after `graceMs` kills it and its tree.
 * @param ask the signal on which it ends soon and in order
 * @returns how it ended; 'gone' if it was not there to begin with
 */
export async function endOwned(
  owned: OwnedProcess,
  ask: 'SIGTERM' | 'SIGINT',
  graceMs: number,
): Promise<'gone' | 'ended' | 'killed'> {
  if (!signalOwned(owned, ask)) return 'gone';
  signalTree(owned, 'SIGCONT');
  if (await waitUntilGone(owned, graceMs)) return 'ended';
  signalTree(owned, 'SIGKILL');
  await waitUntilGone(owned, 10_000);
  return 'killed';
}

/** @returns whether the process was gone within `timeoutMs` */
export async function waitUntilGone(owned: OwnedProcess, timeoutMs: number): Promise<boolean> {
  const deadline = Date.now() + timeoutMs;
  while (isAlive(owned)) {
    if (Date.now() >= deadline) return false;
    await sleep(25);
  }
  return true;
}
