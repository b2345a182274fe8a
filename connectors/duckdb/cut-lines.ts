/** The lines of a cut (formats/cut-buffer.ts) as a DuckDB relation, and the query that makes lake rows of them. */
import type { Column } from '../../contracts/columns.ts';
import type { CutInput } from '../../activities/ports/lake-files.ts';
import { quoteIdent } from '../../formats/sql-names.ts';
import { isFloat } from './float-text.ts';
import { field, lakeValue, printedMessage, strictChecks, structure } from './printed-json.ts';
import { quoteText } from './sql-text.ts';

export type CutShape = Pick<CutInput, 'columns' | 'key' | 'lineages' | 'partition'>;

/** A thread reads so much of the file at a time; small, so that a cut of 20 MB is shared by the threads. */
const MIN_BUFFER_BYTES = 2 * 1024 * 1024;

/** @param longestLine in bytes */
export function readLines(path: string, longestLine: number): string {
  const line = longestLine + 64;
  return (
    `read_csv(${quoteText(path)}, delim = '\t', quote = '', escape = '', header = false, auto_detect = false, ` +
    `new_line = '\\n', max_line_size = ${line}, buffer_size = ${Math.max(MIN_BUFFER_BYTES, line * 2)}, ` +
    `columns = {o: 'BIGINT', h: 'INTEGER', x: 'VARCHAR', v: 'VARCHAR'})`
  );
}

/** Each line parsed: o, h, x (overflow), v, t (the struct), escapes. */
function parsedLines(lines: string, columns: readonly Column[], guarded: boolean): string {
  const value = guarded ? 'CASE WHEN json_valid(v) THEN v END' : 'v';
  return (
    `SELECT o, h, x, v, from_json(${value}, ${structure(columns)}) AS t, contains(v, '\\') AS escapes ` +
    `FROM ${lines}`
  );
}

/** True where the record is what its typed columns say (printed-json.ts), and PostgreSQL will take it. */
function exact(shape: CutShape, strict: boolean): string {
  const { columns, key } = shape;
  const required = columns
    .filter((column) => !column.nullable || key.includes(column.name))
    .map((column) => `${field('t', column.name)} IS NOT NULL`);
  const plain = `v = ${printedMessage(columns, 't', 'plain')}`;
  // The fast path leaves texts with rare control characters to the slow one.
  const second = strict ? (columns.some((column) => isFloat(column.type)) ? 'floats' : null) : 'thorough';
  const same = second && `CASE WHEN ${plain} THEN true ELSE v = ${printedMessage(columns, 't', second)} END`;
  const checks = [same ?? plain, ...(required.length > 0 ? [`(x IS NOT NULL OR (${required.join(' AND ')}))`] : [])];
  return [...checks, ...(strict ? strictChecks(columns, 't') : [])].join(' AND ');
}

/**
 * Lake rows of all lines, in the lines' order; fails at the first line that is not exact.
 * @param strict false for lines that were looked at one by one
 */
export function lakeRows(lines: string, shape: CutShape, strict: boolean): string {
  const columns = shape.columns.map(({ name, type }) => `${lakeValue(type, field('t', name))} AS ${quoteIdent(name)}`);
  const lineage = [
    `${lineageValue(shape, 'replay', 'VARCHAR')} AS _replay`,
    `${lineageValue(shape, 'chunk', 'INTEGER')} AS _chunk`,
    `${shape.partition}::INTEGER AS _partition`,
    'o AS _offset',
    'x AS _overflow',
  ];
  return (
    `SELECT ${[...columns, ...lineage].join(', ')} FROM (${parsedLines(lines, shape.columns, false)}) ` +
    `WHERE CASE WHEN ${exact(shape, strict)} THEN true ELSE error('a record is not exact') END`
  );
}

/** Offsets of the lines that are not exact. */
export function inexactOffsets(lines: string, shape: CutShape, strict: boolean): string {
  return (
    `SELECT o FROM (${parsedLines(lines, shape.columns, true)}) ` +
    `WHERE NOT coalesce(CASE WHEN json_valid(v) THEN ${exact(shape, strict)} END, false)`
  );
}

function lineageValue(shape: CutShape, part: 'replay' | 'chunk', type: string): string {
  const values = shape.lineages.map((lineage) => {
    const value = lineage[part];
    return value === null ? 'NULL' : typeof value === 'number' ? String(value) : quoteText(value);
  });
  if (values.length === 1) return `${values[0] ?? 'NULL'}::${type}`;
  return `([${values.join(', ')}]::${type}[])[h + 1]`;
}
