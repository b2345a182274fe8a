/** The end of a log file, for an error message: enough to see the cause, never a flood. */
import { closeSync, fstatSync, openSync, readSync } from 'node:fs';

const TAIL_BYTES = 16_384;
const TAIL_LINES = 25;

/** @returns the last lines of the file, indented, under a heading that names it; a sentence if it cannot be read */
export function tailOf(path: string): string {
  let file: number;
  try {
    file = openSync(path, 'r');
  } catch {
    return `(no log at ${path})`;
  }
  try {
    const size = fstatSync(file).size;
    const buffer = Buffer.alloc(Math.min(size, TAIL_BYTES));
    readSync(file, buffer, 0, buffer.length, size - buffer.length);
    const lines = buffer.toString('utf8').trimEnd().split('\n').slice(-TAIL_LINES);
    return `the end of ${path}:\n${lines.map((line) => `  | ${line}`).join('\n')}`;
  } finally {
    closeSync(file);
  }
}
