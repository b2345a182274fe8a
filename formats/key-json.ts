/**
 * A key's bytes in the topic: a compact JSON object of the key's columns in key order, each in its canonical value, so
 * that keys the database holds equal are the same bytes: 1.0 and 1.00, char with and without blanks, -0 and 0.
 */
import type { Column, ColumnType } from '../contracts/columns.ts';
import { trimmedEnd, unpaddedEnd } from './canonical.ts';
import { jsonWriter, type ValueWriter } from './json-values.ts';
import { floatText } from './postgres-scalars.ts';
import { append, createScratch } from './scratch.ts';

export function keyWriter(type: ColumnType): ValueWriter {
  const write = jsonWriter(type);
  switch (type.kind) {
    case 'decimal':
      if (type.scale !== undefined) return write;
      return (out, src, from, to) => write(out, src, from, trimmedEnd(src, from, to));
    case 'char':
      return (out, src, from, to) => write(out, src, from, unpaddedEnd(src, from, to));
    case 'float32':
    case 'float64':
      return (out, src, from, to) => write(out, src, isMinusZero(src, from, to) ? from + 1 : from, to);
    default:
      return write;
  }
}

function isMinusZero(src: Buffer, from: number, to: number): boolean {
  return to - from === 2 && src[from] === 0x2d && src[from + 1] === 0x30;
}

/** `{"name":` for the first column, `,"name":` for the others. */
export function jsonPrefix(name: string, index: number): Buffer {
  return Buffer.from(`${index === 0 ? '{' : ','}${JSON.stringify(name)}:`);
}

/** The same for keys that are at hand as texts. @returns a function of the key's values as PostgreSQL prints them (floats: as anything does) */
export function createTextKeyJson(keyColumns: readonly Column[]): (texts: readonly string[]) => string {
  const writers = keyColumns.map((column) => keyWriter(column.type));
  const prefixes = keyColumns.map((column, i) => jsonPrefix(column.name, i));
  const out = createScratch(256);
  return (texts) => {
    out.at = 0;
    writers.forEach((write, i) => {
      const prefix = prefixes[i] as Buffer;
      append(out, prefix, 0, prefix.length);
      const text = texts[i] ?? '';
      const { kind } = (keyColumns[i] as Column).type;
      const single = kind === 'float32';
      const bytes = Buffer.from(single || kind === 'float64' ? (floatText(text, single) ?? text) : text);
      write(out, bytes, 0, bytes.length);
    });
    return `${out.bytes.toString('utf8', 0, out.at)}}`;
  };
}
