/**
 * Where a value ends that stands in our form (formats/json-values.ts), if it does: exact in every digit and in the calendar, so
 * that DuckDB's cast of what is found can only be that value. Without a regular expression or a string, as they run once a value.
 */
import { SAFE_DIGITS } from '../../formats/json-values.ts';

/** @returns the place behind a value in our form that begins at `at`, or NONE */
export type FieldEnd = (src: Buffer, at: number) => number;

const NONE = -1;
const QUOTE = 0x22;
const MINUS = 0x2d;
const PLUS = 0x2b;
const POINT = 0x2e;
const COLON = 0x3a;
const ZERO = 0x30;

export function quoted(endOf: FieldEnd): FieldEnd {
  return (src, at) => {
    if (src[at] !== QUOTE) return NONE;
    const end = endOf(src, at + 1);
    return end >= 0 && src[end] === QUOTE ? end + 1 : NONE;
  };
}

export function wordEnd(src: Buffer, at: number, word: Buffer): number {
  for (let i = 0; i < word.length; i++) if (src[at + i] !== word[i]) return NONE;
  return at + word.length;
}

/** The place of the first byte that is no digit. */
function digitsEnd(src: Buffer, at: number): number {
  let end = at;
  for (let byte = src[end] as number; byte >= ZERO && byte <= 0x39; byte = src[++end] as number);
  return end;
}

/** No zeros in front, no -0. */
export function integerEnd(src: Buffer, at: number, minDigits: number, maxDigits: number): number {
  const start = src[at] === MINUS ? at + 1 : at;
  const end = digitsEnd(src, start);
  const digits = end - start;
  if (digits < minDigits || digits > maxDigits) return NONE;
  return src[start] === ZERO && (digits > 1 || start > at) ? NONE : end;
}

const MAX_INT64_DIGITS = 19;
const longInt64End = quoted((src, at) => integerEnd(src, at, SAFE_DIGITS + 1, MAX_INT64_DIGITS));

export function int64End(src: Buffer, at: number): number {
  return src[at] === QUOTE ? longInt64End(src, at) : integerEnd(src, at, 1, SAFE_DIGITS);
}

/** At its scale exactly; no zeros in front, no -0.00. */
export function decimalEnd(src: Buffer, at: number, wholeDigits: number, scale: number): number {
  const start = src[at] === MINUS ? at + 1 : at;
  const point = digitsEnd(src, start);
  const whole = point - start;
  if (whole === 0 || whole > wholeDigits || (src[start] === ZERO && whole > 1)) return NONE;
  let end = point;
  if (scale > 0) {
    if (src[point] !== POINT) return NONE;
    end = digitsEnd(src, point + 1);
    if (end - point - 1 !== scale) return NONE;
  }
  return start > at && src[start] === ZERO && !anyNonZero(src, start, end) ? NONE : end;
}

function anyNonZero(src: Buffer, from: number, to: number): boolean {
  for (let i = from; i < to; i++) if ((src[i] as number) > ZERO) return true;
  return false;
}

/** Of a whole number or a fraction; PostgreSQL prints 17 at most. */
const MAX_FLOAT_DIGITS = 20;

/** A JSON number well within the type's range; not -0, whose sign Parquet's dictionary loses. */
export function floatEnd(src: Buffer, at: number, maxExponent: number): number {
  const start = src[at] === MINUS ? at + 1 : at;
  let end = digitsEnd(src, start);
  const whole = end - start;
  if (whole === 0 || whole > MAX_FLOAT_DIGITS || (src[start] === ZERO && whole > 1)) return NONE;
  if (src[end] === POINT) {
    const from = end + 1;
    end = digitsEnd(src, from);
    if (end === from || end - from > MAX_FLOAT_DIGITS) return NONE;
  }
  if (start > at && !anyNonZero(src, start, end)) return NONE;
  if (src[end] !== 0x65) return end;
  // One digit before the point, as PostgreSQL prints it; 0.00000000000000000001e-30 would become 0 in a FLOAT.
  return whole === 1 && src[start] !== ZERO ? exponentEnd(src, end + 1, maxExponent) : NONE;
}

function exponentEnd(src: Buffer, at: number, maxExponent: number): number {
  const start = src[at] === MINUS || src[at] === PLUS ? at + 1 : at;
  const end = digitsEnd(src, start);
  if (end === start || end - start > 3) return NONE;
  let exponent = 0;
  for (let i = start; i < end; i++) exponent = exponent * 10 + (src[i] as number) - ZERO;
  return exponent <= maxExponent ? end : NONE;
}

const NOT_TWO_DIGITS = 100;

function twoDigits(src: Buffer, at: number): number {
  const tens = (src[at] as number) - ZERO;
  const ones = (src[at + 1] as number) - ZERO;
  // So that the comparisons fail behind the buffer's end too, where both are NaN.
  return tens >= 0 && tens <= 9 && ones >= 0 && ones <= 9 ? tens * 10 + ones : NOT_TWO_DIGITS;
}

const DAYS = [0, 31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];

/** Years 0001 to 9999; the others are printed with more digits or with BC. */
export function dateEnd(src: Buffer, at: number): number {
  const century = twoDigits(src, at);
  const yearOfCentury = twoDigits(src, at + 2);
  const month = twoDigits(src, at + 5);
  const day = twoDigits(src, at + 8);
  if (century > 99 || yearOfCentury > 99 || src[at + 4] !== MINUS || src[at + 7] !== MINUS) return NONE;
  const year = century * 100 + yearOfCentury;
  if (year === 0 || month < 1 || month > 12 || day < 1 || day > (DAYS[month] as number)) return NONE;
  if (month === 2 && day === 29 && (year % 4 !== 0 || (year % 100 === 0 && year % 400 !== 0))) return NONE;
  return at + 10;
}

export function timeEnd(src: Buffer, at: number): number {
  if (twoDigits(src, at) > 23 || twoDigits(src, at + 3) > 59 || twoDigits(src, at + 6) > 59) return NONE;
  if (src[at + 2] !== COLON || src[at + 5] !== COLON) return NONE;
  if (src[at + 8] !== POINT) return at + 8;
  const end = digitsEnd(src, at + 9);
  const digits = end - at - 9;
  return digits > 0 && digits <= 6 && src[end - 1] !== ZERO ? end : NONE;
}

export function timestampEnd(src: Buffer, at: number): number {
  const end = dateEnd(src, at);
  return end >= 0 && src[end] === 0x54 ? timeEnd(src, end + 1) : NONE;
}

export function zonedEnd(src: Buffer, at: number): number {
  const end = timestampEnd(src, at);
  return end >= 0 && src[end] === 0x5a ? end + 1 : NONE;
}

/** The place of the first byte that is no lower hex digit. */
function hexEnd(src: Buffer, at: number): number {
  let end = at;
  for (; ; end++) {
    const byte = src[end];
    const hex = byte !== undefined && ((byte >= ZERO && byte <= 0x39) || (byte >= 0x61 && byte <= 0x66));
    if (!hex) return end;
  }
}

const UUID_GROUPS = [8, 4, 4, 4, 12];

export function uuidEnd(src: Buffer, at: number): number {
  let end = at;
  for (const [i, digits] of UUID_GROUPS.entries()) {
    if (i > 0 && src[end++] !== MINUS) return NONE;
    if (hexEnd(src, end) !== end + digits) return NONE;
    end += digits;
  }
  return end;
}

export function byteaEnd(src: Buffer, at: number): number {
  const end = hexEnd(src, at);
  return (end - at) % 2 === 0 ? end : NONE;
}
