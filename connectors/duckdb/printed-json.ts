/**
 * The proof of the fast path. DuckDB's JSON reader is lenient: it rounds 1.5 into an INTEGER, takes a number for text, a
 * decimal by way of a double, 'infinity' for a date, a trailing comma for nothing. So what it read is printed again, from the
 * typed columns, by the rules of formats/json-values.ts, and must be the message byte by byte. Any record that is not goes
 * the slow path. This costs 10 ms a 100,000 product_sales rows (55 ms without, 65 ms with), less than a careful read would.
 */
import type { Column, ColumnType } from '../../contracts/columns.ts';
import { isNumberDecimal } from '../../formats/json-values.ts';
import { lakeType } from '../../formats/lake-types.ts';
import { secondDigits } from '../../formats/postgres-text.ts';
import { floatAsPrinted, floatAsWritten, isFloat } from './float-text.ts';
import { concat, listText, quoteText } from './sql-text.ts';

/** What from_json reads a column into: the lake's type, or text where the lake's value is made from text. */
export function parsedType(type: ColumnType): unknown {
  switch (type.kind) {
    case 'array':
      return [parsedType(type.element)];
    case 'bytea':
      return 'VARCHAR';
    case 'timestamptz':
      return 'TIMESTAMP'; // the cast to a zoned type goes through ICU, at 1 microsecond a value
    default:
      return lakeType(type);
  }
}

/** The structure for from_json(v, …). */
export function structure(columns: readonly Column[]): string {
  return quoteText(JSON.stringify(Object.fromEntries(columns.map(({ name, type }) => [name, parsedType(type)]))));
}

/** The lake's value of what from_json read. */
export function lakeValue(type: ColumnType, x: string): string {
  switch (type.kind) {
    case 'array':
      return needsConversion(type.element) ? `list_transform(${x}, lambda e: ${lakeValue(type.element, 'e')})` : x;
    case 'bytea':
      return `unhex(${x})`;
    case 'timestamptz':
      return `make_timestamptz(epoch_us(${x}))`;
    default:
      return x;
  }
}

function needsConversion(type: ColumnType): boolean {
  return type.kind === 'bytea' || type.kind === 'timestamptz';
}

/**
 * How the few values are printed that have more than one text.
 * - `plain`: texts as to_json escapes them, floats as DuckDB prints them: right for nearly all records
 * - `floats`: and floats cut out of the message (float-text.ts)
 * - `thorough`: and \u001f as we write it, not \u001F; to plan that takes 5 ms a text column
 */
export type PrintStyle = 'plain' | 'floats' | 'thorough';

/** The whole message, printed from the parsed struct. The query must have v, and `escapes`: whether v holds a backslash. */
export function printedMessage(columns: readonly Column[], parsed: string, style: PrintStyle): string {
  const parts = columns.flatMap(({ name, type }, i) => {
    const x = field(parsed, name);
    const text = style !== 'plain' && isFloat(type) ? floatAsWritten(type, name, x) : printed(type, x, style);
    return [quoteText(`${i === 0 ? '{' : ','}${JSON.stringify(name)}:`), `coalesce(${text}, 'null')`];
  });
  return concat([...parts, `'}'`]);
}

export function field(struct: string, name: string): string {
  return `struct_extract(${struct}, ${quoteText(name)})`;
}

const quoted = (text: string) => `'"' || ${text} || '"'`;

/** NULL where x is NULL, and where the lake's column does not hold x (infinities, which no other reader would understand). */
export function printed(type: ColumnType, x: string, style: PrintStyle): string {
  switch (type.kind) {
    case 'int64':
      return `CASE WHEN ${x} BETWEEN -999999999999999 AND 999999999999999 THEN ${x}::VARCHAR ELSE ${quoted(`${x}::VARCHAR`)} END`;
    case 'decimal':
      return isNumberDecimal(type) ? `${x}::VARCHAR` : quoted(`${x}::VARCHAR`);
    case 'date':
      return `CASE WHEN isfinite(${x}) THEN ${quoted(`${x}::VARCHAR`)} END`;
    case 'time':
      return `CASE WHEN ${x} < TIME '24:00:00' THEN ${quoted(`${x}::VARCHAR`)} END`;
    case 'timestamp':
      return `CASE WHEN isfinite(${x}) THEN ${quoted(`replace(${x}::VARCHAR, ' ', 'T')`)} END`;
    case 'timestamptz':
      return `CASE WHEN isfinite(${x}) THEN '"' || replace(${x}::VARCHAR, ' ', 'T') || 'Z"' END`;
    case 'bytea':
      return `CASE WHEN regexp_full_match(${x}, '([0-9a-f]{2})*') THEN ${quoted(x)} END`;
    case 'uuid':
      return quoted(`${x}::VARCHAR`);
    case 'text':
    case 'char':
    case 'json':
    case 'jsonb':
      return `CASE WHEN escapes THEN ${style === 'thorough' ? `${ESCAPE}(${x})` : `to_json(${x})::VARCHAR`} ELSE ${quoted(x)} END`;
    case 'float32':
    case 'float64':
      return floatAsPrinted(x);
    case 'array':
      return listText(x, '[', ']', (element) => `coalesce(${printed(type.element, element, style)}, 'null')`);
    default:
      return `${x}::VARCHAR`;
  }
}

const ESCAPE = 'headrace_json_escape';
const CONTROLS: readonly (readonly [number, string])[] = Array.from({ length: 31 }, (_, i) => {
  const short = { 8: '\\b', 9: '\\t', 10: '\\n', 12: '\\f', 13: '\\r' }[i + 1];
  return [i + 1, short ?? `\\u${(i + 1).toString(16).padStart(4, '0')}`] as const;
});

/** to_json writes \u001F where PostgreSQL, JavaScript and we write \u001f: for the rare text with such an escape, by hand. */
export const ESCAPE_MACRO = `CREATE MACRO ${ESCAPE}(x) AS '"' || ${CONTROLS.reduce(
  (text, [code, escape]) => `replace(${text}, chr(${code}), '${escape}')`,
  `replace(replace(x, '\\', '\\\\'), '"', '\\"')`,
)} || '"'`;

/**
 * What the bytes alone do not tell: texts that PostgreSQL would refuse at the load. Conservative: a record that fails here is
 * looked at closely by formats/postgres-text.ts, which lets it through if it is good.
 * @param value of a column, as parsedType
 */
export function strictChecks(columns: readonly Column[], value: (name: string) => string): string[] {
  return columns.flatMap(({ name, type, sqlType }) => {
    const x = value(name);
    if (type.kind !== 'array') return strictCheck(type, sqlType, x).map((check) => `(${x} IS NULL OR (${check}))`);
    return strictCheck(type.element, sqlType, 'e').map(
      (check) => `coalesce(list_bool_and(list_transform(${x}, lambda e: e IS NULL OR (${check}))), true)`,
    );
  });
}

function strictCheck(type: ColumnType, sqlType: string, x: string): string[] {
  switch (type.kind) {
    case 'decimal': {
      const { precision, scale = 0 } = type;
      if (lakeType(type) === 'VARCHAR') {
        const pattern = quoteText(decimalPattern(type));
        return [`regexp_full_match(${x}, ${pattern}) AND NOT regexp_full_match(${x}, '-[0.]+')`];
      }
      if (scale < 0) return [`${x} % 1${'0'.repeat(-scale)} = 0`];
      return scale === precision ? [`abs(${x}) < 1`] : [];
    }
    case 'time':
    case 'timestamp':
    case 'timestamptz': {
      const digits = secondDigits(sqlType);
      return digits === 6 ? [] : [`epoch_us(${x}) % 1${'0'.repeat(6 - digits)} = 0`];
    }
    case 'text': {
      const limit = /\((\d+)\)/.exec(sqlType)?.[1];
      return limit === undefined ? [] : [`length(${x}) <= ${limit}`];
    }
    case 'char':
      return type.length === 0 ? [] : [`length(${x}) = ${type.length}`];
    case 'json':
    case 'jsonb': // json_valid lets trailing commas and NaN pass; \ud8… and \u0000 matter to jsonb
      return [
        `json_valid(${x})`,
        `NOT regexp_matches(${x}, ',\\s*[\\]}]|[nN]a[nN]|[iI]nf|\\\\u(0000|[dD][89a-fA-F])')`,
      ];
    default:
      return [];
  }
}

/** As PostgreSQL prints a decimal that the lake carries as text. */
function decimalPattern(type: { precision?: number; scale?: number }): string {
  const { precision, scale = 0 } = type;
  if (precision === undefined) return '(0|-?[1-9]\\d*)|-?(0|[1-9]\\d*)\\.\\d+|NaN|-?Infinity';
  const whole = precision - scale > 0 ? `(0|[1-9]\\d{0,${Math.min(precision - scale - 1, 999)}})` : '0';
  if (scale <= 0) return `-?${whole}|NaN`;
  // numeric(3,5) holds 0.00999 and no more.
  const zeros = Math.max(scale - precision, 0);
  return `-?${whole}\\.${zeros > 0 ? `0{${zeros}}` : ''}\\d{${Math.min(scale - zeros, 1000)}}|NaN`;
}
