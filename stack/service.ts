/**
 * The shape of one service of the stack, and how any of them is started: detached, so that it outlives the command
 * that started it, with its output in a log, and recorded in the state file before anything is waited for.
 */
import { spawn } from 'node:child_process';
import { closeSync, mkdirSync, openSync } from 'node:fs';
import { dirname } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { childEnvironment } from './environment.ts';
import { tailOf } from './log-tail.ts';
import { identityOf, type OwnedProcess } from './process-identity.ts';
import { StackError, StackInterrupted, reasonOf } from './stack-error.ts';
import type { StackStateFile } from './state.ts';
import type { ServiceName } from './types.ts';

export interface ServiceContext {
  home: string;
  cache: string;
  state: StackStateFile;
  signal: AbortSignal | undefined;
  /** Tells the user what is being done now. */
  say: (state: 'building' | 'starting', detail: string) => void;
  /** Writes the changed `state` to disk. */
  save: () => void;
}

export interface Launch {
  command: string;
  args: string[];
  env?: Record<string, string>;
  cwd?: string;
  uid?: number;
  gid?: number;
}

export interface Service {
  name: ServiceName;
  /** A folder name and a word for people: postgres, temporal, kafka, minio, seaweedfs. */
  title: string;
  /** How long it may take from its start until `ready` holds. */
  startTimeoutMs: number;
  /** The signal on which it ends soon and in order, whoever is connected. */
  stopSignal: 'SIGTERM' | 'SIGINT';
  /** How long it may take to end after `stopSignal` before it is killed. */
  stopGraceMs: number;
  ports: (state: StackStateFile) => number[];
  /** Programs that must be on the PATH before `prepare` can do its work; see prerequisites.ts. */
  needs: (cache: string) => string[];
  /** Downloads and builds into the cache, and lays out the data folder; quick if all is there. */
  prepare: (context: ServiceContext) => Promise<Launch>;
  /** Resolves once a client could use it: throws while it cannot. Also creates what must exist (databases, bucket). */
  ready: (context: ServiceContext) => Promise<void>;
  /** A cheap sign of life, for `up` on a running stack. */
  healthy: (context: ServiceContext) => Promise<void>;
}

/**
 * Starts a detached process whose standard output and error go to `log`.
 * @throws StackError if it cannot be started at all
 */
export async function launchDetached(launch: Launch, log: string): Promise<OwnedProcess> {
  mkdirSync(dirname(log), { recursive: true });
  const output = openSync(log, 'a');
  try {
    const child = spawn(launch.command, launch.args, {
      cwd: launch.cwd ?? dirname(log), // not the caller's, which it would keep from being unmounted
      env: childEnvironment(launch.env),
      uid: launch.uid,
      gid: launch.gid,
      detached: true,
      stdio: ['ignore', output, output],
    });
    await new Promise<void>((resolve, reject) => {
      child.once('spawn', resolve);
      child.once('error', reject);
    });
    child.unref();
    const pid = child.pid ?? 0;
    const identity = identityOf(pid);
    if (identity === undefined) throw new Error('it ended at once');
    return { pid, identity };
  } catch (error) {
    throw new StackError(`cannot start ${launch.command}: ${reasonOf(error)}\n${tailOf(log)}`, { cause: error });
  } finally {
    closeSync(output);
  }
}

const READY_POLL_MS = 100;

/**
 * Waits until `ready` stops throwing.
 * @param lives whether there is still something to wait for
 * @throws StackError with the tail of the log if the process ends or the time is up; StackInterrupted on abort
 */
export async function waitUntilReady(
  service: Service,
  context: ServiceContext,
  lives: () => boolean,
  log: string,
): Promise<void> {
  const deadline = Date.now() + service.startTimeoutMs;
  let reason = 'no answer yet';
  while (Date.now() < deadline) {
    if (context.signal?.aborted === true) throw new StackInterrupted(`starting ${service.title} was interrupted`);
    try {
      await service.ready(context);
      return;
    } catch (error) {
      if (error instanceof StackError) throw error;
      reason = reasonOf(error);
    }
    if (!lives()) {
      throw new StackError(`${service.title} ended while it was starting; the cause is in its log\n${tailOf(log)}`);
    }
    await sleep(READY_POLL_MS);
  }
  throw new StackError(
    `${service.title} did not come up within ${service.startTimeoutMs / 1000} s (${reason}); ` +
      `if the machine is merely slow, run up again\n${tailOf(log)}`,
  );
}
