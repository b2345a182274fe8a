/** The machine's own view of what runs, independent of what the stack remembers. */
import { execFileSync } from 'node:child_process';
import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** A home of the test's own. */
export const newHome = (name: string): string => mkdtempSync(join(tmpdir(), `headrace-test-${name}-`));

/** Command lines of the processes that mention the folder: every service of a stack is started with its home in one. */
export function processesOf(home: string): string[] {
  const lines = execFileSync('ps', ['-ww', '-A', '-o', 'pid=,stat=,args='], { encoding: 'utf8' }).split('\n');
  return lines.filter((line) => line.includes(home) && !/^\s*\d+ Z/.test(line));
}
