/**
 * Where words go: results to standard output (with --json exactly one document), everything else to standard error.
 */
import Table from 'cli-table3';
import { numberText } from '../contracts/count-words.ts';
import type { CommonOptions } from './common-options.ts';

export interface Output {
  json: boolean;
  /** The command's one result: a document with --json, else `human()`'s text. */
  result(document: unknown, human: () => string): void;
  /** A line about what goes on. */
  note(line: string): void;
}

/** A command's output, or its share where it runs for several tables. */
export function outputFor({ json, companions }: CommonOptions): Output {
  return companions?.output ?? createOutput(json === true);
}

/** A note that is the same for all of a file's tables, for each of which the command runs. */
export function noteOnce({ companions }: CommonOptions, output: Output, line: string): void {
  if (companions === undefined) output.note(line);
  else companions.noteOnce(line);
}

export function createOutput(json: boolean): Output {
  return {
    json,
    result: (document, human) => {
      const text = json ? JSON.stringify(document, undefined, 2) : human();
      if (text !== '') process.stdout.write(`${text}\n`);
    },
    note: (line) => void process.stderr.write(`${line}\n`),
  };
}

export function secondsText(seconds: number): string {
  if (seconds < 100) return `${seconds.toFixed(1)} s`;
  const whole = Math.round(seconds);
  const minutes = Math.floor(whole / 60);
  if (minutes < 100) return `${minutes} min ${whole % 60} s`;
  return `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
}

export function bytesText(bytes: number): string {
  const units = ['bytes', 'KiB', 'MiB', 'GiB', 'TiB'];
  let value = bytes;
  let unit = 0;
  while (value >= 1024 && unit < units.length - 1) {
    value /= 1024;
    unit += 1;
  }
  return `${unit === 0 ? value : value.toFixed(1)} ${units[unit] ?? ''}`;
}

/** @returns '' where no time went by */
export function rateText(rows: number, seconds: number): string {
  if (seconds <= 0) return '';
  const rate = rows / seconds;
  // Of a replay at the pace of its events, one row in minutes is no 0.
  return rate > 0 && rate < 1 ? `${rate.toPrecision(2)} rows/s` : `${numberText(rate)} rows/s`;
}

type Align = 'left' | 'right';

/** A plain table without rules, for terminals and for pasting. */
export function tableText(
  head: readonly string[],
  rows: readonly (readonly string[])[],
  aligns: readonly Align[] = [],
) {
  const none = ['top', 'top-mid', 'top-left', 'top-right', 'bottom', 'bottom-mid', 'bottom-left', 'bottom-right'];
  const inner = ['left', 'left-mid', 'mid', 'mid-mid', 'right', 'right-mid'];
  const table = new Table({
    head: [...head],
    colAligns: [...aligns],
    chars: { ...Object.fromEntries([...none, ...inner].map((name) => [name, ''])), middle: '  ' },
    style: { head: [], border: [], 'padding-left': 0, 'padding-right': 0 },
  });
  for (const row of rows) table.push([...row]);
  return table
    .toString()
    .split('\n')
    .map((line) => line.trimEnd())
    .join('\n');
}
