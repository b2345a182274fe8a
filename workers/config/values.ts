/**
 * The kinds of values that configuration files hold, as zod schemas with one manner of speaking: what is allowed, in words
 * and with an example. Every kind also takes text, because a value may come from a variable.
 */
import { z } from 'zod';
import { readSpeed, readTime, SPEED_FORM, TIME_FORM, withoutPerSecond } from '../../contracts/scope-words.ts';
import { parseMysqlTableName, parseTableName } from '../../formats/sql-names.ts';

/** Metadata of an issue of ours: `complete` messages stand alone; others are completed with what was found. */
export interface IssueParams {
  complete?: true;
}

const secrets = new WeakSet<z.ZodType>();

/** A kind whose values no message shows. Noted beside the schemas, since a wrapper such as `optional` hides what is on them. */
export function secret<T extends z.ZodType>(kind: T): T {
  secrets.add(kind);
  return kind;
}

export const isSecret = (schema: unknown): boolean => schema instanceof z.ZodType && secrets.has(schema);

type Reading<T> = { ok: T } | { allowed: string } | { wrong: string };

/** A scalar read by `read`; a missing one is told by its own words, so that `allowed` appears there too. */
export function scalar<T>(allowed: string, read: (found: unknown) => Reading<T> | undefined) {
  return z.unknown().transform((found, context): T => {
    const reading = found === undefined || found === null ? undefined : read(found);
    if (reading !== undefined && 'ok' in reading) return reading.ok;
    const complete = reading !== undefined && 'wrong' in reading;
    const message = complete ? reading.wrong : reading !== undefined ? reading.allowed : allowed;
    context.addIssue({ code: 'custom', message, params: complete ? { complete } : {} });
    return z.NEVER;
  });
}

export const text = (allowed = 'text') =>
  scalar(allowed, (found) => {
    if (typeof found === 'string') return found === '' ? undefined : { ok: found };
    if (typeof found === 'number' || typeof found === 'boolean') return { allowed: `${allowed}, in quotes` };
    return undefined;
  });

export const matching = (pattern: RegExp, allowed: string) =>
  scalar(allowed, (found) => (typeof found === 'string' && pattern.test(found) ? { ok: found } : undefined));

export const oneOf = <T extends string>(values: readonly T[]) =>
  scalar(values.length === 1 ? (values[0] ?? '') : `one of ${values.join(', ')}`, (found) => {
    const value = values.find((each) => each === found);
    return value === undefined ? undefined : { ok: value };
  });

export const flag = () =>
  scalar('true or false', (found) => {
    if (typeof found === 'boolean') return { ok: found };
    if (found === 'true' || found === '1') return { ok: true };
    return found === 'false' || found === '0' ? { ok: false } : undefined;
  });

/** ISO 8601, as written. */
export const time = () =>
  scalar(TIME_FORM, (found) => {
    const read = typeof found === 'string' ? readTime(found) : null;
    return read === null ? undefined : { ok: read };
  });

export const speed = () =>
  scalar(SPEED_FORM, (found) => {
    const read = typeof found === 'string' || typeof found === 'number' ? readSpeed(String(found)) : null;
    return read === null || read === 0 ? undefined : { ok: read };
  });

/** A kind that may be written with `/s` behind it. */
export const perSecond = <T extends z.ZodType>(kind: T) =>
  z.preprocess((found) => (typeof found === 'string' ? withoutPerSecond(found) : found), kind);

/** @param such an example, where a number alone does not say how it may be written */
export const count = (least: number, most: number, such = '') =>
  scalar(`a whole number from ${least.toLocaleString('en')} to ${most.toLocaleString('en')}${such}`, (found) => {
    const number = typeof found === 'string' && /^\d+$/.test(found.trim()) ? Number(found) : found;
    if (typeof number !== 'number' || !Number.isInteger(number)) return undefined;
    return number < least || number > most ? undefined : { ok: number };
  });

const SIZES: Readonly<Record<string, number>> = {
  b: 1,
  kb: 1e3,
  mb: 1e6,
  gb: 1e9,
  tb: 1e12,
  kib: 2 ** 10,
  mib: 2 ** 20,
  gib: 2 ** 30,
  tib: 2 ** 40,
};
const DURATIONS_MS: Readonly<Record<string, number>> = { ms: 1, s: 1e3, m: 60e3, h: 3_600e3, d: 86_400e3 };

/** Bytes: `64MiB` (powers of 1024), `64MB` (of 1000), or a bare number of bytes. */
export const size = (least: number, most: number) => {
  const allowed = `a size such as 64MiB, from ${sizeText(least)} to ${sizeText(most)}`;
  return scalar(allowed, (found) => within(withUnit(found, SIZES, 'b'), least, most));
};

/** Milliseconds: `500ms`, `45s`, `5m`, `2h`, `1d`. A bare number is refused: nobody can tell its unit. */
export const duration = (leastMs: number, mostMs: number) => {
  const allowed = `a duration with its unit such as 45s, from ${durationText(leastMs)} to ${durationText(mostMs)}`;
  return scalar(allowed, (found) => within(parseDuration(found), leastMs, mostMs));
};

/** @returns milliseconds, or undefined where it is no duration */
export function parseDuration(found: unknown): number | undefined {
  return withUnit(found, DURATIONS_MS, undefined);
}

/** `table` or `schema.table` as SQL writes it. */
export const table = () =>
  scalar('a table as SQL writes it, schema.table, e.g. public."Odd Name"', (found) => {
    if (typeof found !== 'string' || found.trim() === '') return undefined;
    const parsed = parseTableName(found);
    if ('ok' in parsed) return { ok: parsed.ok };
    // MySQL takes other names; whose name it is, is known with the connection (index.ts), and then it is judged.
    const mysql = parseMysqlTableName(found, '');
    return 'ok' in mysql ? { ok: mysql.ok } : { wrong: parsed.error };
  });

function withUnit(
  found: unknown,
  units: Readonly<Record<string, number>>,
  bare: string | undefined,
): number | undefined {
  if (typeof found !== 'string' && typeof found !== 'number') return undefined;
  const parts = /^(\d+(?:\.\d+)?)\s*([A-Za-z]*)$/.exec(String(found).trim());
  const unit = parts?.[2] === '' ? bare : parts?.[2]?.toLowerCase();
  const factor = unit !== undefined && Object.hasOwn(units, unit) ? units[unit] : undefined;
  return parts === null || factor === undefined ? undefined : Math.round(Number(parts[1]) * factor);
}

function within(value: number | undefined, least: number, most: number): { ok: number } | undefined {
  return value === undefined || value < least || value > most ? undefined : { ok: value };
}

function sizeText(bytes: number): string {
  const unit = [...Object.entries(SIZES)]
    .reverse()
    .find(([name, factor]) => name.endsWith('ib') && bytes % factor === 0);
  return unit === undefined ? `${bytes} bytes` : `${bytes / unit[1]}${unit[0][0]?.toUpperCase() ?? ''}iB`;
}

function durationText(ms: number): string {
  const unit = [...Object.entries(DURATIONS_MS)].reverse().find(([, factor]) => ms % factor === 0);
  return unit === undefined ? `${ms}ms` : `${ms / unit[1]}${unit[0]}`;
}
