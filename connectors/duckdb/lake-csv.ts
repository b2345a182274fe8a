/**
 * The lake's CSV: a header, every value as text, an unquoted empty field for NULL and a quoted one for an empty string; lists as
 * JSON arrays of texts, bytes as \x and lower hex, times in UTC. Read back it gives the typed columns that Parquet has.
 */
import { LINEAGE_COLUMNS, OVERFLOW_COLUMN, type Column, type ColumnType } from '../../contracts/columns.ts';
import { lakeType } from '../../formats/lake-types.ts';
import { quoteIdent } from '../../formats/sql-names.ts';
import { floatText } from './float-text.ts';
import { quoteText } from './sql-text.ts';

export const CSV_WRITE_OPTIONS = `FORMAT csv, HEADER true, NULLSTR ''`;

/** DuckDB reads CSV in buffers that must hold the longest row; longer ones than this have no place in its memory. */
const MAX_ROW_BYTES = 16 * 1024 * 1024;
/** A longer message is refused where it is encoded, as quotes may double it. */
export const MAX_CSV_MESSAGE_BYTES = MAX_ROW_BYTES / 2;

const LINEAGE_TYPES = { _replay: 'VARCHAR', _chunk: 'INTEGER', _partition: 'INTEGER', _offset: 'BIGINT' } as const;

/** @param rows query of typed lake rows */
export function csvRows(rows: string, columns: readonly Column[]): string {
  const values = columns.map(({ name, type }) => `${csvText(type, quoteIdent(name))} AS ${quoteIdent(name)}`);
  return `SELECT ${[...values, ...LINEAGE_COLUMNS, OVERFLOW_COLUMN].join(', ')} FROM (${rows})`;
}

/** @returns a query of typed lake rows */
export function readCsv(paths: readonly string[], columns: readonly Column[]): string {
  const names = [...columns.map((column) => column.name), ...LINEAGE_COLUMNS, OVERFLOW_COLUMN];
  const texts = names.map((name) => `${quoteText(name)}: 'VARCHAR'`).join(', ');
  const file =
    `read_csv([${paths.map(quoteText).join(', ')}], header = true, auto_detect = false, delim = ',', quote = '"', ` +
    `escape = '"', new_line = '\\n', nullstr = '', allow_quoted_nulls = false, max_line_size = ${MAX_ROW_BYTES}, ` +
    `buffer_size = ${MAX_ROW_BYTES * 2}, ` +
    `columns = {${texts}})`;
  const values = columns.map(({ name, type }) => `${fromCsv(type, quoteIdent(name))} AS ${quoteIdent(name)}`);
  const lineage = LINEAGE_COLUMNS.map((name) => `${name}::${LINEAGE_TYPES[name]} AS ${name}`);
  return `SELECT ${[...values, ...lineage, OVERFLOW_COLUMN].join(', ')} FROM ${file}`;
}

function csvText(type: ColumnType, x: string): string {
  switch (type.kind) {
    case 'float32':
    case 'float64':
      return floatText(x);
    case 'timestamptz':
      return `make_timestamp(epoch_us(${x}))::VARCHAR || '+00'`;
    case 'bytea':
      return `'\\x' || lower(hex(${x}))`;
    case 'array':
      return `CASE WHEN ${x} IS NOT NULL THEN to_json(list_transform(${x}, lambda e: ${csvText(type.element, 'e')}))::VARCHAR END`;
    default:
      return `${x}::VARCHAR`;
  }
}

function fromCsv(type: ColumnType, x: string): string {
  switch (type.kind) {
    case 'timestamptz':
      return `make_timestamptz(epoch_us(left(${x}, -3)::TIMESTAMP))`;
    case 'bytea':
      return `unhex(substr(${x}, 3))`;
    case 'array':
      return `list_transform(from_json(${x}, '["VARCHAR"]'), lambda e: ${fromCsv(type.element, 'e')})`;
    default:
      return `${x}::${lakeType(type)}`;
  }
}
