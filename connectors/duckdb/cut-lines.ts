/** The lines of a cut (formats/cut-buffer.ts) as a DuckDB relation, and the query that makes lake rows of them. */
import type { Column } from '../../contracts/columns.ts';
import type { CutInput } from '../../activities/ports/lake-files.ts';
import { quoteIdent } from '../../formats/sql-names.ts';
import { BREAKS, NULL_BYTE } from './field-readers.ts';
import { isFloat } from './float-text.ts';
import { field, lakeValue, parsedType, printedMessage, strictChecks, structure } from './printed-json.ts';
import type { SplitLines } from './split-lines.ts';
import { quoteText } from './sql-text.ts';

export type CutShape = Pick<CutInput, 'columns' | 'key' | 'lineages' | 'partition'>;

/** A thread reads so much of the file at a time; small, so that a cut of 20 MB is shared by the threads. */
const MIN_BUFFER_BYTES = 2 * 1024 * 1024;

/** @param longestLine in bytes */
export function readLines(path: string, longestLine: number): string {
  return readTable(path, longestLine, `o: 'BIGINT', h: 'INTEGER', x: 'VARCHAR', v: 'VARCHAR'`, '');
}

function readTable(path: string, longestLine: number, columns: string, options: string): string {
  const line = longestLine + 64;
  return (
    `read_csv(${quoteText(path)}, delim = '\t', quote = '', escape = '', header = false, auto_detect = false, ` +
    `new_line = '\\n', max_line_size = ${line}, buffer_size = ${Math.max(MIN_BUFFER_BYTES, line * 2)}, ${options}` +
    `columns = {${columns}})`
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
  if (strict) checks.push(`NOT contains(v, '\\u0000')`, ...strictChecks(columns, (name) => field('t', name)));
  return checks.join(' AND ');
}

/**
 * Lake rows of all lines, in the lines' order; fails at the first line that is not exact.
 * @param strict false for lines that were looked at one by one
 */
export function lakeRows(lines: string, shape: CutShape, strict: boolean): string {
  return (
    `SELECT ${selected(shape, (name) => field('t', name), 'x')} FROM (${parsedLines(lines, shape.columns, false)}) ` +
    `WHERE CASE WHEN ${exact(shape, strict)} THEN true ELSE error('a record is not exact') END`
  );
}

/** The same of lines that were taken apart (split-lines.ts), whose form is proven; fails where a value does not fit its column. */
export function splitRows(path: string, { longestLine, substituted }: SplitLines, shape: CutShape): string {
  const { columns } = shape;
  const names = new Map(columns.map(({ name }, i) => [name, `c${i}`]));
  const value = (name: string) => names.get(name) as string;
  const types = columns.map(({ type }, i) => `, c${i}: ${quoteText(parsedType(type) as string)}`);
  const options = `nullstr = '${String.fromCharCode(NULL_BYTE)}', `;
  const lines = readTable(path, longestLine, `o: 'BIGINT', h: 'INTEGER'${types.join('')}`, options);
  const texts = columns.map((_, i) => (substituted[i] ? `${withBreaks(`c${i}`)} AS c${i}` : `c${i}`));
  const checks = strictChecks(columns, value);
  for (const { name, type } of columns) if (isFloat(type)) checks.push(`coalesce(isfinite(${value(name)}), true)`);
  const checked = checks.length === 0 ? 'true' : checks.join(' AND ');
  return (
    `SELECT ${selected(shape, value, 'NULL::VARCHAR')} FROM (SELECT o, h, ${texts.join(', ')} FROM ${lines}) ` +
    `WHERE CASE WHEN ${checked} THEN true ELSE error('a value does not fit') END`
  );
}

function withBreaks(x: string): string {
  const from = [...BREAKS.values()].map((byte) => `chr(${byte})`).join(' || ');
  const to = [...BREAKS.keys()].map((byte) => `chr(${byte})`).join(' || ');
  return `translate(${x}, ${from}, ${to})`;
}

/** The lake's columns. @param value of a column as DuckDB read it */
function selected(shape: CutShape, value: (name: string) => string, overflow: string): string {
  const columns = shape.columns.map(({ name, type }) => `${lakeValue(type, value(name))} AS ${quoteIdent(name)}`);
  const lineage = [
    `${lineageValue(shape, 'replay', 'VARCHAR')} AS _replay`,
    `${lineageValue(shape, 'chunk', 'INTEGER')} AS _chunk`,
    `${shape.partition}::INTEGER AS _partition`,
    'o AS _offset',
    `${overflow} AS _overflow`,
  ];
  return [...columns, ...lineage].join(', ');
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
  if (new Set(values).size === 1) return `${values[0] ?? 'NULL'}::${type}`;
  return `([${values.join(', ')}]::${type}[])[h + 1]`;
}
