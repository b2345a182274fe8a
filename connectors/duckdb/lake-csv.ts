/**
 * The lake's CSV (RFC 4180 but for its line ends, which are \n): a header, every value as text; for NULL an empty field or a marker,
 * without quotes, and a text that says the same in quotes; lists as JSON arrays of texts, bytes as \x and lower hex, times in
 * UTC. Read back it gives the typed columns that Parquet has.
 */
import { LINEAGE_COLUMNS, OVERFLOW_COLUMN, type Column, type ColumnType } from '../../contracts/columns.ts';
import { lakeType } from '../../formats/lake-types.ts';
import { quoteIdent } from '../../formats/sql-names.ts';
import { floatText } from './float-text.ts';
import { quoteText } from './sql-text.ts';
import { lineFile } from './text-files.ts';
import type { FileForm } from '../../contracts/manifest.ts';

export function csvWriteOptions({ nullMarker = '' }: FileForm): string {
  return `FORMAT csv, HEADER true, NULLSTR ${quoteText(nullMarker)}`;
}

export const LINEAGE_TYPES = {
  _replay: 'VARCHAR',
  _chunk: 'INTEGER',
  _partition: 'INTEGER',
  _offset: 'BIGINT',
} as const;

/** @param rows query of typed lake rows */
export function csvRows(rows: string, columns: readonly Column[]): string {
  const values = columns.map(({ name, type }) => `${csvText(type, quoteIdent(name))} AS ${quoteIdent(name)}`);
  return `SELECT ${[...values, ...LINEAGE_COLUMNS, OVERFLOW_COLUMN].join(', ')} FROM (${rows})`;
}

/** @returns a query of typed lake rows */
export function readCsv(paths: readonly string[], columns: readonly Column[], form: FileForm): string {
  const names = [...columns.map((column) => column.name), ...LINEAGE_COLUMNS, OVERFLOW_COLUMN];
  const texts = names.map((name) => `${quoteText(name)}: 'VARCHAR'`).join(', ');
  const nulls = `nullstr = ${quoteText(form.nullMarker ?? '')}, allow_quoted_nulls = false`;
  const file = lineFile(paths, form, `header = true, delim = ',', quote = '"', escape = '"', ${nulls}`, texts);
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
