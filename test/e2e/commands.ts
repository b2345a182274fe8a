/** The `headrace` command on the test stack, and worker processes of it that can be killed. */
import { setTimeout as sleep } from 'node:timers/promises';
import { expect } from 'vitest';
import type { VerifyReport } from '../../contracts/temporal.ts';
import { type Ran, type Running, runCli, startCli } from '../cli/run-cli.ts';
import { stackEnvironment } from './services.ts';

export function headrace(...args: string[]): Promise<Ran> {
  return runCli(args, stackEnvironment());
}

export function startHeadrace(...args: string[]): Running {
  return startCli(args, stackEnvironment());
}

/** The document on standard output, of a command that must end with this code. */
export async function documentOf<T>(running: Promise<Ran>, code = 0): Promise<T> {
  const ran = await running;
  expect({ code: ran.code, stderr: ran.code === code ? '' : ran.stderr }).toEqual({ code, stderr: '' });
  return JSON.parse(ran.stdout) as T;
}

/** `verify --json`, which must find nothing wrong. */
export async function expectVerified(file: string, rows: number, replayId?: string): Promise<void> {
  const which = replayId === undefined ? [] : ['--replay-id', replayId];
  const report = await documentOf<VerifyReport>(headrace('verify', file, '--json', ...which));
  expect(report).toMatchObject({
    rows: { source: rows, replayed: rows, landed: rows, loaded: rows },
    missing: 0,
    extra: 0,
    different: 0,
    lost: 0,
    deadLetters: 0,
    chunksUnequal: 0,
    ok: true,
  });
}

const START_MS = 45_000;
const living = new Set<Running>();
// A test run that is interrupted leaves none behind: they would go on trying to reach a stack that is gone.
process.once('exit', () => {
  for (const worker of living) worker.kill('SIGKILL');
});

/**
 * A worker process of its own, once it polls.
 * @param only its queues, with commas between; default: all
 * @param extra variables that differ from the test stack's
 */
export async function startWorkerProcess(
  only?: string,
  extra: Readonly<Record<string, string>> = {},
): Promise<Running> {
  const args = ['worker', ...(only === undefined ? [] : ['--only', only])];
  for (let attempt = 1; ; attempt++) {
    const worker = startCli(args, { ...stackEnvironment(), ...extra });
    living.add(worker);
    void worker.ended.then(() => living.delete(worker));
    const late = sleep(START_MS, 'late' as const, { ref: false });
    if ((await Promise.race([worker.told(/polling/), late])) !== 'late') return worker;
    // Seen once in some hundred starts, and not understood: what is known of it is told, and it is started again, once.
    await killProcess(worker);
    const { stderr } = await worker.ended;
    const told = `a worker did not poll within ${START_MS} ms of its start (attempt ${attempt}); it said: ${stderr}`;
    if (attempt === 2) throw new Error(told);
    process.stderr.write(`${told}\n`);
  }
}

/** SIGKILL: no draining, no goodbye. */
export async function killProcess(worker: Running): Promise<void> {
  worker.kill('SIGKILL');
  await worker.ended;
}

/** Those that a test left: nothing that it kills may be waited for. */
export async function killAllWorkers(): Promise<void> {
  await Promise.all([...living].map(killProcess));
}
