/** COPY's text format: fields end at tabs, rows at newlines, and both are never raw within a value. */
import { reserve, type Scratch } from './scratch.ts';

export const TAB = 0x09;
export const NEWLINE = 0x0a;
export const BACKSLASH = 0x5c;

/** 1 for the bytes that end a run of plain ones. */
export const STOPS = new Uint8Array(256);
STOPS[TAB] = STOPS[NEWLINE] = STOPS[BACKSLASH] = 1;

/** What the byte behind a backslash stands for: a control character for these letters, itself for all else. */
const UNESCAPED = new Uint8Array(256).map((_, byte) => byte);
for (const [letter, byte] of [
  ['b', 0x08],
  ['t', TAB],
  ['n', NEWLINE],
  ['v', 0x0b],
  ['f', 0x0c],
  ['r', 0x0d],
] as const) {
  UNESCAPED[letter.charCodeAt(0)] = byte;
}

/** Whether a field that has a backslash is `\N`. */
export function isNull(src: Uint8Array, from: number, to: number): boolean {
  return to - from === 2 && src[from + 1] === 0x4e;
}

/** Writes the field src[from, to) without its escapes over what `out` held. */
export function unescape(src: Uint8Array, from: number, to: number, out: Scratch): void {
  out.at = 0;
  const bytes = reserve(out, to - from);
  let at = 0;
  for (let i = from; i < to; i++) {
    const byte = src[i] as number;
    bytes[at++] = byte === BACKSLASH ? (UNESCAPED[src[++i] as number] as number) : byte;
  }
  out.at = at;
}
