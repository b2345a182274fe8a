/**
 * Whether an existing warehouse table can take the rows, decided from its catalogue alone: every value of the source must
 * come out of it unchanged, and ON CONFLICT must find a unique index over exactly the key. All faults come at once, each
 * with what was found and the remedy.
 */
import type { Column } from '../../contracts/columns.ts';
import type { WarehouseTable } from '../../activities/ports/warehouse.ts';
import { warehouseType } from '../../formats/postgres-types.ts';
import { quoteIdent, quoteTable } from '../../formats/sql-names.ts';
import { goneText } from '../../formats/warehouse-words.ts';
import type { FoundColumn, FoundTable } from './warehouse-catalog.ts';

/** @returns nothing where the table fits */
export function unfitFor(wanted: WarehouseTable, found: FoundTable): string[] {
  const shown = quoteTable(wanted.name);
  if (found.kind !== 'r' && found.kind !== 'p') return [`it is not a table (relkind ${found.kind}); name a table`];
  const faults = found.unlogged.map(
    (name) =>
      `${quoteTable(name)} is UNLOGGED: a crash of the server empties it, and the ledger says that its rows are loaded: ` +
      `ALTER TABLE ${quoteTable(name)} SET LOGGED`,
  );
  const { columns, key } = wanted.shape;
  const byName = new Map(found.columns.map((column) => [column.name, column]));
  for (const column of columns) {
    const there = byName.get(column.name);
    if (there) faults.push(...columnFaults(column, there, key.includes(column.name), shown));
    else if (!canAdd(wanted, column)) {
      faults.push(
        `column ${quoteIdent(column.name)} is missing: ${addColumn(shown, column)} -- or say warehouse.schemaChange: add`,
      );
    }
  }
  for (const there of found.columns) {
    if (columns.some((column) => column.name === there.name)) continue;
    if (wanted.gone?.includes(there.name) === true) {
      faults.push(goneText(shown, quoteIdent(there.name)));
      continue;
    }
    if (there.notNull && !there.hasDefault && !there.computed) {
      const name = quoteIdent(there.name);
      faults.push(
        `column ${name} is NOT NULL without a default, and the source has no such column, so every insert would fail: ` +
          `ALTER TABLE ${shown} ALTER COLUMN ${name} DROP NOT NULL (or SET DEFAULT …)`,
      );
    }
  }
  for (const rule of found.rules) {
    const name = quoteIdent(rule);
    faults.push(
      `rule ${name} rewrites what is loaded, and ON CONFLICT does not work with it: DROP RULE ${name} ON ${shown}`,
    );
  }
  if (key.length === 0) return [...faults, ...uniqueFaults(wanted, found, shown)];
  const sorted = (names: readonly string[]): string => [...names].sort().join('\0');
  if (!found.uniqueKeys.some((unique) => sorted(unique) === sorted(key))) {
    const others = found.uniqueKeys.map((unique) => `(${unique.join(', ')})`).join(', ') || 'none';
    faults.push(
      `no usable unique index over exactly the key (${key.join(', ')}); found: ${others}: ` +
        `ALTER TABLE ${shown} ADD UNIQUE (${key.map(quoteIdent).join(', ')})`,
    );
  }
  return faults;
}

/** Statements that give an existing table the columns that it lacks, if the pipeline wants that; all of them may be NULL. */
export function columnsToAdd(wanted: WarehouseTable, found: FoundTable): string[] {
  const there = new Set(found.columns.map((column) => column.name));
  return wanted.shape.columns
    .filter((column) => !there.has(column.name) && canAdd(wanted, column))
    .map((column) => addColumn(quoteTable(wanted.name), column));
}

/** A column of the key is no addition: the rows that are there would have no key. */
function canAdd({ addColumns, shape }: WarehouseTable, { name }: Column): boolean {
  return addColumns === true && !shape.key.includes(name);
}

function addColumn(shown: string, { name, type, sqlType }: Column): string {
  return `ALTER TABLE ${shown} ADD COLUMN ${quoteIdent(name)} ${warehouseType(type, sqlType)}`;
}

/** Where each record is a row, a unique index over columns of the source refuses the next replay's rows. */
function uniqueFaults({ shape }: WarehouseTable, { uniqueKeys }: FoundTable, shown: string): string[] {
  return uniqueKeys
    .filter((unique) => unique.every((name) => shape.columns.some((column) => column.name === name)))
    .map(
      (unique) =>
        `a unique index over (${unique.join(', ')}) would refuse the rows of the next replay, since warehouse.mode is append: ` +
        `drop that constraint of ${shown}, or say mode: upsert`,
    );
}

function columnFaults(column: Column, there: FoundColumn, isKey: boolean, shown: string): string[] {
  const faults: string[] = [];
  const name = quoteIdent(column.name);
  const type = warehouseType(column.type, column.sqlType);
  if (there.computed)
    faults.push(`column ${name} is computed (GENERATED ALWAYS AS …) and cannot be loaded; drop the expression`);
  if (there.identityAlways && !isKey) {
    faults.push(
      `column ${name} is GENERATED ALWAYS AS IDENTITY and cannot be updated: ALTER TABLE ${shown} ALTER COLUMN ${name} DROP IDENTITY`,
    );
  }
  if (!fits(type, there.type)) {
    faults.push(
      `column ${name} is ${there.type}, the source's ${column.sqlType} needs ${type}: ` +
        `ALTER TABLE ${shown} ALTER COLUMN ${name} TYPE ${type}`,
    );
  }
  if (there.notNull && column.nullable && !isKey) {
    faults.push(
      `column ${name} is NOT NULL, in the source it may be NULL: ALTER TABLE ${shown} ALTER COLUMN ${name} DROP NOT NULL`,
    );
  }
  if (isKey && there.nondeterministic) {
    faults.push(
      `key column ${name} has a nondeterministic collation, so two keys of the source could be one: ` +
        `ALTER TABLE ${shown} ALTER COLUMN ${name} TYPE ${there.type} COLLATE "C"`,
    );
  }
  return faults;
}

const INTEGERS = ['smallint', 'integer', 'bigint'];

interface Sized {
  base: string;
  sizes: readonly number[];
}

/** `numeric(12,2)` → base `numeric`, sizes 12 and 2; `timestamp(3) without time zone` → base without the size. */
function sized(type: string): Sized {
  const match = /^([^(]+)\(([\d, -]+)\)(.*)$/.exec(type);
  if (!match) return { base: type, sizes: [] };
  return { base: `${match[1] ?? ''}${match[3] ?? ''}`, sizes: (match[2] ?? '').split(',').map(Number) };
}

/**
 * The same type, or one that holds and prints every value of it alike: wider integers, longer varchar, text for varchar,
 * unconstrained numeric or one with more digits before the point (more behind it would print 5.00 as 5.0000), finer timestamps. Not real in double precision (3.4 prints as 3.4000000953674316 there),
 * not jsonb for json (another text), not text for anything that is no text (the user's queries would change meaning).
 * @param wanted as warehouseType writes it; @param found as format_type prints it
 */
export function fits(wanted: string, found: string): boolean {
  if (wanted === found) return true;
  if (wanted.endsWith('[]')) return found.endsWith('[]') && fits(wanted.slice(0, -2), found.slice(0, -2));
  const [want, have] = [sized(wanted), sized(found)];
  if (INTEGERS.includes(want.base)) return INTEGERS.indexOf(have.base) >= INTEGERS.indexOf(want.base);
  const isText = (base: string): boolean => base === 'text' || base === 'character varying';
  if (isText(want.base)) {
    if (!isText(have.base)) return false;
    return have.sizes[0] === undefined || (want.sizes[0] !== undefined && have.sizes[0] >= want.sizes[0]);
  }
  if (want.base !== have.base) return false;
  if (want.base === 'numeric') {
    if (have.sizes.length === 0) return true;
    const [wantDigits, wantScale = 0] = want.sizes;
    const [haveDigits = 0, haveScale = 0] = have.sizes;
    return wantDigits !== undefined && haveScale === wantScale && haveDigits >= wantDigits;
  }
  // character(n), timestamp(p), time(p): no size means the most, save for character, where it is printed as (1).
  return have.sizes[0] === undefined || (want.sizes[0] !== undefined && have.sizes[0] >= want.sizes[0]);
}
