import type { Column } from '../../contracts/columns.ts';
import { fault } from '../../contracts/errors.ts';

/** The key's columns in key order. */
export function keyColumnsOf(columns: readonly Column[], key: readonly string[]): Column[] {
  return key.map((name) => {
    const column = columns.find((candidate) => candidate.name === name);
    if (!column) throw fault('Unexpected', `key column "${name}" is not among the columns`);
    return column;
  });
}
