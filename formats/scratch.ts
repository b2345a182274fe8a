/**
 * A growing byte buffer that is written over and over. Guarantees room before a write, doubles when it grows, and never
 * shrinks: its memory is the largest row's. Seen as words too, because md5 reads words.
 */
export interface Scratch {
  bytes: Buffer;
  /** The same memory; little-endian, as on every machine that Node and DuckDB have binaries for. */
  words: Int32Array;
  /** Next byte to be written. */
  at: number;
}

/** Spare bytes behind the content, for md5's padding. */
const SPARE_BYTES = 128;

export function createScratch(bytes: number): Scratch {
  const memory = new ArrayBuffer(roundUp(bytes + SPARE_BYTES));
  return { bytes: Buffer.from(memory), words: new Int32Array(memory), at: 0 };
}

/** Makes room for `extra` more bytes. @returns the buffer, which may be another than before */
export function reserve(scratch: Scratch, extra: number): Buffer {
  if (scratch.at + extra + SPARE_BYTES > scratch.bytes.length) grow(scratch, scratch.at + extra + SPARE_BYTES);
  return scratch.bytes;
}

function grow(scratch: Scratch, needed: number): void {
  const memory = new ArrayBuffer(roundUp(Math.max(needed, scratch.bytes.length * 2)));
  const bytes = Buffer.from(memory);
  scratch.bytes.copy(bytes, 0, 0, scratch.at);
  scratch.bytes = bytes;
  scratch.words = new Int32Array(memory);
}

function roundUp(bytes: number): number {
  return Math.ceil(bytes / 64) * 64;
}

/** Below this length a loop beats the call into the runtime (about 40 ns). */
const LOOP_UP_TO_BYTES = 48;

/** Appends src[from, to). */
export function append(scratch: Scratch, src: Uint8Array, from: number, to: number): void {
  const bytes = reserve(scratch, to - from);
  let at = scratch.at;
  if (to - from <= LOOP_UP_TO_BYTES) {
    for (let i = from; i < to; i++) bytes[at++] = src[i] as number;
  } else {
    bytes.set(src.subarray(from, to), at);
    at += to - from;
  }
  scratch.at = at;
}

/** Appends ASCII text. For rare texts: it calls into the runtime. */
export function appendAscii(scratch: Scratch, text: string): void {
  const bytes = reserve(scratch, text.length);
  scratch.at += bytes.write(text, scratch.at, 'latin1');
}

/** Appends an integer's decimal digits; exact up to 2^53. */
export function appendInteger(scratch: Scratch, value: number): void {
  const bytes = reserve(scratch, 20);
  let rest = value;
  if (rest < 0) {
    bytes[scratch.at++] = 0x2d;
    rest = -rest;
  }
  const digits = countDigits(rest);
  let at = scratch.at + digits;
  scratch.at = at;
  // Eight digits at a time in 32-bit arithmetic; divisions of doubles cost several times as much.
  while (rest >= 1e8) {
    const upper = Math.floor(rest / 1e8);
    let lower = (rest - upper * 1e8) | 0;
    for (let i = 0; i < 8; i++) {
      const next = (lower / 10) | 0;
      bytes[--at] = 0x30 + lower - next * 10;
      lower = next;
    }
    rest = upper;
  }
  let small = rest | 0;
  do {
    const next = (small / 10) | 0;
    bytes[--at] = 0x30 + small - next * 10;
    small = next;
  } while (small !== 0);
}

/** Of a non-negative integer below 10^16. */
export function countDigits(value: number): number {
  let digits = 1;
  for (let limit = 10; value >= limit; limit *= 10) digits++;
  return digits;
}
