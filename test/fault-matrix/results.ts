/** What came of each cell: told as it comes, kept for the page. Cells that are run again replace what was kept of them. */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { seed, VARIABLES } from './plan.ts';

export interface Result {
  name: string;
  ok: boolean;
  /** Of the cell as a whole. */
  seconds: number;
  recoverySeconds?: number;
  /** What happened, where it is not the same for all: what was seen, or why it failed. */
  what?: string;
  seed: number;
}

export function note(result: Omit<Result, 'seed'>): void {
  const { name, ok, recoverySeconds, seconds, what = '' } = result;
  const back = recoverySeconds === undefined ? '' : `back after ${recoverySeconds.toFixed(1)} s, `;
  process.stderr.write(`${ok ? 'ok  ' : 'FAIL'} ${name}: ${back}${seconds.toFixed(0)} s in all ${what}\n`);
  const file = process.env[VARIABLES.results];
  if (file === undefined) return;
  const others = readResults(file).filter((each) => each.name !== name);
  writeFileSync(file, JSON.stringify([...others, { ...result, seed: seed() }], undefined, 1));
}

export function readResults(file: string): Result[] {
  return existsSync(file) ? (JSON.parse(readFileSync(file, 'utf8')) as Result[]) : [];
}

/** Runs one cell and notes what came of it. @param work returns what there is to tell */
export async function noted(
  name: string,
  work: () => Promise<{ recoverySeconds?: number; what?: string }>,
): Promise<void> {
  const began = performance.now();
  const seconds = (): number => (performance.now() - began) / 1000;
  try {
    note({ name, ok: true, ...(await work()), seconds: seconds() });
  } catch (error) {
    note({ name, ok: false, what: error instanceof Error ? error.message : String(error), seconds: seconds() });
    throw error;
  }
}
