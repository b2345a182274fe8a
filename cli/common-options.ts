/** Options that every command takes, and those of every command that starts a workflow. */
import { InvalidArgumentError, Option, type Command } from 'commander';
import { readSpeed, readTime, SPEED_FORM, TIME_FORM, withoutPerSecond } from '../contracts/scope-words.ts';
import type { Companions } from './each-table.ts';

export interface CommonOptions {
  json?: boolean;
  settings?: string;
  verbose?: boolean;
  /** Of a pipeline file with several. */
  table?: string;
  /** Where the command runs for several tables at once. */
  companions?: Companions;
}

export interface FollowOptions extends CommonOptions {
  follow?: boolean;
  detach?: boolean;
  withWorker?: boolean;
}

export function withCommon(command: Command): Command {
  return command
    .option('--json', 'print one JSON document on standard output; all else goes to standard error')
    .option('--settings <path>', 'settings file (default: HEADRACE_SETTINGS, else ./headrace.yaml if it is there)')
    .option('--verbose', 'show stack traces of errors');
}

export function withFollow(command: Command): Command {
  return withCommon(command)
    .addOption(new Option('--follow', 'wait for the end and show progress (the default)').conflicts('detach'))
    .addOption(new Option('--detach', 'start it, print its id and leave'))
    .addOption(new Option('--with-worker', 'run a worker in this process meanwhile').conflicts('detach'));
}

/** @throws InvalidArgumentError unless it is a whole number from `least` to `most` */
export function wholeNumber(least: number, most = Number.MAX_SAFE_INTEGER, such = ''): (text: string) => number {
  return (text) => {
    // Digits only: `0x10` and `1e3` are numbers to JavaScript, and typing errors here.
    const number = /^\d[\d_,]*$/.test(text) ? Number(text.replaceAll(/[_,]/g, '')) : NaN;
    if (!(number >= least && number <= most)) {
      const range = most === Number.MAX_SAFE_INTEGER ? `from ${least} on` : `from ${least} to ${most}`;
      throw new InvalidArgumentError(`Allowed: a whole number ${range}${such}.`);
    }
    return number;
  };
}

const BYTE_UNITS: Readonly<Record<string, number>> = {
  '': 1,
  kib: 2 ** 10,
  mib: 2 ** 20,
  gib: 2 ** 30,
  kb: 1e3,
  mb: 1e6,
  gb: 1e9,
};

/** Of a file. @throws InvalidArgumentError */
export function byteSize(text: string): number {
  const bytes = /\/s$/.test(text) ? 0 : byteRate(text);
  if (bytes > 0) return bytes;
  throw new InvalidArgumentError('Allowed: a size such as 256MiB.');
}

/** Bytes a second, with or without `/s`. @throws InvalidArgumentError */
export function byteRate(text: string): number {
  const parts = /^(\d+(?:\.\d+)?)\s*([A-Za-z]*?)(?:\/s)?$/.exec(text.trim());
  const unit = (parts?.[2] ?? '').toLowerCase();
  const factor = Object.hasOwn(BYTE_UNITS, unit) ? BYTE_UNITS[unit] : undefined;
  if (parts === null || factor === undefined)
    throw new InvalidArgumentError('Allowed: a size such as 10MiB, 500KiB or 0.');
  return Math.round(Number(parts[1]) * factor);
}

/** A pipeline file's `source.lanes` has the same bounds. */
export const lanes = wholeNumber(1, 64);

/** @throws InvalidArgumentError where nothing is written: it is no expression, and `--where "$UNSET"` no filter */
export function filter(text: string): string {
  if (text.trim() === '') throw new InvalidArgumentError("Allowed: an expression in the source's SQL.");
  return text;
}

/** ISO 8601; passed on as written. */
export function isoTime(text: string): string {
  const time = readTime(text);
  if (time === null) throw new InvalidArgumentError(`Allowed: ${TIME_FORM}.`);
  return time;
}

/** Seconds of event time a second. @param least 0 where that means no pace */
export function speed(least: 'any' | 'zero'): (text: string) => number {
  return (text) => {
    const factor = readSpeed(text);
    if (factor === null || (factor === 0 && least === 'any')) throw new InvalidArgumentError(`Allowed: ${SPEED_FORM}.`);
    return factor;
  };
}

/** Rows a second, with or without `/s`. */
export function rowRate(least: number): (text: string) => number {
  const read = wholeNumber(least, undefined, ', such as 20000/s');
  return (text) => read(withoutPerSecond(text));
}

/** Names with commas between. */
export function columnNames(text: string): string[] {
  const names = text.split(',').map((name) => name.trim());
  if (names.includes('')) throw new InvalidArgumentError('Allowed: names of columns with commas between.');
  return names;
}

/** It becomes part of workflow ids and of transactional ids, whose parts are split by slashes. */
export function replayId(text: string): string {
  if (!/^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/.test(text)) {
    throw new InvalidArgumentError('Allowed: up to 64 letters, digits, dots, dashes and underscores.');
  }
  return text;
}
