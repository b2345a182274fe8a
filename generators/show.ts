/** Settings as text: for `--describe`, for the files of defaults and for the tables of docs/generators.md. */
import { stringify } from 'yaml';
import type { Group, Setting, Values } from './kinds.ts';
import { microsText } from './times.ts';

export interface ShownSetting {
  /** Dotted. */
  path: string;
  value: string;
  /** What may be written, in words. */
  allowed: string;
  meaning: string;
}

/** Every setting of a group with its value, in the order of the file. */
export function shownSettings(group: Group, values: Values<Group>, before = ''): ShownSetting[] {
  return Object.entries(group).flatMap(([name, setting]): ShownSetting[] => {
    const path = `${before}${name}`;
    const value = (values as Readonly<Record<string, unknown>>)[name];
    if (setting.kind === 'group') return shownSettings(setting.settings, value as Values<Group>, `${path}.`);
    return [{ path, value: written(setting, value), allowed: allowedText(setting), meaning: setting.meaning }];
  });
}

/** As a settings file writes it, on one line. */
function written(setting: Setting, value: unknown): string {
  return stringify(plainOf(setting, value), { collectionStyle: 'flow', lineWidth: 0 }).trim();
}

/** A checked value as it is written in a file. */
export function plainOf(setting: Setting, value: unknown): unknown {
  switch (setting.kind) {
    case 'duration':
      return durationText(value as number);
    case 'money':
      return (value as number) / 100;
    case 'time':
      return value === null || value === undefined
        ? null
        : `${microsText(value as number)
            .slice(0, 19)
            .replace(' ', 'T')}Z`;
    case 'group':
      return groupOf(setting.settings, value);
    case 'list':
      return (value as readonly unknown[]).map((item) => groupOf(setting.item, item));
    default:
      return value;
  }
}

function groupOf(group: Group, value: unknown): Record<string, unknown> {
  const values = value as Readonly<Record<string, unknown>>;
  return Object.fromEntries(Object.entries(group).map(([name, each]) => [name, plainOf(each, values[name])]));
}

const UNITS: readonly (readonly [unit: string, ms: number])[] = [
  ['d', 86_400_000],
  ['h', 3_600_000],
  ['m', 60_000],
  ['s', 1_000],
];

function durationText(ms: number): string {
  if (ms === 0) return '0s';
  const [unit, size] = UNITS.find(([, each]) => ms % each === 0) ?? ['ms', 1];
  return `${ms / size}${unit}`;
}

export function allowedText(setting: Setting): string {
  switch (setting.kind) {
    case 'count':
      return `whole number, ${setting.least.toLocaleString('en')} to ${setting.most.toLocaleString('en')}`;
    case 'number':
      return `number, ${setting.least.toLocaleString('en')} to ${setting.most.toLocaleString('en')}`;
    case 'duration':
      return `duration such as 90s, 5m, 2h, 1d`;
    case 'money':
      return 'amount, two decimals';
    case 'flag':
      return 'true or false';
    case 'choice':
      return setting.values.join(', ');
    case 'time':
      return setting.required === true ? 'time (ISO 8601, UTC)' : 'time (ISO 8601, UTC), or nothing';
    case 'text':
      return setting.allowed;
    case 'file':
      return 'path, from the settings file on';
    case 'weights':
      return setting.names === 'counts' ? 'counts with weights' : `weights of ${setting.names.join(', ')}`;
    case 'factors':
      return `${setting.labels.length} factors, ${setting.labels[0] ?? ''} to ${setting.labels.at(-1) ?? ''}`;
    case 'list':
      return `list of { ${Object.keys(setting.item).join(', ')} }`;
    case 'group':
      return 'group';
  }
}

/** A settings file that says every default, each with its meaning; what it says is what is used without it. */
export function defaultsFile(group: Group, defaults: Values<Group>, indent = ''): string {
  const lines = Object.entries(group).flatMap(([name, setting]) => {
    const value = (defaults as Readonly<Record<string, unknown>>)[name];
    if (setting.kind === 'group') {
      const inner = defaultsFile(setting.settings, value as Values<Group>, `${indent}  `);
      return [`${indent}# ${setting.meaning}`, `${indent}${name}:`, inner.trimEnd()];
    }
    const comment = `${indent}# ${setting.meaning} (${allowedText(setting)})`;
    const items = setting.kind === 'list' ? itemLines(setting.item, indent) : [];
    return [comment, ...items, `${indent}${name}: ${written(setting, value)}`];
  });
  return `${lines.join('\n')}\n`;
}

function itemLines(item: Group, indent: string): string[] {
  return Object.entries(item).map(([name, setting]) => {
    const isGiven = 'default' in setting && setting.default !== null;
    const otherwise = isGiven ? `; default ${written(setting, setting.default)}` : '';
    return `${indent}#   ${name}: ${setting.meaning} (${allowedText(setting)}${otherwise})`;
  });
}
