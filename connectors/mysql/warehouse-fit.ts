/**
 * Whether an existing warehouse table can take the rows, decided from its catalogue alone: every value of the source must come
 * out of it unchanged, and a unique index must tell exactly the source's keys apart. All faults come at once, each with what
 * was found and the remedy.
 */
import type { WarehouseTable } from '../../activities/ports/warehouse.ts';
import type { Column } from '../../contracts/columns.ts';
import { goneText } from '../../formats/warehouse-words.ts';
import type { FoundColumn, FoundTable } from './catalog.ts';
import type { Flavour } from './pool.ts';
import { keyColumns, quoteName, quoteTable } from './sql-text.ts';
import { fits, warehouseType } from './warehouse-types.ts';

/** @returns nothing where the table fits */
export function unfitFor(wanted: WarehouseTable, found: FoundTable, flavour: Flavour): string[] {
  const shown = quoteTable(wanted.name);
  if (found.kind !== 'BASE TABLE') return [`it is not a table (${found.kind.toLowerCase()}); name a table`];
  const faults: string[] = [];
  const { columns, key } = wanted.shape;
  if (found.engine !== 'InnoDB')
    faults.push(`its engine ${found.engine ?? 'none'} has no transactions: ALTER TABLE ${shown} ENGINE=InnoDB`);
  const keys = keyColumns(wanted.shape);
  for (const column of columns) {
    const type = warehouseType(column, keys, flavour);
    if ('error' in type) {
      faults.push(`column ${quoteName(column.name)}: ${type.error}`);
      continue;
    }
    // MySQL's names of columns know no case.
    const there = found.columns.find((each) => each.name.toLowerCase() === column.name.toLowerCase());
    if (there) faults.push(...columnFaults(column, there, type.ok, keys.includes(column), shown));
    else if (!canAdd(wanted, column)) {
      const add = addColumn(shown, column, type.ok);
      faults.push(`column ${quoteName(column.name)} is missing: ${add} -- or say warehouse.schemaChange: add`);
    }
  }
  for (const there of found.columns) {
    if (columns.some((column) => column.name.toLowerCase() === there.name.toLowerCase())) continue;
    if (wanted.gone?.some((name) => name.toLowerCase() === there.name.toLowerCase()) === true) {
      faults.push(goneText(shown, quoteName(there.name)));
      continue;
    }
    if (there.nullable || there.hasDefault || there.computed) continue;
    faults.push(
      `column ${quoteName(there.name)} is NOT NULL without a default, and the source has no such column, so every insert ` +
        `would fail: ALTER TABLE ${shown} MODIFY ${quoteName(there.name)} ${there.columnType} NULL`,
    );
  }
  if (key.length === 0) return [...faults, ...uniqueFaults(wanted, found, shown)];
  const sorted = (names: readonly string[]): string =>
    names
      .map((name) => name.toLowerCase())
      .sort()
      .join('\0');
  const exact = found.keys.filter((each) => !each.partial && sorted(each.columns) === sorted(key));
  if (exact.length === 0) {
    const others = found.keys.map((each) => `(${each.columns.join(', ')})`).join(', ') || 'none';
    faults.push(
      `no unique index over exactly the key (${key.join(', ')}); found: ${others}: ` +
        `ALTER TABLE ${shown} ADD UNIQUE (${key.map(quoteName).join(', ')})`,
    );
  }
  // ON DUPLICATE KEY UPDATE changes the row that any unique index finds: another one would swallow rows of other keys.
  for (const other of found.keys.filter((each) => !exact.includes(each))) {
    faults.push(
      `its unique index ${quoteName(other.name)} is not the key's: an upsert would change another row than the key's: ` +
        `ALTER TABLE ${shown} DROP INDEX ${quoteName(other.name)}`,
    );
  }
  return faults;
}

/** Statements that give an existing table the columns that it lacks, if the pipeline wants that; all of them may be NULL. */
export function columnsToAdd(wanted: WarehouseTable, found: FoundTable, flavour: Flavour): string[] {
  const there = new Set(found.columns.map((column) => column.name.toLowerCase()));
  const lacking = wanted.shape.columns.filter(
    (column) => !there.has(column.name.toLowerCase()) && canAdd(wanted, column),
  );
  return lacking.flatMap((column) => {
    const type = warehouseType(column, keyColumns(wanted.shape), flavour);
    return 'ok' in type ? [addColumn(quoteTable(wanted.name), column, type.ok)] : [];
  });
}

/** A column of the key is no addition: the rows that are there would have no key. */
function canAdd({ addColumns, shape }: WarehouseTable, { name }: Column): boolean {
  return addColumns === true && !shape.key.includes(name);
}

function addColumn(shown: string, { name }: Column, type: string): string {
  return `ALTER TABLE ${shown} ADD COLUMN ${quoteName(name)} ${type} NULL`;
}

/** Where each record is a row, a unique index over columns of the source refuses the next replay's rows. */
function uniqueFaults({ shape }: WarehouseTable, { keys }: FoundTable, shown: string): string[] {
  const loaded = new Set(shape.columns.map((column) => column.name.toLowerCase()));
  return keys
    .filter(({ columns }) => columns.every((name) => loaded.has(name.toLowerCase())))
    .map(
      ({ name, columns }) =>
        `its unique index ${quoteName(name)} over (${columns.join(', ')}) would refuse the rows of the next replay, since ` +
        `warehouse.mode is append: ALTER TABLE ${shown} DROP INDEX ${quoteName(name)}, or say mode: upsert`,
    );
}

function columnFaults(column: Column, there: FoundColumn, type: string, isKey: boolean, shown: string): string[] {
  const faults: string[] = [];
  const name = quoteName(column.name);
  const modify = `ALTER TABLE ${shown} MODIFY ${name} ${type}`;
  const source = column.native ?? column.sqlType;
  if (there.computed) faults.push(`column ${name} is computed (GENERATED) and cannot be loaded; drop the expression`);
  if (!fits(type, column, there)) {
    faults.push(`column ${name} is ${there.columnType}, the source's ${source} needs ${type}: ${modify}`);
  } else if (there.charset !== null && there.charset !== 'utf8mb4' && column.type.kind !== 'uuid') {
    faults.push(`column ${name} has the character set ${there.charset}, which does not hold every text: ${modify}`);
  } else if (isKey && there.collation !== null && column.type.kind !== 'uuid' && !isExact(there.collation)) {
    faults.push(
      `key column ${name} has the collation ${there.collation}, in which two keys of the source could be one: ${modify}`,
    );
  }
  if (!there.nullable && column.nullable && !isKey)
    faults.push(`column ${name} is NOT NULL, in the source it may be NULL: ${modify} NULL`);
  return faults;
}

/** By code point, blanks at the end included: utf8mb4_bin takes 'a' and 'a ' for one. */
function isExact(collation: string): boolean {
  return /^utf8mb4_(nopad_bin|0900_bin)$/.test(collation);
}
