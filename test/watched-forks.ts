/**
 * The pool that test files run in: Vitest's forks, with an end to waiting. Guarantees: a file that takes longer than its limit
 * says where it stands and is run once more in a new fork; one that does so again is killed, and the run fails with its name.
 *
 * Vitest waits without end for a fork's word that its file is over, and a fork for the answers to its calls. Where a message
 * is lost between them, as is known of its forks (TryGhost/Ghost#27996, #29649), or a call stays in native code, a test's own
 * limit does not help: one of our runs stood for 80 minutes and said nothing. Threads, to which others went for it, cannot be
 * had: the Kafka binding loads in one thread of a process only.
 */
import { ChildProcess, execFile } from 'node:child_process';
import { readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { ForksPoolWorker, type PoolOptions, type PoolWorker, type WorkerRequest } from 'vitest/node';
import { identityOf, signalTree } from '../stack/process-identity.ts';

type Listener = [event: string, callback: (argument: unknown) => void];
/** Of a diagnostic report, https://nodejs.org/api/report.html; its variables may hold passwords and are not read. */
interface Report {
  javascriptStack: { message?: string; stack?: string[] };
  libuv: { type: string; is_active?: boolean; [more: string]: unknown }[];
}

const REPORT = ['--report-on-signal', '--report-compact', '--report-exclude-network', `--report-directory=${tmpdir()}`];
const REPORT_WAIT_MS = 3_000;

/** @param limitMs of a test file, its retries and its waiting for services included */
export function watchedForks(limitMs: number): {
  name: string;
  createPoolWorker: (options: PoolOptions) => PoolWorker;
} {
  return { name: 'watched-forks', createPoolWorker: (options) => watchedFork(options, limitMs) };
}

function watchedFork(options: PoolOptions, limitMs: number): PoolWorker {
  const create = (): ForksPoolWorker => new ForksPoolWorker({ ...options, execArgv: [...options.execArgv, ...REPORT] });
  let fork = create();
  let listeners: Listener[] = [];
  let start: WorkerRequest | undefined;
  let timer: NodeJS.Timeout | undefined;
  let replacing: Promise<void> | undefined;
  let isOver = false;

  const disarm = (message: unknown): void => {
    if (!isResponse(message, 'testfileFinished')) return;
    isOver = true;
    clearTimeout(timer);
  };

  function run(request: WorkerRequest & { type: 'run' }, isAgain: boolean): void {
    fork.on('message', disarm);
    fork.send(request);
    timer = setTimeout(() => {
      replacing = late(request, isAgain).catch((error: unknown) => {
        process.stderr.write(`a fork that hangs could not be replaced: ${String(error)}\n`);
      });
    }, limitMs);
  }

  async function late(request: WorkerRequest & { type: 'run' }, isAgain: boolean): Promise<void> {
    const files = request.context.files.map(({ filepath }) => basename(filepath)).join(', ');
    const pid = pidOf(fork);
    const next = isAgain ? 'killed: the second time' : 'run once more, in a new process';
    process.stderr.write(`\n${files} is not over after ${limitMs / 1_000} s, and is ${next}. It stands here:\n`);
    process.stderr.write(`${await whereItStands(pid)}\n`);
    if (isOver) return;
    const owned = { pid, identity: identityOf(pid) ?? 'gone' };
    if (isAgain) {
      signalTree(owned, 'SIGKILL'); // Vitest hears of it and fails the run.
      return;
    }
    for (const [event, callback] of listeners) fork.off(event, callback);
    const stopped = fork.stop();
    signalTree(owned, 'SIGKILL'); // what its tests started, too
    await stopped;
    fork = create();
    await fork.start();
    await new Promise<void>((resolve) => {
      const onMessage = (message: unknown): void => {
        if (!isResponse(message, 'started')) return;
        fork.off('message', onMessage);
        resolve();
      };
      fork.on('message', onMessage);
      if (start) fork.send(start);
    });
    for (const [event, callback] of listeners) fork.on(event, callback);
    run(request, true);
  }

  return {
    name: 'watched-forks',
    cacheFs: true,
    start: () => fork.start(),
    async stop() {
      clearTimeout(timer);
      await replacing;
      clearTimeout(timer); // of the fork that took its place
      await fork.stop();
    },
    on(event, callback) {
      listeners.push([event, callback]);
      fork.on(event, callback);
    },
    off(event, callback) {
      listeners = listeners.filter(([name, other]) => name !== event || other !== callback);
      fork.off(event, callback);
    },
    send(message) {
      if (message.type === 'start') start = message;
      if (message.type === 'run') run(message, false);
      else fork.send(message);
    },
    deserialize: (data) => data,
  };
}

function isResponse(message: unknown, type: string): boolean {
  return typeof message === 'object' && message !== null && 'type' in message && message.type === type;
}

/** Vitest keeps the process to itself. */
function pidOf(fork: ForksPoolWorker): number {
  const child: unknown = Reflect.get(fork, 'fork');
  if (!(child instanceof ChildProcess) || child.pid === undefined) throw new Error('the fork has no process');
  return child.pid;
}

/** Its threads, its children, and what its event loop holds; where that does not turn, the native stacks, if there is a debugger. */
async function whereItStands(pid: number): Promise<string> {
  const output = async (command: string, args: string[]): Promise<string> =>
    (
      await promisify(execFile)(command, args, { timeout: 60_000 }).catch((error: unknown) => ({
        stdout: String(error),
      }))
    ).stdout;
  const report = await reportOf(pid);
  const handles = report?.libuv.filter(({ is_active: isActive }) => isActive).map((handle) => JSON.stringify(handle));
  return [
    await output('ps', ['-L', '-o', 'tid,stat,time,wchan:24,comm', '-p', String(pid)]),
    await output('ps', ['-o', 'pid,stat,etime,args', '--ppid', String(pid)]),
    report
      ? [report.javascriptStack.message, ...(report.javascriptStack.stack ?? []), ...(handles ?? [])].join('\n')
      : await output('gdb', ['-p', String(pid), '-batch', '-ex', 'thread apply all backtrace 12']),
  ].join('\n');
}

/** @returns null where the process does not answer: it is in native code, or stopped */
async function reportOf(pid: number): Promise<Report | null> {
  process.kill(pid, 'SIGUSR2');
  for (const until = Date.now() + REPORT_WAIT_MS; Date.now() < until; await sleep(200)) {
    const name = (await readdir(tmpdir())).find((file) => file.startsWith('report.') && file.includes(`.${pid}.`));
    if (!name) continue;
    await sleep(500); // it is being written
    const text = await readFile(join(tmpdir(), name), 'utf8');
    await rm(join(tmpdir(), name));
    return JSON.parse(text) as Report;
  }
  return null;
}
