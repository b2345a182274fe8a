/**
 * At most one holder of a path at a time, across processes. A lock whose holder died is taken over; a holder that
 * lives is waited for. (Node has no flock, and a lock by modification time would need a heartbeat.) It is a symbolic link
 * whose target is its holder: made with its content in one step, and on a full disk too, as `down --purge` needs it (a file
 * was left there, empty).
 */
import { accessSync, constants, mkdirSync, readFileSync, readlinkSync, rmSync, symlinkSync } from 'node:fs';
import { dirname } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { isAlive, ownProcess, type OwnedProcess } from './process-identity.ts';
import { StackError, isCode, reasonOf } from './stack-error.ts';

const POLL_MS = 50;
/** Of a lock that names none. */
const NOBODY: OwnedProcess = { pid: 0, identity: '' };

export interface LockOptions {
  signal?: AbortSignal | undefined;
  timeoutMs: number;
  /** Called once if the lock is held by a living process. */
  onWait?: (holderPid: number) => void;
}

/**
 * Runs `work` while holding the lock file `path`, and removes it afterwards, whatever happens.
 * @throws StackError if the holder keeps it for longer than `timeoutMs`
 */
export async function withLock<T>(path: string, options: LockOptions, work: () => Promise<T>): Promise<T> {
  const deadline = Date.now() + options.timeoutMs;
  let told = false;
  while (!tryCreate(path)) {
    options.signal?.throwIfAborted();
    const holder = readHolder(path);
    if (holder !== undefined && !isAlive(holder)) takeAway(path);
    else if (holder !== undefined && !told) {
      told = true;
      options.onWait?.(holder.pid);
    }
    if (Date.now() > deadline) {
      throw new StackError(
        `${path} is held by process ${holder?.pid ?? 'unknown'} for more than ${options.timeoutMs / 1000} s; ` +
          `wait for it or end it, and try again`,
      );
    }
    await sleep(POLL_MS, undefined, { signal: options.signal });
  }
  try {
    return await work();
  } finally {
    rmSync(path, { force: true });
  }
}

function tryCreate(path: string): boolean {
  try {
    mkdirSync(dirname(path), { recursive: true });
    const { pid, identity } = ownProcess();
    symlinkSync(`${pid} ${identity}`, path);
    return true;
  } catch (error) {
    // ENOENT: its holder was `down --purge`, which has removed the folder since; unless nothing can be made there.
    const cause = isCode(error, 'ENOENT') ? (notWritable(dirname(path)) ?? error) : error;
    if (isCode(cause, 'EEXIST', 'ENOENT')) return false;
    throw new StackError(`cannot write ${path}: ${reasonOf(cause)}; make its folder writable for this user`, { cause });
  }
}

/** Why a folder cannot be made: Node's recursive mkdir says ENOENT for whatever stands in the way, a read-only disk too. */
function notWritable(folder: string): unknown {
  try {
    accessSync(folder, constants.W_OK);
    return undefined;
  } catch (error) {
    return isCode(error, 'ENOENT') && dirname(folder) !== folder ? notWritable(dirname(folder)) : error;
  }
}

/** @returns undefined where it has just gone; nobody where it names no process */
function readHolder(path: string): OwnedProcess | undefined {
  try {
    const [, pid, identity] = /^(\d+) (.+)$/.exec(readlinkSync(path)) ?? [];
    return pid === undefined || identity === undefined ? NOBODY : { pid: Number(pid), identity };
  } catch (error) {
    return isCode(error, 'ENOENT') ? undefined : readFileHolder(path);
  }
}

/** Until November 2026 locks were files. */
function readFileHolder(path: string): OwnedProcess {
  try {
    const { pid, identity } = JSON.parse(readFileSync(path, 'utf8')) as Partial<OwnedProcess>;
    return typeof pid === 'number' && typeof identity === 'string' ? { pid, identity } : NOBODY;
  } catch {
    return NOBODY;
  }
}

/**
 * Removes a dead holder's lock. Two processes may find it dead at once, and the slower one must not remove the lock
 * that the faster one has made since: so look again under a second file, which only one can create.
 */
function takeAway(path: string): void {
  const takeover = `${path}.takeover`;
  if (!tryCreate(takeover)) {
    const other = readHolder(takeover);
    if (other !== undefined && !isAlive(other)) rmSync(takeover, { force: true }); // it crashed in here
    return;
  }
  try {
    const holder = readHolder(path);
    if (holder !== undefined && !isAlive(holder)) rmSync(path, { force: true });
  } finally {
    rmSync(takeover, { force: true });
  }
}
