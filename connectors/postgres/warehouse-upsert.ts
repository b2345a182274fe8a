/**
 * The upsert: a staged row is written where its key is new or a column differs, and only there. Without the guard a
 * repeated load would rewrite, log and vacuum every row; with it a second load of the same million rows writes none.
 *
 * In the key's order: a million product_sales rows in the order of Kafka's partitions took 5.0 s of the server's processor
 * time, sorted 3.4 s (the sort included), because neighbours share index pages. MERGE took 2.9 s, but ends in a unique
 * violation where a user inserts the same key at the same moment; ON CONFLICT does not.
 */
import type { Column, ColumnType } from '../../contracts/columns.ts';
import type { WarehouseTable } from '../../activities/ports/warehouse.ts';
import { quoteIdent, quoteTable } from '../../formats/sql-names.ts';
import { STAGE } from './warehouse-session.ts';

/** The staged rows in the key's order. */
export function insertStatement({ name, shape }: WarehouseTable): string {
  const names = shape.columns.map((column) => quoteIdent(column.name)).join(', ');
  // OVERRIDING: a user's table may have made its key GENERATED ALWAYS AS IDENTITY; the source's value is what counts.
  return (
    `INSERT INTO ${quoteTable(name)} AS t (${names}) OVERRIDING SYSTEM VALUE SELECT ${names} FROM ${STAGE}` +
    (shape.key.length === 0 ? '' : ` ORDER BY ${shape.key.map(quoteIdent).join(', ')}`)
  );
}

/** One INSERT … SELECT … ON CONFLICT over the session's staging table. */
export function upsertStatement(table: WarehouseTable): string {
  return `${insertStatement(table)} ${conflictClause(table)}`;
}

/** Of an INSERT INTO the target AS t; '' where each record is a row. */
export function conflictClause({ shape: { columns, key } }: WarehouseTable): string {
  if (key.length === 0) return '';
  const others = columns.filter((column) => !key.includes(column.name));
  const conflict = `ON CONFLICT (${key.map(quoteIdent).join(', ')})`;
  if (others.length === 0) return `${conflict} DO NOTHING`;
  const set = others.map((column) => `${quoteIdent(column.name)} = EXCLUDED.${quoteIdent(column.name)}`);
  return `${conflict} DO UPDATE SET ${set.join(', ')} WHERE ${others.map(differs).join(' OR ')}`;
}

/**
 * Whether the row as it stands and the new one are not the same value, NULL included.
 * - json has no equality; jsonb's takes 1.0 for 1.00, which print differently: both are compared as text.
 * - text is compared by its bytes: a column of the user's may have a collation that takes 'a' for 'A'.
 */
function differs(column: Column): string {
  const name = quoteIdent(column.name);
  const form = comparedAs(column.type);
  return `t.${name}${form} IS DISTINCT FROM EXCLUDED.${name}${form}`;
}

function comparedAs(type: ColumnType): string {
  switch (type.kind) {
    case 'json':
    case 'jsonb':
      return '::text';
    case 'text':
    case 'char':
      return ' COLLATE "C"';
    case 'array': {
      const element = comparedAs(type.element);
      return element === ' COLLATE "C"' ? element : element === '' ? '' : '::text';
    }
    default:
      return '';
  }
}
