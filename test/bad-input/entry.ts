/** What the corpora share: an entry is data. Its test is written once a kind, in the file of the same name. */

export interface Entry {
  name: string;
  /** What the answer must hold: the place, what was found, the remedy. */
  says: readonly string[];
}

/** No answer to a mistake may hold a line of a stack trace. */
export const STACK_LINE = /^\s+at .*[:(]/m;

/** One test a name: two entries of one name would hide one another in the report. */
export function namesOf(entries: readonly Entry[]): Set<string> {
  return new Set(entries.map(({ name }) => name));
}
