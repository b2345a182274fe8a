/** What both kinds of warehouse say alike of a table and its columns. */
import { fault, type Fault } from '../contracts/errors.ts';

/**
 * Patience of ALTER TABLE with those who use a warehouse table, in seconds. While it waits, every reader that comes waits
 * behind it: so it is what a dashboard may stand still for, not what a long query takes (minutes were rejected). Retries come
 * seconds, later a minute apart, and find a moment without a long query; between them everybody passes.
 */
export const ALTER_LOCK_S = 3;

/** What came of that patience: tried again. */
export function tableBusy(table: string, statement: string, cause: unknown): Fault {
  return fault(
    'WarehouseUnavailable',
    `warehouse table ${table} is in use for over ${ALTER_LOCK_S} s, so that a column cannot be added yet; it is tried ` +
      `again, or end the transactions that use it, or run it yourself: ${statement}`,
    cause,
  );
}

/**
 * Why a warehouse table cannot be loaded that still has a column which the source has lost. Nobody but the user knows whether
 * it was dropped or renamed, and NULL in new rows beside old values is right for neither.
 * @param table quoted, as is the column
 */
export function goneText(table: string, column: string): string {
  return (
    `column ${column} is no longer in the source, so new rows would hold NULL there: once all that was landed is loaded, ` +
    `ALTER TABLE ${table} DROP COLUMN ${column}, or RENAME it to keep its values, or give the source its column back`
  );
}

/**
 * For whoever reads the table: a statement that names a column that is gone fails with words of the server's own.
 * @param what `verifying warehouse table …`
 * @param fold gives names that the server takes for one the same form
 * @throws Fault TableUnsuited
 */
export function requireColumns(
  what: string,
  wanted: readonly { name: string }[],
  found: readonly { name: string }[],
  fold: (name: string) => string = (name) => name,
): void {
  const there = new Set(found.map(({ name }) => fold(name)));
  const lacking = wanted.filter(({ name }) => !there.has(fold(name))).map(({ name }) => `"${name}"`);
  if (lacking.length === 0) return;
  const [columns, them] = lacking.length === 1 ? ['column', 'it'] : ['columns', 'them'];
  throw fault(
    'TableUnsuited',
    `${what}: it has no ${columns} ${lacking.join(', ')}, which the replay brought. Add ${them} again (ALTER TABLE, or ` +
      `warehouse.schemaChange: add) and run the pipeline, which fills ${them}`,
  );
}
