/** The lake's values as text that PostgreSQL prints and reads: what a load copies, and what the canonical form is made from. */
import { OVERFLOW_COLUMN, type Column, type ColumnType } from '../../contracts/columns.ts';
import { quoteIdent } from '../../formats/sql-names.ts';
import { floatText } from './float-text.ts';
import { listText, quoteText } from './sql-text.ts';

/**
 * @param overflowing whether the rows may have an overflow; it costs a look per value
 * @returns a VARCHAR expression, NULL for NULL
 */
export function loadText(column: Column, overflowing: boolean): string {
  const text = typedText(column.type, quoteIdent(column.name));
  return overflowing ? `coalesce(${text}, ${overflowText(column.name)})` : text;
}

/** The column's text in the overflow, or NULL. */
export function overflowText(name: string): string {
  const pointer = `/${name.replaceAll('~', '~0').replaceAll('/', '~1')}`;
  return `CASE WHEN ${OVERFLOW_COLUMN} IS NOT NULL THEN json_extract_string(${OVERFLOW_COLUMN}, ${quoteText(pointer)}) END`;
}

function typedText(type: ColumnType, x: string): string {
  switch (type.kind) {
    case 'float32':
    case 'float64':
      return floatText(x);
    case 'boolean':
      return `CASE WHEN ${x} THEN 't' WHEN NOT ${x} THEN 'f' END`;
    case 'timestamptz':
      return `make_timestamp(epoch_us(${x}))::VARCHAR || '+00'`;
    case 'bytea':
      return `'\\x' || lower(hex(${x}))`;
    case 'array':
      return listText(x, '{', '}', (element) => `coalesce(${elementText(type.element, element)}, 'NULL')`);
    default:
      return `${x}::VARCHAR`;
  }
}

/** An array's element with the quotes that array_in needs. */
function elementText(type: ColumnType, x: string): string {
  const text = typedText(type, x);
  switch (type.kind) {
    case 'text':
    case 'char':
    case 'json':
    case 'jsonb':
    case 'bytea':
      return `'"' || replace(replace(${text}, '\\', '\\\\'), '"', '\\"') || '"'`;
    case 'timestamp':
    case 'timestamptz':
      return `'"' || ${text} || '"'`;
    default:
      return text;
  }
}
