/**
 * The command that comes back to what a command started, with each option that was given: without its --limit a failed
 * replay of five rows came back as one of the whole table.
 */
import type { LetterPlace } from '../contracts/letters.ts';
import type { CommonOptions } from './common-options.ts';
import { placeText } from './letter-options.ts';
import { fileWords, shellWord } from './scope-options.ts';

/** What says which rows a replay reads and in which order: it is one replay's for good, unlike its pace. */
const SCOPE = ['from', 'to', 'where', 'limit', 'speed'] as const;
/** Those of every command that has one to come back with, in the order in which they are shown. */
const CARRIED = [
  ...['settings', 'from', 'to', 'step', 'lookBack', 'where', 'limit', 'letter', 'speed', 'rate', 'bytes'],
  ...['lanes', 'parallelism', 'parallel', 'replayId', 'withWorker'],
] as const;

interface Given {
  table?: string;
  settings?: string | undefined;
  replayId?: string;
}
type Value = string | number | boolean | readonly LetterPlace[] | undefined;

/** @param options as the command was given them, or has made them (a replay id) */
export function comeBackTo(command: string, file: string, options: object & Given): string {
  const given: Readonly<Record<string, unknown>> = { ...options };
  const words = CARRIED.flatMap((name) => optionWords(name, given[name] as Value));
  return ['headrace', command, fileWords(file, options), ...words].join(' ');
}

/** Another command for the same file. @param rest words after it */
export function besides(command: string, file: string, { table, settings }: CommonOptions, rest = ''): string {
  const of = { ...(table === undefined ? {} : { table }), settings };
  return `${comeBackTo(command, file, of)}${rest}`;
}

/** What shows how it stands. */
export const statusOf = (file: string, options: CommonOptions): string => besides('status', file, options);

/** Of what was given, that which a replay id stands for, as options are written. */
export function scopeWords(given: Readonly<Partial<Record<(typeof SCOPE)[number], string | number>>>): string {
  return SCOPE.flatMap((name) => optionWords(name, given[name])).join(' ');
}

function optionWords(name: string, value: Value): string[] {
  const flag = `--${name.replaceAll(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`;
  if (value === undefined || value === false) return [];
  if (value === true) return [flag];
  if (typeof value === 'object') return value.map((place) => `${flag} ${placeText(place)}`);
  return [`${flag} ${shellWord(String(value))}`];
}
