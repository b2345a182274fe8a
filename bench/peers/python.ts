/**
 * Peers in Python: one virtual environment in the user's cache, made from requirements.txt's exact versions. A script gets
 * its task as JSON on standard input (passwords do not belong into arguments) and answers in JSON on its last line.
 */
import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { artifact } from '../../stack/artifacts.ts';
import { childEnvironment } from '../../stack/environment.ts';
import { runCommand } from '../../stack/run-command.ts';

const REQUIREMENTS = join(import.meta.dirname, 'requirements.txt');
const SHOWN_OUTPUT = 4_000;

/**
 * @param script in this folder
 * @param answer what of its answer is wanted; seconds it measures itself, from after its imports: the start of Python (and of
 * Spark's JVM) is not in them
 * @param task given to it as JSON, with addresses and credentials
 * @throws Error with what it printed if it fails
 */
export async function pythonNumber(
  script: string,
  answer: 'seconds' | 'rows',
  input: { cache: string; folder: string; task: Readonly<Record<string, unknown>>; env?: Record<string, string> },
): Promise<number> {
  const { cache, folder } = input;
  const python = join(await environment(cache), 'bin', 'python');
  const child = spawn(python, [join(import.meta.dirname, script)], {
    cwd: folder,
    env: childEnvironment({ ...input.env, HOME: folder, PYTHONDONTWRITEBYTECODE: '1' }),
    stdio: ['pipe', 'pipe', 'pipe'],
  });
  let stdout = '';
  let stderr = '';
  child.stdout.on('data', (data: Buffer) => void (stdout += data.toString()));
  child.stderr.on('data', (data: Buffer) => void (stderr = (stderr + data.toString()).slice(-SHOWN_OUTPUT)));
  // A script that ends before it has read its task tells why on standard error.
  child.stdin.on('error', () => undefined);
  child.stdin.end(JSON.stringify({ ...input.task, folder }));
  const code = await new Promise<number | null>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', resolve);
  });
  const failed = `${script} ended with ${code ?? 'a signal'}:\n${stdout.slice(-SHOWN_OUTPUT)}${stderr}`;
  if (code !== 0) throw new Error(failed);
  const given: unknown = JSON.parse(stdout.trim().split('\n').at(-1) ?? '');
  const [, value] = Object.entries(given ?? {}).find(([name]) => name === answer) ?? [];
  if (typeof value === 'number') return value;
  throw new Error(failed);
}

/** Keyed by the requirements' content: a changed version is another environment. */
async function environment(cache: string): Promise<string> {
  const digest = createHash('sha256').update(readFileSync(REQUIREMENTS)).digest('hex').slice(0, 12);
  const onWait = (): void => undefined;
  return await artifact(`bench-peers-python-${digest}`, { cache, signal: undefined, onWait }, async (building) => {
    const log = join(cache, 'logs', 'bench-peers-python.log');
    const venv = { log, remedy: 'a virtual environment needs Python 3.10 or later with venv (Debian: python3-venv)' };
    await runCommand('python3', ['-m', 'venv', building], venv);
    const install = ['-m', 'pip', 'install', '--quiet', '--requirement', REQUIREMENTS];
    const pip = { log, remedy: 'pip needs a way to PyPI' };
    await runCommand(join(building, 'bin', 'python'), install, pip);
  });
}
