/** Runs the `headrace` command as a user does: as a process of its own, in an empty folder, with nothing of ours set. */
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';

export const CHECKOUT = resolve(import.meta.dirname, '../..');
const COMMAND = join(CHECKOUT, 'cli/headrace.mjs');

export interface Ran {
  code: number | null;
  stdout: string;
  stderr: string;
  seconds: number;
}

export interface Running {
  pid: number;
  /** Resolves once standard error matches, with the match. */
  told(pattern: RegExp): Promise<RegExpExecArray>;
  kill(signal: NodeJS.Signals): void;
  ended: Promise<Ran>;
}

/** Variables that name services or files; without them a command finds neither a stack nor settings. */
function environment(home: string, extra: Readonly<Record<string, string>>): NodeJS.ProcessEnv {
  const clean = Object.entries(process.env).filter(([name]) => !/^(HEADRACE_|AWS_|DEBUG$)/.test(name));
  return { ...Object.fromEntries(clean), HEADRACE_HOME: home, ...extra };
}

/** A test run that is stopped takes its commands and workers with it. */
const children = new Set<ChildProcess>();
process.once('exit', () => {
  for (const child of children) child.kill('SIGKILL');
});

export function startCli(args: readonly string[], env: Readonly<Record<string, string>> = {}, cwd = tmpdir()): Running {
  const began = performance.now();
  const home = mkdtempSync(join(tmpdir(), 'headrace-cli-'));
  const child = spawn(process.execPath, [COMMAND, ...args], {
    cwd,
    env: environment(home, env),
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  children.add(child);
  let stdout = '';
  let stderr = '';
  const watchers: (() => void)[] = [];
  child.stdout.on('data', (data: Buffer) => void (stdout += data.toString()));
  child.stderr.on('data', (data: Buffer) => {
    stderr += data.toString();
    for (const watcher of watchers) watcher();
  });
  const ended = new Promise<Ran>((resolveEnd, reject) => {
    child.on('error', reject);
    child.on('close', (code) => {
      children.delete(child);
      rmSync(home, { recursive: true });
      resolveEnd({ code, stdout, stderr, seconds: (performance.now() - began) / 1000 });
    });
  });
  return {
    pid: child.pid ?? 0,
    ended,
    kill: (signal) => void child.kill(signal),
    told: (pattern) =>
      new Promise((found, reject) => {
        const look = (): void => {
          const match = pattern.exec(stderr);
          if (match) found(match);
        };
        watchers.push(look);
        look();
        void ended.then(() => reject(new Error(`ended without telling ${String(pattern)}:\n${stderr}`)));
      }),
  };
}

export async function runCli(
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
  cwd?: string,
): Promise<Ran> {
  return await startCli(args, env, cwd).ended;
}
