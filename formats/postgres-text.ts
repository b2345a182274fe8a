/**
 * From a message's value back to the text PostgreSQL prints of it, for records that need a look of their own. Guarantees
 * that what is let through is a value PostgreSQL's type takes without an error and without changing it; all else is bad,
 * with a reason. So a load never stumbles over a record, and never alters one.
 */
import type { ColumnType } from '../contracts/columns.ts';
import type { JsonToken } from './json-scan.ts';
import { floatText, isDate, isTime, plainDecimal } from './postgres-scalars.ts';
import { createArrayParts, elementTexts, parseArray, printArray } from './postgres-array.ts';

export type TextResult = { text: string | null } | { bad: string };

const bad = (reason: string): TextResult => ({ bad: reason });
/** With the flag u, a pair is one character and does not match. */
const LONE_SURROGATE = /\p{Surrogate}/u;
const BC_OR_INFINITE = /^-?infinity$| BC$/;

/** @param sqlType the column's, for the limits that the type alone does not know: `character varying(20)` */
export function postgresText(type: ColumnType, sqlType: string, token: JsonToken): TextResult {
  if (token.kind === 'null') return { text: null };
  if (type.kind === 'array') return arrayText(type.element, sqlType.replace(/\[\]$/, ''), token);
  const text = scalarForm(type, token);
  return text === null ? bad(`${describe(token)} where the column is ${sqlType}`) : scalarText(type, sqlType, text);
}

/** The text in a token of the kind the type travels in (formats/json-values.ts), in PostgreSQL's writing; null for another kind. */
function scalarForm(type: ColumnType, token: JsonToken): string | null {
  switch (type.kind) {
    case 'boolean':
      return token.kind === 'true' ? 't' : token.kind === 'false' ? 'f' : null;
    case 'int16':
    case 'int32':
      return token.kind === 'number' ? token.text : null;
    case 'int64':
      return token.kind === 'number' || token.kind === 'string' ? token.text : null;
    case 'decimal':
      return token.kind === 'number' || token.kind === 'string' ? token.text : null;
    case 'float32':
    case 'float64':
      if (token.kind === 'number') return token.text;
      return token.kind === 'string' && /^(NaN|-?Infinity)$/.test(token.text) ? token.text : null;
    default:
      break;
  }
  if (token.kind !== 'string') return null;
  if (type.kind === 'bytea') return `\\x${token.text}`;
  if ((type.kind === 'timestamp' || type.kind === 'timestamptz') && !BC_OR_INFINITE.test(token.text)) {
    return token.text.replace('T', ' ').replace(/Z$/, '+00');
  }
  return token.text;
}

/** Checks PostgreSQL's text of a scalar and brings it into the form that PostgreSQL prints. */
function scalarText(type: ColumnType, sqlType: string, text: string): TextResult {
  const notOf = () => bad(`${JSON.stringify(text.slice(0, 60))} is not a ${sqlType}`);
  const taken = (ok: boolean) => (ok ? { text } : notOf());
  if (text.includes('\0')) return bad('holds the character U+0000, which PostgreSQL cannot store');
  if (LONE_SURROGATE.test(text)) return bad('holds half a surrogate pair, which is no Unicode text');
  switch (type.kind) {
    case 'int16':
    case 'int32':
    case 'int64': {
      if (!/^-?\d{1,30}$/.test(text)) return notOf();
      const value = BigInt(text);
      const bits = { int16: 16, int32: 32, int64: 64 }[type.kind];
      return BigInt.asIntN(bits, value) === value ? { text: value.toString() } : notOf();
    }
    case 'decimal': {
      const plain = plainDecimal(text, type.precision, type.scale);
      return plain === null ? notOf() : { text: plain };
    }
    case 'float32':
    case 'float64': {
      const printed = floatText(text, type.kind === 'float32');
      return printed === null ? notOf() : { text: printed };
    }
    case 'boolean':
      return taken(text === 't' || text === 'f');
    case 'text': {
      const limit = /\((\d+)\)$/.exec(sqlType)?.[1];
      return taken(limit === undefined || codePoints(text) <= Number(limit));
    }
    case 'char': {
      const trimmed = text.replace(/ +$/, '');
      if (type.length === 0) return { text };
      const missing = type.length - codePoints(trimmed);
      return missing < 0 ? notOf() : { text: trimmed + ' '.repeat(missing) };
    }
    case 'date':
      return taken(isDate(text));
    case 'time':
    case 'timestamp':
    case 'timestamptz': {
      const trimmed = text.replace(/(\.\d*?)0+(?=$|\+| )/, '$1').replace(/\.(?=$|\+| )/, '');
      const fraction = /\.(\d+)/.exec(trimmed)?.[1] ?? '';
      return isTime(type.kind, trimmed) && fraction.length <= secondDigits(sqlType) ? { text: trimmed } : notOf();
    }
    case 'uuid':
      return /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i.test(text) ? { text: text.toLowerCase() } : notOf();
    case 'json':
    case 'jsonb':
      return jsonText(text, type.kind);
    case 'bytea':
      return /^\\x([0-9a-f]{2})*$/i.test(text) ? { text: text.toLowerCase() } : notOf();
    case 'array':
      return notOf();
  }
}

/** Digits of a second that a type such as `timestamp(3) without time zone` keeps; PostgreSQL rounds the rest away. */
export function secondDigits(sqlType: string): number {
  return Number(/\((\d)\)/.exec(sqlType)?.[1] ?? 6);
}

function codePoints(text: string): number {
  let count = 0;
  for (let i = 0; i < text.length; i++) if ((text.charCodeAt(i) & 0xfc00) !== 0xdc00) count++;
  return count;
}

function jsonText(text: string, kind: 'json' | 'jsonb'): TextResult {
  const unfit: string[] = [];
  try {
    JSON.parse(text, (name, value: unknown) => {
      const strings = typeof value === 'string' ? [name, value] : [name];
      unfit.push(...strings.filter((part) => part.includes('\0') || LONE_SURROGATE.test(part)));
      return null;
    });
  } catch {
    return bad('the text is not JSON');
  }
  // json keeps the text as it is; jsonb decodes it, and PostgreSQL's text has no place for these characters.
  if (kind === 'jsonb' && unfit.length > 0) return bad('jsonb cannot hold U+0000 or half a surrogate pair');
  return { text };
}

function arrayText(element: ColumnType, sqlType: string, token: JsonToken): TextResult {
  if (token.kind === 'string') return boundedArrayText(element, sqlType, token.text);
  if (token.kind !== 'array') return bad(`${describe(token)} where the column is ${sqlType}[]`);
  if (token.items.length === 0) return { text: '{}' };
  const dims: number[] = [];
  for (let level: JsonToken | undefined = token; level?.kind === 'array'; level = level.items[0]) {
    dims.push(level.items.length);
  }
  const elements: (string | null)[] = [];
  const reason = collect(dims, 0, token, (item) => {
    const found = postgresText(element, sqlType, item);
    if ('bad' in found) return found.bad;
    elements.push(found.text);
    return null;
  });
  return reason === null ? { text: printArray(elements, dims, null) } : bad(reason);
}

/** Hands every element to `take`. @returns why the array is bad, or null */
function collect(
  dims: number[],
  depth: number,
  token: JsonToken,
  take: (item: JsonToken) => string | null,
): string | null {
  if (depth === dims.length) return token.kind === 'array' ? 'its arrays are of different depth' : take(token);
  if (token.kind !== 'array' || token.items.length !== dims[depth] || token.items.length === 0) {
    return 'its arrays are of different length';
  }
  for (const item of token.items) {
    const reason = collect(dims, depth + 1, item, take);
    if (reason !== null) return reason;
  }
  return null;
}

const BOUNDED = /^(?:\[-?\d{1,9}:-?\d{1,9}\]){1,6}=\{/;

/** `[0:1]={1,2}`: PostgreSQL's own literal, which must be exactly what PostgreSQL would print. */
function boundedArrayText(element: ColumnType, sqlType: string, literal: string): TextResult {
  const wrong = bad(`${JSON.stringify(literal.slice(0, 60))} is not a literal of ${sqlType}[] with bounds`);
  if (!BOUNDED.test(literal)) return wrong;
  const parts = createArrayParts();
  const bytes = Buffer.from(literal);
  try {
    parseArray(bytes, 0, bytes.length, parts);
  } catch {
    return wrong;
  }
  const elements: (string | null)[] = [];
  for (const text of elementTexts(parts)) {
    const checked: TextResult = text === null ? { text } : scalarText(element, sqlType, text);
    if ('bad' in checked) return checked;
    elements.push(checked.text);
  }
  return printArray(elements, parts.dims, parts.lowers) === literal ? { text: literal } : wrong;
}

function describe(token: JsonToken): string {
  if (token.kind === 'number') return `the number ${token.text.slice(0, 40)}`;
  if (token.kind === 'string') return `the string ${JSON.stringify(token.text.slice(0, 40))}`;
  return token.kind === 'array' || token.kind === 'object' ? `an ${token.kind}` : token.kind;
}
