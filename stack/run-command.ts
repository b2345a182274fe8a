/**
 * Runs one command of a set-up step to its end, with its output kept in a log. Whoever interrupts gets the whole tree
 * of processes ended: builds (go, npm, mvn) start many, and a lone SIGTERM to the first would leave the others.
 */
import { spawn } from 'node:child_process';
import { closeSync, mkdirSync, openSync, writeSync } from 'node:fs';
import { dirname } from 'node:path';
import { childEnvironment } from './environment.ts';
import { tailOf } from './log-tail.ts';
import { StackError, StackInterrupted } from './stack-error.ts';

export interface CommandOptions {
  /** Appended to; its tail is in the error. */
  log: string;
  cwd?: string;
  env?: Record<string, string>;
  uid?: number;
  gid?: number;
  signal?: AbortSignal | undefined;
  timeoutMs?: number;
  /** What the user may do when it fails. */
  remedy?: string;
}

/**
 * @throws StackError with the tail of the log if the command cannot start, fails or takes longer than `timeoutMs`;
 * StackInterrupted if `signal` ended it
 */
export async function runCommand(command: string, args: readonly string[], options: CommandOptions): Promise<void> {
  options.signal?.throwIfAborted();
  mkdirSync(dirname(options.log), { recursive: true });
  const log = openSync(options.log, 'a');
  try {
    writeSync(log, `\n$ ${command} ${args.join(' ')}\n`);
    const outcome = await new Promise<string | undefined>((resolve) => {
      const child = spawn(command, args, {
        cwd: options.cwd,
        env: childEnvironment(options.env),
        uid: options.uid,
        gid: options.gid,
        detached: true,
        stdio: ['ignore', log, log],
      });
      const endGroup = (): void => {
        try {
          if (child.pid !== undefined) process.kill(-child.pid, 'SIGKILL');
        } catch {
          // It has ended meanwhile.
        }
      };
      let timedOut = false;
      const timer =
        options.timeoutMs === undefined
          ? undefined
          : setTimeout(() => {
              timedOut = true;
              endGroup();
            }, options.timeoutMs);
      const onAbort = (): void => endGroup();
      options.signal?.addEventListener('abort', onAbort, { once: true });
      // A second Ctrl-C ends this process at once; the build has a process group of its own and would go on.
      process.once('exit', endGroup);
      const finish = (reason: string | undefined): void => {
        clearTimeout(timer);
        options.signal?.removeEventListener('abort', onAbort);
        process.off('exit', endGroup);
        resolve(reason);
      };
      child.once('error', (error) => finish(error.message));
      child.once('close', (code, signal) => {
        if (code === 0) finish(undefined);
        else if (timedOut) finish(`took longer than ${(options.timeoutMs ?? 0) / 1000} s`);
        else finish(signal === null ? `ended with code ${code ?? 'unknown'}` : `was ended by ${signal}`);
      });
    });
    if (outcome === undefined) return;
    if (options.signal?.aborted === true) throw new StackInterrupted(`${command} was interrupted`);
    const remedy = options.remedy === undefined ? '' : `; ${options.remedy}`;
    throw new StackError(`${command} ${args[0] ?? ''} ${outcome}${remedy}\n${tailOf(options.log)}`);
  } finally {
    closeSync(log);
  }
}
