/** Settings of the generators: a mistake is told with its line before anything is made, and every setting changes what is made. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { jsonEncoder } from '../../generators/encode.ts';
import { defaultsOf, type Group, type Setting, type Values } from '../../generators/kinds.ts';
import { type AnyProfile, profiles } from '../../generators/profiles.ts';
import { DAY, HOUR } from '../../generators/times.ts';
import { loadGeneratorSettings } from '../../workers/config/generator-file.ts';

const START = Date.UTC(2024, 0, 1) * 1_000;
let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'headrace-generator-settings-'));
});
afterAll(() => rmSync(folder, { recursive: true }));

function profile(name: string): AnyProfile {
  const found = profiles.get(name);
  if (!found) throw new Error(`no profile ${name}`);
  return found;
}

function load(name: string, text: string): Values<Group> {
  const file = join(folder, `${name}.yaml`);
  writeFileSync(file, text);
  return loadGeneratorSettings(profile(name), file);
}

test.each([
  ['smoothies', 'gap:\n  lest: 1m', ':2:3: gap.lest: is not a key here; did you mean least?'],
  ['smoothies', 'gap: { least: 10m, most: 5m }', ':1:26: gap.most: must not be less than least'],
  [
    'smoothies',
    'calendar:\n  outages: [{ from: 2024-01-03, until: 2024-01-02 }]',
    ':2:40: calendar.outages[0].until: must not be less than from',
  ],
  ['smoothies', 'products: nowhere.csv', ':1:11: products: found "nowhere.csv"'],
  ['smoothies', 'hours: [1, 2]', ':1:8: hours: found a list; allowed: a list of 24 factors'],
  ['smoothies', 'members: { share: 1.4 }', ':1:19: members.share: found 1.4; allowed: a number from 0 to 1'],
  ['smoothies', 'supplements: { price: 1.999 }', ':1:23: supplements.price: found 1.999; allowed: an amount'],
  ['orders', 'discountEvents: [{ name: x, on: 02-30 }]', ':1:33: discountEvents[0].on: found "02-30"'],
  ['orders', 'discountEvents: [{ name: x, on: 11-31 }]', ':1:33: discountEvents[0].on: found "11-31"'],
  [
    'orders',
    'paymentMethods: { cash: 1 }',
    ':1:17: paymentMethods: found a mapping; allowed: a mapping of names (among',
  ],
  ['orders', 'delays: { payment: 2x }', ':1:20: delays.payment: found "2x"; allowed: a duration'],
  ['orders', 'futureFrom: tomorrow', ':1:13: futureFrom: found "tomorrow"; allowed: a time'],
  ['country-sales', 'countries: { US: 0 }', ':1:12: countries: found a mapping'],
  ['product-sales', 'trend: [{ perYear: -2 }]', ':1:20: trend[0].perYear: found -2'],
])('%s: %j is told with its line', (name, text, told) => {
  expect(() => load(name, text)).toThrow(told);
});

test('products that have faults are told before anything is made', () => {
  writeFileSync(join(folder, 'products.csv'), 'product_id,category\nSF,a\n');
  const settings = load('smoothies', 'products: products.csv');
  expect(() => profile('smoothies').emit(settings, { seed: 1, start: START, form: 'nested' })).toThrow(
    /products\.csv:1: the first line must be[\s\S]*products\.csv:2: has 2 fields, not 12/,
  );
});

/** Another allowed value. */
function another(setting: Setting, value: unknown): unknown {
  const given = value as number;
  switch (setting.kind) {
    case 'group':
    case 'text':
    case 'file':
    case 'list':
      return value; // not among the leaves
    case 'count':
    case 'money':
      return given + 1;
    case 'number':
      return given >= 1 ? given * 1.5 : given * 0.5 + 0.01;
    case 'duration':
      return given * 1.5;
    case 'flag':
      return value !== true;
    case 'choice':
      return setting.values.find((each) => each !== value && each !== setting.values[1]);
    case 'time':
      return value === null ? START + DAY : given + 12 * HOUR;
    case 'weights':
      return Object.fromEntries(Object.entries(value as object).map(([each, weight], at) => [each, weight * (at + 1)]));
    case 'factors':
      return (value as readonly number[]).map((factor, at) => factor * (1 + at / 10));
  }
}

interface Leaf {
  path: readonly string[];
  setting: Setting;
}
/** Every setting, those of a list's first item included. A name only names, and files have tests of their own. */
function leaves(group: Group, before: readonly string[] = []): Leaf[] {
  return Object.entries(group).flatMap(([name, setting]): Leaf[] => {
    const path = [...before, name];
    if (setting.kind === 'group') return leaves(setting.settings, path);
    if (setting.kind === 'list') return leaves(setting.item, [...path, '0']);
    return setting.kind === 'text' || setting.kind === 'file' ? [] : [{ path, setting }];
  });
}

/** Settings that are quick to make events of, and under which every other setting has something to do. */
const SPELL = { from: START + 9 * HOUR, until: START + 5 * DAY };
const BUSY: Readonly<Record<string, { days: number; settings: Record<string, unknown> }>> = {
  smoothies: {
    days: 40,
    settings: {
      gap: { least: 1_200_000, most: 3_000_000 },
      restocking: { minimum: 40, amount: 15, delay: 30_000 },
      changes: { price: 9e7, cogs: 9e7, newProduct: 9e7, retired: 9e7, most: 0.3 },
      calendar: {
        storms: [{ ...SPELL, volume: 0.5 }],
        outages: [{ from: START + 6 * DAY + 9 * HOUR, until: START + 6 * DAY + 12 * HOUR }],
        promotions: [{ ...SPELL, volume: 2, discount: 0.2 }],
        supplyTroubles: [{ from: START + 4 * DAY, until: START + 10 * DAY, delay: 9 * 3.6e6, share: 0.5 }],
      },
    },
  },
  orders: {
    days: 40,
    settings: {
      ...{ ordersPerDay: 20, history: true },
      discountEvents: [{ name: 'x', on: '01-02', days: 3, volume: 2, discount: 0.3 }],
    },
  },
  'product-sales': { days: 40, settings: { salesPerDay: 40, customers: { count: 50, tail: 0.5 } } },
  'country-sales': { days: 40, settings: { salesPerDay: 40, trend: [{ afterDays: 1, perYear: 3 }] } },
};

function bytes(name: string, settings: Values<Group>, days: number): string {
  const own = profile(name);
  const lines: string[] = [];
  for (const { output, at, row } of own.emit(settings, { seed: 1, start: START, form: 'nested' })) {
    if (at >= START + days * DAY) break;
    lines.push(`${output.name} ${jsonEncoder(output)(row)}`);
  }
  return lines.join('\n');
}

test.each([...profiles.keys()])('%s: every setting changes what is made', (name) => {
  const { days, settings } = BUSY[name] ?? { days: 0, settings: {} };
  const base = { ...(defaultsOf(profile(name).settings) as Record<string, unknown>), ...settings };
  const before = bytes(name, base as Values<Group>, days);
  expect(before.length).toBeGreaterThan(50_000);
  for (const { path, setting } of leaves(profile(name).settings)) {
    const changed = structuredClone(base);
    const within = path.slice(0, -1).reduce((at, part) => at[part] as Record<string, unknown>, changed);
    const last = path.at(-1) ?? '';
    within[last] = another(setting, within[last]);
    expect(bytes(name, changed as Values<Group>, days) === before, path.join('.')).toBe(false);
  }
});
