/** Rows as text: JSON for files and Kafka, COPY text for PostgreSQL, CSV. An encoder is made once an output. */
import type { Emission, Field, Output, Value } from './model.ts';
import { microsText, secondText } from './times.ts';

type Row = Emission['row'];
export type Encoder = (row: Row) => string;

// eslint's no-control-regex is not part of this project's rules; control characters are meant.
const NEEDS_ESCAPE = /["\\\u0000-\u001f\ud800-\udfff]/;
/** Without its quotes. */
const jsonText = (value: string): string => (NEEDS_ESCAPE.test(value) ? JSON.stringify(value).slice(1, -1) : value);

type Print = (value: Value) => string;

const two = Array.from({ length: 100 }, (_, value) => String(value).padStart(2, '0'));

/** As a number is printed, 12.5 and not 12.50; a double takes four times as long. */
function moneyText(cents: number): string {
  const part = cents % 100;
  if (part < 0) return String(cents / 100);
  const whole = String((cents - part) / 100);
  if (part === 0) return whole;
  return `${whole}.${part % 10 === 0 ? part / 10 : (two[part] as string)}`;
}

/** Without quotes or escapes, which are the caller's business. */
function plain({ type, parts, many }: Field): Print {
  switch (type) {
    case 'money':
      return (value) => moneyText(value as number);
    case 'time':
      return (value) => microsText(value as number);
    case 'second':
      return (value) => secondText(value as number);
    case 'json': {
      if (parts === undefined) return (value) => JSON.stringify(value);
      const print = jsonObject(parts);
      return many === true
        ? (rows) => `[${(rows as readonly Row[]).map(print).join(',')}]`
        : (row) => print(row as Row);
    }
    default:
      return String;
  }
}

const orElse =
  (print: Print, none: string): Print =>
  (value) =>
    value === null ? none : print(value);

const QUOTED: ReadonlySet<Field['type']> = new Set(['text', 'time', 'second']);
/** Whether there are quotes around every value. */
const isQuoted = ({ type, nullable }: Field): boolean => nullable !== true && QUOTED.has(type);

/** Without the quotes that every value of the field has. */
function jsonPrint(field: Field): Print {
  const print = field.type === 'text' ? (value: Value) => jsonText(value as string) : plain(field);
  if (field.nullable !== true) return print;
  return orElse(QUOTED.has(field.type) ? (value) => `"${print(value)}"` : print, 'null');
}

/**
 * No blanks, fields in order; the quotes are put together with the names, for every piece that is added costs. JSON.stringify of
 * objects made for it took three times as long, a third of all of an order's time.
 */
function jsonObject(fields: readonly Field[]): Encoder {
  const before = fields.map((field, index) => {
    const previous = fields[index - 1];
    const begin = previous === undefined ? '{' : isQuoted(previous) ? '",' : ',';
    return `${begin}${JSON.stringify(field.name)}:${isQuoted(field) ? '"' : ''}`;
  });
  const last = fields.at(-1);
  const end = last !== undefined && isQuoted(last) ? '"}' : '}';
  const prints = fields.map(jsonPrint);
  return (row) => {
    let text = '';
    for (let index = 0; index < prints.length; index++) {
      text += (before[index] as string) + (prints[index] as Print)(row[index] as Value);
    }
    return text + end;
  };
}

/** One message, as the issue shows them. */
export const jsonEncoder = ({ fields }: Output): Encoder => jsonObject(fields);

const COPY_ESCAPES: Readonly<Record<string, string>> = { '\\': '\\\\', '\t': '\\t', '\n': '\\n', '\r': '\\r' };
const copyText = (value: string): string =>
  /[\\\t\n\r]/.test(value) ? value.replaceAll(/[\\\t\n\r]/g, (found) => COPY_ESCAPES[found] as string) : value;

/** A line of COPY's text format, its newline included, as MySQL's LOAD DATA reads it too: so flags are 0 and 1. */
export function copyEncoder({ fields }: Output): Encoder {
  const prints = fields.map((field) => {
    const print = plain(field);
    if (field.type === 'flag') return orElse((value) => (value === true ? '1' : '0'), '\\N');
    const escaped: Print = field.type === 'text' || field.type === 'json' ? (value) => copyText(print(value)) : print;
    return orElse(escaped, '\\N');
  });
  return (row) => {
    let text = (prints[0] as Print)(row[0] as Value);
    for (let index = 1; index < prints.length; index++) text += `\t${(prints[index] as Print)(row[index] as Value)}`;
    return `${text}\n`;
  };
}

const csvText = (value: string): string =>
  value === '' || /[",\n\r]/.test(value) ? `"${value.replaceAll('"', '""')}"` : value;

/** A line of CSV (RFC 4180, with newlines alone); NULL is an empty field, empty text is `""`. */
export function csvEncoder({ fields }: Output): Encoder {
  const prints = fields.map((field) => {
    const print = plain(field);
    return orElse((value) => csvText(print(value)), '');
  });
  return (row) => `${row.map((value, index) => (prints[index] as Print)(value)).join(',')}\n`;
}

export const csvHead = ({ fields }: Output): string => `${fields.map(({ name }) => name).join(',')}\n`;
