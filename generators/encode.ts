/** Rows as text: JSON for files and Kafka, COPY text for PostgreSQL, CSV. An encoder is made once an output. */
import type { Emission, Field, Output, Value } from './model.ts';
import { microsText, secondText } from './times.ts';

export type Encoder = (row: Emission['row']) => string;

// eslint's no-control-regex is not part of this project's rules; control characters are meant.
const NEEDS_ESCAPE = /["\\\u0000-\u001f\ud800-\udfff]/;
const jsonText = (value: string): string => (NEEDS_ESCAPE.test(value) ? JSON.stringify(value) : `"${value}"`);

type Print = (value: Value) => string;

/** Without quotes or escapes; `text` and `json` are the caller's business. */
function plain({ type }: Field): Print {
  switch (type) {
    case 'money':
      return (value) => String((value as number) / 100);
    case 'time':
      return (value) => microsText(value as number);
    case 'second':
      return (value) => secondText(value as number);
    case 'json':
      return (value) => JSON.stringify(value);
    default:
      return String;
  }
}

function jsonPrint(field: Field): Print {
  const print = plain(field);
  if (field.type === 'text') return (value) => jsonText(value as string);
  if (field.type === 'time' || field.type === 'second') return (value) => `"${print(value)}"`;
  return print;
}

const orElse =
  (print: Print, none: string): Print =>
  (value) =>
    value === null ? none : print(value);

/** One message, as the issue shows them: no blanks, fields in order. */
export function jsonEncoder({ fields }: Output): Encoder {
  const names = fields.map(({ name }, index) => `${index === 0 ? '{' : ','}${JSON.stringify(name)}:`);
  const prints = fields.map((field) => orElse(jsonPrint(field), 'null'));
  return (row) => {
    let text = '';
    for (let index = 0; index < prints.length; index++) {
      text += (names[index] as string) + (prints[index] as Print)(row[index] as Value);
    }
    return `${text}}`;
  };
}

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
