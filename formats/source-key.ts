/**
 * What any source table must have, whatever its database: a unique key, an event time that is a time, and the columns that a
 * pipeline lists. Pure.
 */
import type { Column } from '../contracts/columns.ts';

const sorted = (names: readonly string[]): string => [...names].sort().join('\0');

/**
 * The unique key to use.
 * @param wanted source.key, in any order; absent: the primary key
 * @param shown the table's name, for the message
 * @returns a text where there is no such key: what there is, and the remedy
 */
export function chooseKey<K extends { columns: readonly string[] }>(
  keys: readonly K[],
  isPrimary: (key: K) => boolean,
  wanted: readonly string[] | undefined,
  shown: string,
): K | string {
  const found = keys.find((key) => (wanted === undefined ? isPrimary(key) : sorted(key.columns) === sorted(wanted)));
  if (found) return found;
  const others = keys.map(({ columns }) => `(${columns.join(', ')})`).join(', ');
  return wanted === undefined
    ? `it has no primary key${others ? `; name one of its unique keys in source.key: ${others}` : '; add one'}`
    : `source.key (${wanted.join(', ')}) is no unique key of ${shown}; it has ${others || 'none'}`;
}

/**
 * @param times the database's words for the types that will do
 * @returns null where the column will do
 */
export function eventTimeFault(
  columns: readonly Column[],
  eventTime: string,
  shown: string,
  times: string,
): string | null {
  const column = columns.find((candidate) => candidate.name === eventTime);
  if (!column)
    return `source.eventTime "${eventTime}" is no column of ${shown}; it has ${columns.map((each) => each.name).join(', ')}`;
  if (['timestamp', 'timestamptz', 'date'].includes(column.type.kind)) return null;
  return `source.eventTime "${eventTime}" is of type ${column.native ?? column.sqlType}; ${times} is needed`;
}

/**
 * Of columns whose types are not taken: each with its own reason, then once what is taken, and how to leave them out.
 * @param needed columns that are read in any case
 * @param supported the database's words for the types that will do
 */
export function unreadableFaults(
  refused: readonly { name: string; error: string }[],
  needed: readonly (string | undefined)[],
  supported: string,
): string[] {
  if (refused.length === 0) return [];
  const spare = refused.filter(({ name }) => !needed.includes(name)).map(({ name }) => `"${name}"`);
  const remedy =
    spare.length === 0 ? '' : `; to leave ${spare.join(', ')} out, list the other columns in source.columns`;
  return [...refused.map(({ name, error }) => `column "${name}": ${error}`), `supported are ${supported}${remedy}`];
}

/**
 * The columns to read. Those that must be there are read whether they are listed or not.
 * @param wanted source.columns; absent: all
 */
export function chooseColumns(
  all: readonly string[],
  wanted: readonly string[] | undefined,
  needed: readonly (string | undefined)[],
  shown: string,
): { names: ReadonlySet<string>; faults: string[] } {
  if (wanted === undefined) return { names: new Set(all), faults: [] };
  const unknown = wanted.filter((name) => !all.includes(name)).map((name) => `"${name}"`);
  const plural = unknown.length > 1 ? 'are no columns' : 'is no column';
  return {
    names: new Set([...wanted, ...needed.filter((name) => name !== undefined)]),
    faults:
      unknown.length === 0
        ? []
        : [`source.columns: ${unknown.join(', ')} ${plural} of ${shown}; it has ${all.join(', ')}`],
  };
}
