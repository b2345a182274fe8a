/**
 * Comparing a table's key with values that are at hand as texts, on either server: the warehouse's column may be wider than
 * the source's, and knows no enum of its.
 */
import type { SourceTable } from '../../activities/ports/source.ts';
import type { Column, Key } from '../../contracts/columns.ts';
import { fault } from '../../contracts/errors.ts';
import { quoteIdent, quoteLiteral, quoteTable } from '../../formats/sql-names.ts';

export function keyColumns(table: Pick<SourceTable, 'name' | 'shape'>): Column[] {
  return columnsOf(table, table.shape.key);
}

/** What ranges of the table are of. */
export function rangeColumns(table: SourceTable): Column[] {
  return columnsOf(table, table.order ?? table.shape.key);
}

function columnsOf(table: Pick<SourceTable, 'name' | 'shape'>, names: readonly string[]): Column[] {
  return names.map((name) => {
    const column = table.shape.columns.find((each) => each.name === name);
    if (!column) throw fault('Unexpected', `key column ${name} is not among the columns of ${quoteTable(table.name)}`);
    return column;
  });
}

export function isEnum(column: Column): boolean {
  return column.type.kind === 'text' && !/^(text|character varying(\(\d+\))?)$/.test(column.sqlType);
}

/**
 * A key value of the warehouse's in a type that the index can be asked with, and that takes any value: the warehouse's
 * column may be wider than the source's, and a cast to char(5) or numeric(5,2) would make another value of it.
 */
export function castSql(column: Column, text: string): string {
  switch (column.type.kind) {
    case 'int16':
    case 'int32':
    case 'int64':
      return `${text}::bigint`;
    case 'decimal':
      return `${text}::numeric`;
    case 'text':
      return text;
    case 'char':
      return `${text}::bpchar`;
    case 'float32':
      return `${text}::real`;
    case 'float64':
      return `${text}::double precision`;
    default:
      return `${text}::${column.type.kind}`;
  }
}

/** A condition that the row's key is one of these; an enum is compared as text, or an unknown label would be an error. */
export function isOneOf(table: Pick<SourceTable, 'name' | 'shape'>, keys: readonly Key[]): string {
  if (keys.length === 0) return 'false';
  const columns = keyColumns(table);
  const left = columns.map((column) => `${quoteIdent(column.name)}${isEnum(column) ? '::text' : ''}`);
  const rows = keys.map((key) => {
    const values = columns.map((column, place) => castSql(column, `${quoteLiteral(key[place] ?? '')}::text`));
    return `(${values.join(', ')})`;
  });
  return `(${left.join(', ')}) IN (VALUES ${rows.join(', ')})`;
}
