/** A worker process with what it costs: CPU time and peak memory as Linux counts them. */
import { spawn, type ChildProcess } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { childEnvironment } from '../stack/environment.ts';

export const COMMAND = fileURLToPath(new URL('../cli/headrace.mjs', import.meta.url));

/** Linux's unit of /proc/<pid>/stat, the same on every architecture that Node runs on. */
const TICKS_PER_SECOND = 100;
const START_MS = 60_000;

export interface MeasuredWorker {
  queue: string;
  /** User and system, since the process began. */
  cpuSeconds(): number;
  peakRssMiB(): number;
  /** Drains it. */
  stop(): Promise<void>;
}

/** Starts `headrace worker --only <queue>`; resolves once it polls. */
export async function startMeasuredWorker(
  queue: string,
  env: Readonly<Record<string, string>>,
): Promise<MeasuredWorker> {
  const child = spawn(process.execPath, [COMMAND, 'worker', '--only', queue], {
    env: childEnvironment(env),
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  const ended = new Promise<void>((resolve) => child.once('exit', () => resolve()));
  await polling(child, queue);
  const pid = child.pid ?? 0;
  return {
    queue,
    cpuSeconds: () => cpuSecondsOf(pid),
    peakRssMiB: () => peakRssMiBOf(pid),
    async stop() {
      child.kill('SIGINT');
      await ended;
    },
  };
}

/** The name in parentheses may hold spaces, so fields are counted from behind it: utime and stime are the 12th and 13th. */
export function cpuSecondsOf(pid: number): number {
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return (Number(fields[11]) + Number(fields[12])) / TICKS_PER_SECOND;
}

export function peakRssMiBOf(pid: number): number {
  const found = /^VmHWM:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'));
  return Number(found?.[1] ?? 0) / 1024;
}

async function polling(child: ChildProcess, queue: string): Promise<void> {
  let log = '';
  await new Promise<void>((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error(`the ${queue} worker did not start in time:\n${log}`)), START_MS);
    const settle = (): void => clearTimeout(timer);
    child.stderr?.on('data', (data: Buffer) => {
      log = (log + data.toString()).slice(-10_000);
      if (!log.includes('polling headrace-')) return;
      settle();
      resolve();
    });
    child.once('exit', (code) => {
      settle();
      reject(new Error(`the ${queue} worker ended with code ${code ?? 'none'}:\n${log}`));
    });
  });
}

/** Runs one command to its end and gives its JSON document. */
export async function runCommand(args: readonly string[], env: Readonly<Record<string, string>>): Promise<unknown> {
  const child = spawn(process.execPath, [COMMAND, ...args, '--json'], {
    env: childEnvironment(env),
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let stdout = '';
  let stderr = '';
  child.stdout.on('data', (data: Buffer) => void (stdout += data.toString()));
  child.stderr.on('data', (data: Buffer) => void (stderr += data.toString()));
  const code = await new Promise<number | null>((resolve) => child.once('close', resolve));
  if (code !== 0) throw new Error(`headrace ${args.join(' ')} ended with ${code ?? 'a signal'}:\n${stderr}${stdout}`);
  return JSON.parse(stdout);
}
