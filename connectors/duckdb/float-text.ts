/** Floats: how they are written for PostgreSQL, and how the proof of printed-json.ts treats them. */
import type { ColumnType } from '../../contracts/columns.ts';
import { quoteText } from './sql-text.ts';

/** Text that reads back as the same float, in PostgreSQL and in JavaScript. */
export function floatText(x: string): string {
  return (
    `CASE WHEN isfinite(${x}) THEN ${x}::VARCHAR WHEN isnan(${x}) THEN 'NaN' ` +
    `WHEN ${x} > 0 THEN 'Infinity' WHEN ${x} < 0 THEN '-Infinity' END`
  );
}

/** As JSON, in DuckDB's digits, which are PostgreSQL's for most floats; NULL for -0 (see below). */
export function floatAsPrinted(x: string): string {
  const text = `${x}::VARCHAR`;
  return (
    `CASE WHEN isfinite(${x}) THEN CASE WHEN ${text} = '-0.0' THEN NULL WHEN ends_with(${text}, '.0') ` +
    `THEN left(${text}, -2) ELSE ${text} END WHEN isnan(${x}) THEN '"NaN"' WHEN ${x} > 0 THEN '"Infinity"' ` +
    `WHEN ${x} < 0 THEN '"-Infinity"' END`
  );
}

const NUMBER = '(?:-?[0-9][0-9.eE+-]*|"NaN"|"-?Infinity")';
const MINUS_ZERO = '(^|[\\[,])-0(\\.0*)?([eE][0-9+-]*)?($|[,\\]])';

/**
 * A float, or a list of them, as the message v has it: DuckDB prints floats otherwise than PostgreSQL (100.0, and other digits
 * where two are equally short), so the text is cut out of the message, and stands if it reads back as x. It has only a
 * number's characters; was it cut out of the wrong place, the message that is put together again is another.
 * -0 does not stand: DuckDB's Parquet writer takes it and 0 for one entry of a column's dictionary.
 */
export function floatAsWritten(type: ColumnType, name: string, x: string): string {
  const list = type.kind === 'array';
  const single = (list ? type.element.kind : type.kind) === 'float32';
  const written = list ? `\\[(?:(?:null|${NUMBER})(?:,(?:null|${NUMBER}))*)?\\]` : NUMBER;
  // A name begins behind a brace or a comma: `"f":` is also the end of `"x\\"f":`.
  const pattern = `[{,]${escapePattern(JSON.stringify(name))}:(${written})`;
  const piece = `regexp_extract(v, ${quoteText(pattern)}, 1)`;
  const floatType = single ? 'FLOAT' : 'DOUBLE';
  const again = list
    ? `from_json(nullif(${piece}, ''), '["${floatType}"]')`
    : `TRY_CAST(trim(${piece}, '"') AS ${floatType})`;
  return (
    `CASE WHEN ${x} IS NOT NULL AND ${again} IS NOT DISTINCT FROM ${x} ` +
    `AND NOT regexp_matches(${piece}, ${quoteText(MINUS_ZERO)}) THEN ${piece} END`
  );
}

export function isFloat(type: ColumnType): boolean {
  const { kind } = type.kind === 'array' ? type.element : type;
  return kind === 'float32' || kind === 'float64';
}

function escapePattern(text: string): string {
  return text.replaceAll(/[\\^$.*+?()[\]{}|]/g, '\\$&');
}
