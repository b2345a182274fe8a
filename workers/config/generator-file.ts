/**
 * A generator's settings file: the profile's own kinds (generators/kinds.ts) as a zod schema, so that it is checked like every
 * other file: every fault in one go, each with its line, what was found and what is allowed.
 */
import { existsSync } from 'node:fs';
import { isAbsolute, join, dirname } from 'node:path';
import { z } from 'zod';
import { defaultsOf, type Group, type Rising, type Setting, type Values } from '../../generators/kinds.ts';
import type { AnyProfile } from '../../generators/profiles.ts';
import { check } from './check.ts';
import type { Environment } from './interpolate.ts';
import { configFault } from './problem.ts';
import { count, duration, flag, matching, oneOf, scalar } from './values.ts';
import { readYaml } from './yaml-source.ts';

/**
 * @param file absent: the defaults
 * @throws Fault ConfigInvalid that lists every fault with its place
 */
export function loadGeneratorSettings(
  profile: AnyProfile,
  file: string | undefined,
  env: Environment = process.env,
): Values<Group> {
  if (file === undefined) return defaultsOf(profile.settings);
  const source = readYaml(file, env);
  const data = source.data === null ? {} : source.data;
  const checked = check(groupSchema(profile.settings, dirname(file)), data ?? {}, source);
  const problems = [...source.problems, ...checked.problems.filter(({ path }) => !source.isBroken(path))];
  if (checked.value === undefined || problems.length > 0) throw configFault(problems);
  return checked.value as Values<Group>;
}

/** Lists' items have no defaults for what they are about: when they are. */
function groupSchema(group: Group, folder: string, rising?: Rising): z.ZodType {
  const schema = z.strictObject(
    Object.fromEntries(Object.entries(group).map(([name, setting]) => [name, settingSchema(setting, folder)])),
  );
  if (rising === undefined) return schema;
  const [least, most] = rising;
  return schema.superRefine((value, context) => {
    if ((value[least] as number) <= (value[most] as number)) return;
    const message = `must not be less than ${least}`;
    context.addIssue({ code: 'custom', path: [most], message, params: { complete: true } });
  });
}

function settingSchema(setting: Setting, folder: string): z.ZodType {
  switch (setting.kind) {
    case 'group':
      return groupSchema(setting.settings, folder, setting.rising).prefault({});
    case 'list':
      return z.array(groupSchema(setting.item, folder, setting.rising)).default([...setting.default] as never);
    case 'time':
      return setting.required === true ? time() : time().nullable().default(null);
    case 'file':
      return fileSchema(folder).default(setting.default);
    default:
      return scalarSchema(setting).default(setting.default as never);
  }
}

function scalarSchema(setting: Exclude<Setting, { kind: 'group' | 'list' | 'time' | 'file' }>): z.ZodType {
  switch (setting.kind) {
    case 'count':
      return count(setting.least, setting.most);
    case 'number':
      return number(setting.least, setting.most);
    case 'duration':
      return duration(0, setting.most);
    case 'money':
      return scalar('an amount of at most two decimals such as 5.99, from 0 to 10,000,000', (found) => {
        const cents = numberOf(found) * 100;
        return cents >= 0 && cents <= 1e9 && Math.abs(cents - Math.round(cents)) < 1e-6
          ? { ok: Math.round(cents) }
          : undefined;
      });
    case 'flag':
      return flag();
    case 'choice':
      return oneOf(setting.values);
    case 'text':
      return matching(setting.pattern, setting.allowed);
    case 'weights':
      return weights(setting.names);
    case 'factors':
      return factors(setting.labels);
  }
}

function numberOf(found: unknown): number {
  if (typeof found === 'number') return found;
  return typeof found === 'string' && /^-?\d+(\.\d+)?$/.test(found.trim()) ? Number(found) : NaN;
}

function number(least: number, most: number) {
  return scalar(`a number from ${least.toLocaleString('en')} to ${most.toLocaleString('en')}`, (found) => {
    const value = numberOf(found);
    return value >= least && value <= most ? { ok: value } : undefined;
  });
}

/** Microseconds since 1970. */
function time() {
  return scalar('a time such as 2026-03-01 or 2026-03-01T12:00:00Z, in UTC unless it says otherwise', (found) => {
    const at = typeof found === 'string' ? parseTime(found) : undefined;
    return at === undefined ? undefined : { ok: at };
  });
}

/** @returns microseconds since 1970, or undefined where it is no time */
export function parseTime(text: string): number | undefined {
  const form = /^\d{4}-\d{2}-\d{2}(?:[T ]\d{2}:\d{2}(?::\d{2}(?:\.\d{1,3})?)?(Z|[+-]\d{2}:\d{2})?)?$/.exec(text.trim());
  if (form === null) return undefined;
  const whole = text.trim().replace(' ', 'T');
  const ms = Date.parse(whole.includes('T') && form[1] === undefined ? `${whole}Z` : whole);
  return Number.isNaN(ms) ? undefined : ms * 1_000;
}

function fileSchema(folder: string) {
  return scalar('the path of a file that is there, from the folder of this file on', (found) => {
    if (typeof found !== 'string' || found === '') return undefined;
    const path = isAbsolute(found) ? found : join(folder, found);
    return existsSync(path) ? { ok: path } : undefined;
  });
}

function weights(names: readonly string[] | 'counts') {
  const words = names === 'counts' ? 'whole numbers from 1 to 1,000' : `among ${names.join(', ')}`;
  const allowed = `a mapping of names (${words}) to weights of 0 or more, not all 0, such as { ${names === 'counts' ? '1: 70, 2: 30' : `${names[0] ?? ''}: 70`} }`;
  return scalar(allowed, (found) => {
    if (typeof found !== 'object' || found === null || Array.isArray(found)) return undefined;
    const entries = Object.entries(found).map(([name, weight]) => [name, numberOf(weight)] as const);
    const known = (name: string) => (names === 'counts' ? /^[1-9]\d{0,2}$|^1000$/.test(name) : names.includes(name));
    const fine = entries.every(([name, weight]) => known(name) && weight >= 0 && weight < Infinity);
    return fine && entries.some(([, weight]) => weight > 0) ? { ok: Object.fromEntries(entries) } : undefined;
  });
}

function factors(labels: readonly string[]) {
  const allowed = `a list of ${labels.length} factors of 0 or more, not all 0, for ${labels[0] ?? ''} to ${labels.at(-1) ?? ''}`;
  return scalar(allowed, (found) => {
    const values = Array.isArray(found) ? found.map(numberOf) : [];
    const fine = values.length === labels.length && values.every((value) => value >= 0 && value < Infinity);
    return fine && values.some((value) => value > 0) ? { ok: values } : undefined;
  });
}
