/** What every profile promises of its events, without any service: shares, schemas, same seed same events, sums that add up. */
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Ajv } from 'ajv';
import { describe, expect, test } from 'vitest';
import { drawSample } from '../../generators/check.ts';
import { copyEncoder, csvEncoder, jsonEncoder } from '../../generators/encode.ts';
import { defaultsOf, type Group, type Values } from '../../generators/kinds.ts';
import type { Emission, Form, Output, Run } from '../../generators/model.ts';
import { type AnyProfile, profiles } from '../../generators/profiles.ts';
import { DAY } from '../../generators/times.ts';

const START = Date.UTC(2024, 0, 1) * 1_000;
const SCHEMAS = join(import.meta.dirname, '../../generators/schemas');

function profile(name: string): AnyProfile {
  const found = profiles.get(name);
  if (!found) throw new Error(`no profile ${name}`);
  return found;
}

/** Defaults with some settings of groups replaced. */
function settingsOf(name: string, changed: Record<string, unknown> = {}): Values<Group> {
  const defaults = defaultsOf(profile(name).settings) as Record<string, unknown>;
  const merged = Object.entries(changed).map(([key, value]) => {
    const isGroup = profile(name).settings[key]?.kind === 'group';
    return [key, isGroup ? { ...(defaults[key] as object), ...(value as object) } : value];
  });
  return { ...defaults, ...Object.fromEntries(merged) } as Values<Group>;
}

function emissions(
  name: string,
  until: { events?: number; days?: number },
  options: Partial<Run> & { settings?: Record<string, unknown> } = {},
): Emission[] {
  const { settings, ...run } = options;
  const found: Emission[] = [];
  for (const each of profile(name).emit(settingsOf(name, settings), {
    seed: 1,
    start: START,
    form: 'nested',
    ...run,
  })) {
    if (until.days !== undefined && each.at >= START + until.days * DAY) break;
    found.push(each);
    if (until.events !== undefined && found.length >= until.events) break;
  }
  return found;
}

/** A row by its fields' names. */
function named({ output, row }: Pick<Emission, 'row'> & { output: Pick<Output, 'fields'> }): Record<string, unknown> {
  return Object.fromEntries(
    output.fields.map(({ name, parts, many }, index) => {
      const value = row[index];
      if (parts === undefined) return [name, value];
      const inner = (each: unknown) => named({ output: { fields: parts }, row: each as Emission['row'] });
      return [name, many === true ? (value as readonly unknown[]).map(inner) : inner(value)];
    }),
  );
}
const of = (all: readonly Emission[], output: string) => all.filter((each) => each.output.name === output);

const TROUBLED = {
  changes: { price: 3_600_000, cogs: 7_200_000, newProduct: 6 * 3_600_000, retired: 8 * 3_600_000 },
  calendar: {
    supplyTroubles: [{ from: START + DAY, until: START + 4 * DAY, delay: 86_400_000, share: 0.4 }],
    promotions: [{ from: START + 2 * DAY, until: START + 3 * DAY, volume: 3, discount: 0.2 }],
  },
};

describe.each([...profiles.keys()])('%s', (name) => {
  test('realised shares are the set ones (chi-square at fixed seeds)', () => {
    for (const form of ['nested', 'relational'] as const satisfies readonly Form[]) {
      // A catalogue that changes has no shares of its own to be held to.
      const settings = settingsOf(name, name === 'smoothies' ? { changes: { newProduct: 0, retired: 0 } } : {});
      const { shares } = drawSample(profile(name), settings, { seed: 7, start: START, form }, 30_000);
      const tested = shares.filter(({ shape }) => !shape);
      expect(tested.length).toBeGreaterThan(1);
      for (const { name: share, rows, p } of tested) {
        expect(rows, share).toBeGreaterThan(5_000);
        expect(p, share).toBeGreaterThan(0.001);
      }
    }
  });

  test('other shares than the set ones are found', () => {
    const own = profile(name);
    const moved: AnyProfile = {
      ...own,
      // Two per cent from the first category to the second, which a look at the numbers would not show.
      shares: (settings, form) =>
        own.shares(settings, form).map((share) => {
          const [first, second] = Object.keys(share.set);
          if (first === undefined || second === undefined) return share;
          const set = {
            ...share.set,
            [first]: (share.set[first] ?? 0) - 0.02,
            [second]: (share.set[second] ?? 0) + 0.02,
          };
          return { ...share, set };
        }),
    };
    const settings = settingsOf(name, name === 'smoothies' ? { changes: { newProduct: 0, retired: 0 } } : {});
    const { shares } = drawSample(moved, settings, { seed: 7, start: START, form: 'nested' }, 30_000);
    for (const { name: share, shape, p } of shares) if (!shape) expect(p, share).toBeLessThan(0.001);
  });

  test('the same seed gives the same bytes, another seed others', () => {
    const textOf = (seed: number): string =>
      emissions(name, { events: 8_000 }, { seed, settings: pick(name) })
        .map((each) => [jsonEncoder, copyEncoder, csvEncoder].map((make) => make(each.output)(each.row)).join(''))
        .join('');
    const first = textOf(1);
    expect(textOf(1) === first).toBe(true);
    expect(textOf(2) === first).toBe(false);
  });

  test('the bytes are those that they have been since this test was written', () => {
    for (const form of ['nested', 'relational'] as const) {
      const hash = createHash('md5');
      for (const each of emissions(name, { events: 8_000 }, { form, settings: pick(name) })) {
        for (const make of [jsonEncoder, copyEncoder, csvEncoder]) hash.update(make(each.output)(each.row));
      }
      expect(hash.digest('hex'), form).toBe(BYTES[name]?.[form]);
    }
  });

  test('times only move forward, and keys are unique', () => {
    for (const form of ['nested', 'relational'] as const) {
      const all = emissions(name, { events: 12_000 }, { form, settings: pick(name) });
      const keys = new Set<string>();
      let last = -Infinity;
      for (const each of all) {
        if (each.at < last) throw new Error(`${each.output.name} at ${each.at} comes after ${last}`);
        last = each.at;
        const row = named(each);
        keys.add(`${each.output.name} ${each.output.key.map((key) => String(row[key])).join(' ')}`);
      }
      expect(keys.size).toBe(all.length);
    }
  });

  test('all messages validate against the JSON Schemas that ship', () => {
    for (const form of ['nested', 'relational'] as const) {
      const all = emissions(name, { events: 12_000 }, { form, settings: pick(name) });
      const validators = new Map<string, ReturnType<Ajv['compile']>>();
      const seen = new Set<string>();
      for (const each of all) {
        const file =
          name === 'orders' && form === 'relational' && !each.output.name.includes('_')
            ? `${each.output.name}.relational`
            : each.output.name;
        let validate = validators.get(file);
        if (!validate) {
          validate = new Ajv({ allErrors: true, allowUnionTypes: true }).compile(
            JSON.parse(readFileSync(join(SCHEMAS, `${file}.json`), 'utf8')) as object,
          );
          validators.set(file, validate);
        }
        const message: unknown = JSON.parse(jsonEncoder(each.output)(each.row));
        if (!validate(message))
          throw new Error(`${file}: ${JSON.stringify(validate.errors)} in ${JSON.stringify(message)}`);
        seen.add(each.output.name);
      }
      const outputs = profile(name)
        .outputs(settingsOf(name, pick(name)), form)
        .map((output) => output.name);
      expect([...seen].sort()).toEqual([...outputs].sort());
    }
  });
});

/** Hashes: whoever changes them on purpose changes what every seed gives, which the CHANGELOG must say. */
const BYTES: Readonly<Record<string, Record<Form, string>>> = {
  smoothies: { nested: 'b2f38b4bb337c2c926bfa2f4c93f8339', relational: 'b2f38b4bb337c2c926bfa2f4c93f8339' },
  orders: { nested: 'e8a82459fa5cb784e2b0650619673cf4', relational: '8dc689fc1dfc41acfff1726b4dc2ec0e' },
  'product-sales': { nested: '4ca3a19231824d4c39b82c6fca1cf5a8', relational: '4ca3a19231824d4c39b82c6fca1cf5a8' },
  'country-sales': { nested: '97a61a002237eef85dfd8ab7cdd5ba00', relational: '97a61a002237eef85dfd8ab7cdd5ba00' },
};

/** Settings under which every output has something. */
function pick(name: string): Record<string, unknown> {
  if (name === 'orders') return { history: true };
  if (name === 'product-sales') return { customers: { count: 500 } };
  if (name !== 'smoothies') return {};
  return { changes: TROUBLED.changes, calendar: TROUBLED.calendar };
}

describe('smoothies', () => {
  test('a day of twelve hours has about 290 purchases, and 500 take 20.5 open hours', () => {
    const days = Array.from(
      { length: 10 },
      (_, seed) => of(emissions('smoothies', { days: 1 }, { seed }), 'demo.purchases').length,
    );
    const mean = days.reduce((sum, each) => sum + each, 0) / days.length;
    expect(mean).toBeGreaterThan(275);
    expect(mean).toBeLessThan(305);
    const open = { hours: Array.from({ length: 24 }, () => 1), weekdays: Array.from({ length: 7 }, () => 1) };
    const hours = Array.from({ length: 10 }, (_, seed) => {
      const purchases = of(emissions('smoothies', { events: 2_000 }, { seed, settings: open }), 'demo.purchases');
      return ((purchases[499]?.at ?? 0) - START) / 3.6e9;
    });
    const meanHours = hours.reduce((sum, each) => sum + each, 0) / hours.length;
    expect(meanHours).toBeGreaterThan(19.7);
    expect(meanHours).toBeLessThan(21.3);
  });

  test('stock adds up and is never negative, whatever supply trouble there is', () => {
    const all = emissions('smoothies', { days: 8 }, { settings: pick('smoothies') });
    const stock = new Map<string, number>();
    for (const each of all) {
      const row = named(each);
      const id = row.product_id as string;
      if (each.output.name === 'demo.products') {
        const known = stock.get(id);
        if (known !== undefined) expect(row.inventory_level).toBe(known);
        stock.set(id, row.inventory_level as number);
      }
      if (each.output.name === 'demo.inventories') {
        expect(row.existing_level).toBe(stock.get(id));
        expect(row.new_level).toBe((row.existing_level as number) + (row.stock_quantity as number));
        stock.set(id, row.new_level as number);
      }
      if (each.output.name === 'demo.purchases') stock.set(id, (stock.get(id) ?? NaN) - (row.quantity as number));
      expect(stock.get(id)).toBeGreaterThanOrEqual(0);
    }
    const lost = of(all, 'demo.lost_sales').map(named);
    expect(lost.length).toBeGreaterThan(10);
    for (const row of lost) {
      expect(row.lost_quantity).toBe((row.wanted_quantity as number) - (row.sold_quantity as number));
    }
  });

  test('the purchases of a transaction share its id, its time and its member; totals are to the cent', () => {
    const purchases = of(emissions('smoothies', { days: 14 }), 'demo.purchases').map(named);
    const byId = new Map<unknown, typeof purchases>();
    for (const row of purchases) byId.set(row.transaction_id, [...(byId.get(row.transaction_id) ?? []), row]);
    const several = [...byId.values()].filter((rows) => rows.length > 1);
    expect(several.length).toBeGreaterThan(500);
    for (const rows of several) {
      expect(
        new Set(rows.map(({ transaction_time: time, is_member: member }) => `${time as number} ${member as boolean}`))
          .size,
      ).toBe(1);
      expect(new Set(rows.map(({ product_id: id }) => id)).size).toBe(rows.length);
    }
    for (const row of purchases) {
      const exact =
        ((row.price as number) + (row.supplement_price as number)) *
        (row.quantity as number) *
        (1 - (row.member_discount as number));
      expect(Math.abs((row.total_purchase as number) - exact)).toBeLessThanOrEqual(0.5 + 1e-6);
    }
  });

  test('an outage sells nothing, a storm less, a promotion more and cheaper', () => {
    const spell = (day: number) => ({ from: START + day * DAY, until: START + (day + 1) * DAY });
    const settings = {
      weekdays: [1, 1, 1, 1, 1, 1, 1],
      changes: { price: 0, cogs: 0, newProduct: 0, retired: 0 },
      calendar: {
        outages: [spell(1)],
        storms: [{ ...spell(2), volume: 0.3 }],
        promotions: [{ ...spell(3), volume: 2, discount: 0.5 }],
      },
    };
    const purchases = of(emissions('smoothies', { days: 5 }, { settings }), 'demo.purchases');
    const perDay = [0, 1, 2, 3, 4].map((day) =>
      purchases.filter(({ at }) => Math.floor((at - START) / DAY) === day).map(named),
    );
    const [usual = [], outage = [], storm = [], promotion = []] = perDay;
    expect(outage).toEqual([]);
    expect(storm.length).toBeLessThan(usual.length / 2);
    expect(promotion.length).toBeGreaterThan(usual.length * 1.5);
    const dearest = (rows: readonly Record<string, unknown>[]): number =>
      Math.max(...rows.map((row) => row.price as number));
    expect(dearest(promotion)).toBeLessThan(dearest(usual) * 0.6);
  });
});

describe('orders', () => {
  test('stages follow each other, and the order itself shows the last', () => {
    const all = emissions('orders', { days: 60 }, { settings: { history: true } });
    const stages = new Map<string, string[]>();
    const final = new Map<string, unknown>();
    for (const each of all) {
      const row = named(each);
      const id = row.order_id as string;
      if (each.output.name === 'orders') final.set(id, row.shipping_info);
      else stages.set(id, [...(stages.get(id) ?? []), each.output.name]);
    }
    const ways = new Set([...stages.values()].map((names) => names.join(' ')));
    expect(ways).toContain('unpaid_orders paid_orders shipped_orders finished_orders');
    expect(ways).toContain('unpaid_orders failed_orders');
    expect(ways).toContain('unpaid_orders paid_orders failed_orders');
    expect(ways).toContain('unpaid_orders paid_orders shipped_orders finished_orders failed_orders');
    for (const shipping of final.values())
      expect((shipping as { order_status: string }).order_status).not.toBe('pending');
  });

  test('future orders are left unpaid, and have no history', () => {
    const futureFrom = START + 10 * DAY;
    const all = emissions('orders', { days: 20 }, { settings: { history: true, futureFrom } });
    const late = of(all, 'orders')
      .filter(({ at }) => at >= futureFrom)
      .map(named);
    expect(late.length).toBeGreaterThan(500);
    for (const row of late) {
      expect(row.payment_info).toMatchObject({ payment_status: 'unpaid', payment_date: null });
      expect(row.shipping_info).toMatchObject({ order_status: 'pending', shipped_date: null, finished_date: null });
    }
    expect(of(all, 'unpaid_orders').every(({ at }) => at < futureFrom)).toBe(true);
  });

  test('the last three days of a month, Black Friday and growth are busier; totals are to the cent', () => {
    const all = of(emissions('orders', { days: 366 }), 'orders');
    const perDay = (from: number, days: number): number =>
      all.filter(({ at }) => at >= from * 1_000 && at < from * 1_000 + days * DAY).length / days;
    expect(perDay(Date.UTC(2024, 4, 29), 3)).toBeGreaterThan(perDay(Date.UTC(2024, 4, 8), 14) * 1.4);
    expect(perDay(Date.UTC(2024, 10, 29), 1)).toBeGreaterThan(perDay(Date.UTC(2024, 10, 4), 14) * 2);
    expect(perDay(Date.UTC(2024, 9, 7), 14)).toBeGreaterThan(perDay(Date.UTC(2024, 2, 4), 14));
    for (const each of all.slice(0, 2_000)) {
      const { item_info: items, order_total: total } = named(each);
      const lines = items as { unit_price: number; quantity: number; discount: number }[];
      const sum = lines.reduce(
        (so, { unit_price: price, quantity, discount }) => so + Math.round(price * quantity * (1 - discount) + 1e-6),
        0,
      );
      expect(total).toBe(sum);
    }
  });

  test('rows refer to customers and orders that are there', () => {
    const all = emissions('orders', { days: 30 }, { form: 'relational' });
    const ids = (output: string, field: string) => new Set(of(all, output).map((each) => named(each)[field]));
    const customers = ids('customers', 'customer_id');
    const orderIds = ids('orders', 'order_id');
    for (const each of of(all, 'orders')) expect(customers).toContain(named(each).customer_id);
    for (const row of of(all, 'items').map(named)) {
      expect(orderIds).toContain(row.order_id);
      expect(row.item_id).toBe(`${row.order_id as string}-${row.sku as string}`);
    }
  });
});

test('product-sales: sales refer to products and customers; the price moves within its bounds', () => {
  const all = emissions('product-sales', { events: 20_000 }, { settings: pick('product-sales') });
  const customers = of(all, 'customers').length;
  const prices = new Map(
    of(all, 'products')
      .map(named)
      .map(({ product_name: name, price }) => [name, price as number]),
  );
  for (const row of of(all, 'product_sales').map(named)) {
    expect(row.customer_id).toBeLessThanOrEqual(customers);
    const usual = prices.get(row.product_name) ?? NaN;
    expect(Math.abs((row.price_per_unit as number) / usual - 1)).toBeLessThanOrEqual(0.1001);
  }
});

test('so many events in so many days fit, whatever trend and seasons are', () => {
  for (const name of ['product-sales', 'country-sales', 'orders', 'smoothies']) {
    const span = { events: 10_000, days: 100 };
    const main = emissions(name, { days: 100 }, { span }).filter(({ output }) => output.main === true).length;
    expect(Math.abs(main / span.events - 1), name).toBeLessThan(0.04);
  }
});
