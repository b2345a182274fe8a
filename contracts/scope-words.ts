/** Times, speeds, rates and scopes as people write them, on the command line and in a pipeline file. Pure. */
import { countWith } from './count-words.ts';
import type { ReplayScope } from './replay.ts';

const TIME =
  /^(\d{4})-(\d{2})(?:-(\d{2})(?:[T ](\d{2}):(\d{2})(?::(\d{2})(?:\.\d+)?)?(?:Z|[+-]\d{2}(?::?\d{2})?)?)?)?$/;
export const TIME_FORM = 'an ISO 8601 date or time such as 2026-03-01 or 2026-03-01T12:00:00Z';

/** ISO 8601; given on as written, so that the source database decides what a time without a zone means: UTC. */
export function readTime(text: string): string | null {
  const parts = TIME.exec(text)
    ?.slice(1)
    .map((part: string | undefined) => (part === undefined ? undefined : Number(part)));
  const [year = 0, month = 0, day = 1, hour = 0, minute = 0, second = 0] = parts ?? [];
  // The last day of a month is the day before the first of the next.
  const days = new Date(Date.UTC(2000 + (year % 400), month, 0)).getUTCDate();
  const real = month >= 1 && month <= 12 && day >= 1 && day <= days && hour <= 23 && minute <= 59 && second <= 59;
  if (!real) return null;
  return /^\d{4}-\d{2}$/.test(text) ? `${text}-01` : text;
}

/** Epoch milliseconds of such a time; without a zone it is UTC, whatever the machine's is. */
export function utcMs(text: string): number {
  const zoned = /(?:Z|[+-]\d{2}(?::?\d{2})?)$/.test(text.slice(10)) || text.length <= 10;
  return Date.parse(zoned ? text.replace(' ', 'T') : `${text.replace(' ', 'T')}Z`);
}

const SPEED_MOST = 1e9;
export const SPEED_FORM = 'a factor such as 60x: an hour of event time a minute';

/** Seconds of event time a second. */
export function readSpeed(text: string): number | null {
  const factor = Number(/^(\d+(?:\.\d+)?)\s*x?$/i.exec(text.trim())?.[1] ?? NaN);
  return factor >= 0 && factor <= SPEED_MOST ? factor : null;
}

/** @returns what of the table is in the scope, for people; null: all of it */
export function scopeText({ from, to, where, limit, keys }: ReplayScope): string | null {
  const parts = [
    ...(from === undefined ? [] : [`from ${from}`]),
    ...(to === undefined ? [] : [`to ${to}`]),
    ...(where === undefined ? [] : [`where ${where}`]),
    ...(limit === undefined ? [] : [`the first ${limit}`]),
    ...(keys === undefined ? [] : [`${countWith(keys.length, 'key', 'that was', 'that were')} re-driven`]),
  ];
  return parts.length === 0 ? null : parts.join(', ');
}

/** Without the `/s` that a rate may be written with. */
export function withoutPerSecond(text: string): string {
  return text.trim().replace(/\s*\/s$/, '');
}
