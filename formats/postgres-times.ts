/**
 * Reads dates and times as PostgreSQL prints them under DateStyle ISO and TimeZone UTC, from bytes, without making
 * strings. Proleptic Gregorian calendar, year 1 BC = year 0, as PostgreSQL and DuckDB have it.
 */
import { fault } from '../contracts/errors.ts';

export const MICROS_PER_DAY = 86_400_000_000;

/** What `readTimestamp` and `readDate` found; one object, used again, as they run once a value. */
export interface ReadTime {
  /** Days since 1970-01-01. */
  days: number;
  /** Microseconds of the day, 0 to 86,400,000,000 (PostgreSQL knows 24:00:00). */
  micros: number;
}

/** `infinity` or `-infinity`. */
export function isInfinite(src: Uint8Array, from: number): boolean {
  const first = src[from] as number;
  return first === 0x69 || (first === 0x2d && src[from + 1] === 0x69);
}

/** `2024-03-01`, `12024-03-01`, `0044-03-15 BC`. */
export function readDate(src: Uint8Array, from: number, to: number, out: ReadTime): void {
  const bc = endsWithBc(src, from, to);
  readDays(src, from, bc, out);
}

/** `2024-03-01 10:00:00.123456`, with ` BC` behind it, and with `+00` before that where `zoned`. */
export function readTimestamp(src: Uint8Array, from: number, to: number, zoned: boolean, out: ReadTime): void {
  const bc = endsWithBc(src, from, to);
  let end = bc ? to - 3 : to;
  if (zoned) {
    if (!endsWithUtc(src, end)) throw notUtc(src, from, to);
    end -= 3;
  }
  const time = readDays(src, from, bc, out) + 1;
  out.micros = readMicros(src, time, end);
}

/** `10:00:00.123456`. @returns microseconds of the day */
export function readMicros(src: Uint8Array, from: number, to: number): number {
  const seconds = two(src, from) * 3600 + two(src, from + 3) * 60 + two(src, from + 6);
  let micros = 0;
  let unit = 100_000;
  for (let i = from + 9; i < to; i++) {
    micros += ((src[i] as number) - 0x30) * unit;
    unit /= 10;
  }
  return seconds * 1_000_000 + micros;
}

export function endsWithBc(src: Uint8Array, from: number, to: number): boolean {
  return to - from > 3 && src[to - 1] === 0x43 && src[to - 2] === 0x42;
}

/** `+00` right before `end`. */
export function endsWithUtc(src: Uint8Array, end: number): boolean {
  return src[end - 1] === 0x30 && src[end - 2] === 0x30 && src[end - 3] === 0x2b;
}

export function notUtc(src: Uint8Array, from: number, to: number): Error {
  const text = Buffer.from(src.subarray(from, to)).toString();
  return fault(
    'Unexpected',
    `the source printed a timestamp as "${text}", not in ISO form at UTC: COPY must run with TimeZone=UTC and DateStyle=ISO`,
  );
}

function two(src: Uint8Array, at: number): number {
  return ((src[at] as number) - 0x30) * 10 + (src[at + 1] as number) - 0x30;
}

/** @returns where the date ends */
function readDays(src: Uint8Array, from: number, bc: boolean, out: ReadTime): number {
  let at = from;
  let year = 0;
  for (let digit = src[at] as number; digit !== 0x2d; digit = src[++at] as number) year = year * 10 + digit - 0x30;
  out.days = daysFromCivil(bc ? 1 - year : year, two(src, at + 1), two(src, at + 4));
  return at + 6;
}

/** Howard Hinnant's days_from_civil (chrono-compatible low-level date algorithms). */
export function daysFromCivil(year: number, month: number, day: number): number {
  const y = month <= 2 ? year - 1 : year;
  const era = Math.floor(y / 400);
  const yearOfEra = y - era * 400;
  const dayOfYear = (((153 * (month > 2 ? month - 3 : month + 9) + 2) / 5) | 0) + day - 1;
  const dayOfEra = yearOfEra * 365 + ((yearOfEra / 4) | 0) - ((yearOfEra / 100) | 0) + dayOfYear;
  return era * 146_097 + dayOfEra - 719_468;
}
