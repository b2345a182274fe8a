/**
 * PostgreSQL's array literals: taken apart in bytes without making strings, and printed. `{1,2}`, `{{"a b",NULL},{"c\"d","\\e"}}`,
 * `[0:1]={1,2}`. Only what array_out prints is read; it is never given a person's literal.
 */
import { append, createScratch, type Scratch } from './scratch.ts';

/** The parts of one literal; the object is used again for the next. */
export interface ArrayParts {
  /** Sizes, outermost first; empty for `{}`. */
  dims: number[];
  /** Lower bounds where a literal names them, else null (all are 1). */
  lowers: number[] | null;
  /** Elements in row-major order: where each begins and ends in `text`, or -1 for NULL. */
  from: number[];
  to: number[];
  /** The elements' bytes, unescaped. */
  text: Scratch;
}

export function createArrayParts(): ArrayParts {
  return { dims: [], lowers: null, from: [], to: [], text: createScratch(256) };
}

/** The elements as strings. */
export function elementTexts(parts: ArrayParts): (string | null)[] {
  return parts.from.map((from, i) => (from < 0 ? null : parts.text.bytes.toString('utf8', from, parts.to[i])));
}

/** As array_out prints: bounds only where `lowers` are given. */
export function printArray(
  elements: readonly (string | null)[],
  dims: readonly number[],
  lowers: readonly number[] | null,
): string {
  const bounds = lowers === null ? [] : dims.map((size, i) => `[${lowers[i] ?? 1}:${(lowers[i] ?? 1) + size - 1}]`);
  let next = 0;
  const print = (level: number): string => {
    if (level === dims.length) return printElement(elements[next++] ?? null);
    return `{${Array.from({ length: dims[level] ?? 0 }, () => print(level + 1)).join(',')}}`;
  };
  return `${bounds.join('')}${bounds.length > 0 ? '=' : ''}${print(0)}`;
}

function printElement(text: string | null): string {
  if (text === null) return 'NULL';
  if (text !== '' && !/[{}",\\ \t\n\r\v\f]/.test(text) && text.toUpperCase() !== 'NULL') return text;
  return `"${text.replaceAll(/["\\]/g, '\\$&')}"`;
}

const OPEN = 0x7b;
const CLOSE = 0x7d;
const COMMA = 0x2c;
const QUOTE = 0x22;
const BACKSLASH = 0x5c;

/** @throws RangeError when the text is no array literal */
export function parseArray(src: Buffer, from: number, to: number, parts: ArrayParts): void {
  parts.dims.length = 0;
  parts.lowers = null;
  parts.from.length = 0;
  parts.to.length = 0;
  parts.text.at = 0;
  let at = from;
  if (src[at] === 0x5b) {
    const equals = src.indexOf(0x3d, at);
    parts.lowers = [...src.toString('latin1', at, equals).matchAll(/\[(-?\d+):/g)].map((bound) => Number(bound[1]));
    at = equals + 1;
  }
  const counts: number[] = []; // elements so far of each open level
  for (; at < to; at++) {
    const byte = src[at] as number;
    if (byte === OPEN) {
      counts.push(0);
      continue;
    }
    if (byte === COMMA) continue;
    if (byte === CLOSE) {
      const count = counts.pop() ?? 0;
      if (count > 0) parts.dims[counts.length] = count;
    } else {
      at = readElement(src, at, to, parts) - 1;
    }
    const level = counts.length - 1;
    if (level >= 0) counts[level] = (counts[level] as number) + 1;
  }
  if (counts.length > 0 || at !== to) throw new RangeError('not an array literal');
}

/** @returns the place behind the element */
function readElement(src: Buffer, start: number, to: number, parts: ArrayParts): number {
  const { text } = parts;
  const begin = text.at;
  let at = start;
  if (src[at] === QUOTE) {
    let run = ++at;
    for (; src[at] !== QUOTE; at++) {
      if (at >= to) throw new RangeError('an element is not closed');
      if (src[at] === BACKSLASH) {
        append(text, src, run, at);
        run = ++at; // the next byte is taken as it is
      }
    }
    append(text, src, run, at++);
  } else {
    while (at < to && src[at] !== COMMA && src[at] !== CLOSE) at++;
    if (at - start === 4 && src.toString('latin1', start, at).toUpperCase() === 'NULL') {
      parts.from.push(-1);
      parts.to.push(-1);
      return at;
    }
    append(text, src, start, at);
  }
  parts.from.push(begin);
  parts.to.push(text.at);
  return at;
}
