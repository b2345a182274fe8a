/**
 * The lake's JSON lines: an object a row, each value in the form that it has in the topic's messages (docs/messages.md), with the
 * lineage beside it and `_overflow` as a text. Read back it gives the typed columns that Parquet has.
 */
import { LINEAGE_COLUMNS, OVERFLOW_COLUMN, type Column, type ColumnType } from '../../contracts/columns.ts';
import type { FileForm } from '../../contracts/manifest.ts';
import { quoteIdent } from '../../formats/sql-names.ts';
import { LINEAGE_TYPES } from './lake-csv.ts';
import { field, lakeValue, parsedType, printed } from './printed-json.ts';
import { lineFile } from './text-files.ts';
import { concat, quoteText } from './sql-text.ts';

/** No character of a line is special: control characters are escaped in JSON, and a line begins with a brace. */
export const JSON_WRITE_OPTIONS = `FORMAT csv, HEADER false, DELIMITER '\t', QUOTE '', ESCAPE '', NULLSTR ''`;

/** @param rows query of typed lake rows. @returns a query of lines */
export function jsonRows(rows: string, columns: readonly Column[]): string {
  const parsed = columns.map(({ name, type }, i) => `${parsedValue(type, quoteIdent(name))} AS c${i}`);
  const parts = columns.flatMap(({ name, type }, i) => [
    quoteText(`${i === 0 ? '{' : ','}${JSON.stringify(name)}:`),
    `coalesce(${printed(type, `c${i}`, 'plain')}, 'null')`,
  ]);
  const own = [...LINEAGE_COLUMNS, OVERFLOW_COLUMN].flatMap((name) => [
    quoteText(`,"${name}":`),
    `coalesce(to_json(${name})::VARCHAR, 'null')`,
  ]);
  // printed() escapes a text only where its message has a backslash; here there is no message to look at.
  const inner = `SELECT ${parsed.join(', ')}, ${[...LINEAGE_COLUMNS, OVERFLOW_COLUMN].join(', ')}, true AS escapes FROM (${rows})`;
  return `SELECT ${concat([...parts, ...own, `'}'`])} AS line FROM (${inner})`;
}

/** @returns a query of typed lake rows */
export function readJson(paths: readonly string[], columns: readonly Column[], form: FileForm): string {
  const own = { ...LINEAGE_TYPES, [OVERFLOW_COLUMN]: 'VARCHAR' };
  const types = { ...Object.fromEntries(columns.map(({ name, type }) => [name, parsedType(type)])), ...own };
  const values = columns.map(({ name, type }) => `${lakeValue(type, field('t', name))} AS ${quoteIdent(name)}`);
  const lineage = Object.keys(own).map((name) => `${field('t', name)} AS ${name}`);
  const lines = lineFile(paths, form, `delim = '\t', quote = '', escape = '', header = false`, `line: 'VARCHAR'`);
  // A line that is no object would make NULLs.
  const parse = `CASE WHEN json_valid(line) AND json_type(line) = 'OBJECT' THEN line ELSE error('a line is no JSON object') END`;
  return (
    `SELECT ${[...values, ...lineage].join(', ')} FROM ` +
    `(SELECT from_json(${parse}, ${quoteText(JSON.stringify(types))}) AS t FROM ${lines})`
  );
}

/** What `printed` is made for: the value as from_json reads it from a message. */
function parsedValue(type: ColumnType, x: string): string {
  switch (type.kind) {
    case 'bytea':
      return `lower(hex(${x}))`;
    case 'timestamptz':
      return `make_timestamp(epoch_us(${x}))`;
    case 'array':
      return parsedType(type.element) === parsedType({ kind: 'text' }) && type.element.kind !== 'bytea'
        ? x
        : `list_transform(${x}, lambda e: ${parsedValue(type.element, 'e')})`;
    default:
      return x;
  }
}
