/**
 * What is wrong with a configuration, and how it is told: every problem of every file and variable at once, each with its
 * place, its path, what was found and what is allowed. What may be a secret is described, never shown.
 */
import { fault, type Fault, type FaultPart } from '../../contracts/errors.ts';

export interface Problem {
  /** `file:line:column`, or `environment`. */
  place: string;
  /** `rotate.records`, or a variable's name; empty for the file as a whole. */
  path: string;
  message: string;
}

/** In the order of the places as a reader goes through a file; line and column as numbers. */
export function sortProblems(problems: readonly Problem[]): Problem[] {
  return [...problems].sort((a, b) => a.place.localeCompare(b.place, 'en', { numeric: true }));
}

/** @returns one ConfigInvalid whose message is the whole list */
export function configFault(problems: readonly Problem[], cause?: unknown): Fault {
  const lines = sortProblems(problems).map(
    ({ place, path, message }) => `  ${place}: ${path === '' ? '' : `${path}: `}${message}`,
  );
  const count = problems.length === 1 ? 'a fault' : `${problems.length} faults`;
  const whole = fault('ConfigInvalid', `the configuration has ${count}:\n${lines.join('\n')}`, cause);
  whole.parts = sortProblems(problems).map(partOf);
  return whole;
}

/** What was found may hold a semicolon, but then stands in quotes. */
const WHAT_AND_REMEDY = /^((?:"(?:[^"\\]|\\.)*"|[^";]|;(?! ))*)(?:; (.*))?$/s;

function partOf({ place, path, message }: Problem): FaultPart {
  const [, file = place === 'environment' ? null : place, line, column] = /^(.*):(\d+):(\d+)$/s.exec(place) ?? [];
  const [, what = message, remedy = null] = WHAT_AND_REMEDY.exec(message) ?? [];
  const at = (text: string | undefined): number | null => (text === undefined ? null : Number(text));
  return { file, line: at(line), column: at(column), path, what, remedy };
}

/** An address in the wrong place may hold a password, itself with any character in it: from the first colon to the last @. */
export function withoutPassword(text: string): string {
  return text.replace(/:(\/\/)?.*@/s, ':$1…@');
}

/** `source.key[1]` from ['source', 'key', 1]. A key that looks like an address may hold a password: it is not shown. */
export function pathText(path: readonly PropertyKey[]): string {
  return path
    .map((part) => (typeof part === 'number' ? `[${part}]` : `.${String(part).replace(/^.*[:@].*$/s, '…')}`))
    .join('')
    .replace(/^\./, '');
}
