/** What a profile's settings promise, each checked by what is made: delays, calendars, hours, trends, currencies, supply trouble. */
import { expect, test } from 'vitest';
import { jsonEncoder } from '../../generators/encode.ts';
import { defaultsOf, type Group, type Values } from '../../generators/kinds.ts';
import { type AnyProfile, profiles } from '../../generators/profiles.ts';
import { DAY, HOUR } from '../../generators/times.ts';

const START = Date.UTC(2024, 0, 1) * 1_000;

interface Message {
  output: string;
  at: number;
  /** As a reader of the topic has it. */
  [field: string]: unknown;
}

/** Messages of so many days, with some settings changed (whole groups at a time). */
function messages(name: string, days: number, changed: Record<string, unknown> = {}): Message[] {
  const profile = profiles.get(name) as AnyProfile;
  const settings = { ...defaultsOf(profile.settings), ...changed } as Values<Group>;
  const found: Message[] = [];
  for (const { output, at, row } of profile.emit(settings, { seed: 5, start: START, form: 'nested' })) {
    if (at >= START + days * DAY) break;
    found.push({ output: output.name, at, ...(JSON.parse(jsonEncoder(output)(row)) as object) });
  }
  return found;
}
const of = (all: readonly Message[], output: string) => all.filter((each) => each.output === output);
const factors = (count: number, only: number) => Array.from({ length: count }, (_, at) => (at === only ? 1 : 0));

interface Order {
  order_date: string;
  payment_info: { payment_status: string; payment_date: string | null };
  shipping_info: {
    order_status: string;
    express_shipping: boolean;
    shipped_date: string | null;
    eta: string | null;
    finished_date: string | null;
  };
  item_info: { quantity: number; unit_price: number; discount: number }[];
  order_total: number;
}
const hours = (from: string | null, to: string | null): number =>
  (Date.parse(`${to ?? ''}Z`) - Date.parse(`${from ?? ''}Z`)) / 3.6e6;
const mean = (values: readonly number[]): number => values.reduce((sum, each) => sum + each, 0) / values.length;

test('orders: the steps come in order and take as long as the delays say', () => {
  const all = of(messages('orders', 60, { ordersPerDay: 300 }), 'orders') as unknown as Order[];
  const status = (wanted: string) => all.filter(({ shipping_info: { order_status: found } }) => found === wanted);
  for (const { order_date: date, payment_info: payment, shipping_info: shipping } of status('failed')) {
    expect(payment).toMatchObject({ payment_status: 'failed', payment_date: null });
    expect(hours(date, shipping.finished_date)).toBe(48);
  }
  const sent = [...status('delivered'), ...status('returned')];
  for (const { order_date: date, payment_info: payment, shipping_info: shipping } of sent) {
    expect(hours(date, payment.payment_date)).toBeGreaterThan(0);
    expect(hours(payment.payment_date, shipping.shipped_date)).toBeGreaterThan(0);
    expect(hours(shipping.shipped_date, shipping.finished_date)).toBeGreaterThan(0);
    expect(hours(shipping.shipped_date, shipping.eta)).toBe(shipping.express_shipping ? 36 : 120);
  }
  // Means of thousands, within 8 %: a delay that is wrong by more is no chance.
  const near = (found: number, wanted: number): void => expect(Math.abs(found / wanted - 1)).toBeLessThan(0.08);
  const [usual, express] = [false, true].map((wanted) =>
    status('delivered').filter(({ shipping_info: shipping }) => shipping.express_shipping === wanted),
  ) as [Order[], Order[]];
  near(mean(sent.map(({ order_date: date, payment_info: { payment_date: paid } }) => hours(date, paid))), 2);
  const shipping = ({ payment_info: { payment_date: paid }, shipping_info: { shipped_date: shipped } }: Order) =>
    hours(paid, shipped);
  near(mean(usual.map(shipping)), 18);
  near(mean(express.map(shipping)), 6);
  const delivery = ({ shipping_info: { shipped_date: shipped, finished_date: finished } }: Order) =>
    hours(shipped, finished);
  near(mean(usual.map(delivery)), 120);
  near(mean(express.map(delivery)), 36);
});

test('orders: discounts are those of the calendar, and are in the total', () => {
  const all = messages('orders', 366, { ordersPerDay: 20 }) as unknown as Order[];
  const discountOn = (day: string) =>
    new Set(
      all
        .filter(({ order_date: date }) => date.startsWith(day))
        .flatMap((order) => order.item_info.map(({ discount }) => discount)),
    );
  expect(discountOn('2024-11-29')).toEqual(new Set([0.2])); // Black Friday
  expect(discountOn('2024-12-03')).toEqual(new Set([0]));
  expect(discountOn('2024-12-12')).toEqual(new Set([0.1]));
  expect(discountOn('2024-01-03')).toEqual(new Set([0.15]));
  for (const { item_info: items, order_total: total } of all) {
    const cents = items.map((each) => Math.round(each.unit_price * 100 * each.quantity * (1 - each.discount) + 1e-6));
    expect(Math.round(total * 100)).toBe(cents.reduce((sum, each) => sum + each, 0));
  }
});

test.each([
  ['smoothies', 'demo.purchases'],
  ['orders', 'orders'],
  ['product-sales', 'product_sales'],
  ['country-sales', 'us_topic'],
])('%s: hours, days of the week and months that are closed have nothing', (name, output) => {
  const shapes = { hours: factors(24, 9), weekdays: factors(7, 2), months: factors(12, 1) };
  const few = { salesPerDay: 20, ordersPerDay: 20 };
  const at = of(messages(name, 60, { ...shapes, ...few }), output).map((each) => new Date(each.at / 1_000));
  expect(at.length).toBeGreaterThan(20);
  for (const each of at) expect([each.getUTCHours(), each.getUTCDay(), each.getUTCMonth()]).toEqual([9, 3, 1]);
});

test('a trend of 1 a year doubles in a year, and turns where it is told to', () => {
  const trend = [
    { afterDays: 0, perYear: 1 },
    { afterDays: 366, perYear: -0.5 },
  ];
  const all = messages('country-sales', 732, { salesPerDay: 60, trend });
  const around = (day: number) => all.filter(({ at }) => Math.abs(at - START - day * DAY) < 20 * DAY).length / 40;
  expect(Math.abs(around(366) / around(20) - 1.9)).toBeLessThan(0.2);
  expect(Math.abs(around(712) / around(366) - 0.53)).toBeLessThan(0.08);
});

test('country-sales: each topic has its country and currency, and dear products are dear', () => {
  const all = messages('country-sales', 4);
  const places = new Set(all.map((each) => [each.output, each.country_of_sale, each.currency].join(' ')));
  expect([...places].sort()).toEqual([
    'de_topic DE EUR',
    'fr_topic FR EUR',
    'it_topic IT EUR',
    'uk_topic UK GBP',
    'us_topic US USD',
  ]);
  const price = (code: string) =>
    mean(of(all, 'us_topic').flatMap((each) => (each.product_code === code ? [each.selling_price as number] : [])));
  expect(Math.abs(price('p1') / 5 - 1)).toBeLessThan(0.05);
  expect(Math.abs(price('p10') / 500 - 1)).toBeLessThan(0.05);
});

test('smoothies: supply trouble makes restocks late and short, and what is not there a lost sale', () => {
  const troubles = [{ from: START, until: START + 30 * DAY, delay: (5 * DAY) / 1_000, share: 0.4 }];
  const calendar = { storms: [], outages: [], promotions: [], supplyTroubles: troubles };
  const all = messages('smoothies', 20, { calendar });
  const restocks = of(all, 'demo.inventories');
  expect(restocks.length).toBeGreaterThan(20);
  for (const { at, stock_quantity: quantity } of restocks) {
    expect(quantity).toBe(6); // 40 % of 15
    expect(at).toBeGreaterThan(START + 5 * DAY + 8 * HOUR);
  }
  const idOf = (each: Message) => `${each.transaction_id as string} ${each.product_id as string}`;
  const purchases = new Map(of(all, 'demo.purchases').map((each) => [idOf(each), each]));
  const lost = of(all, 'demo.lost_sales');
  expect(lost.length).toBeGreaterThan(50);
  for (const each of lost) {
    const [wanted, sold, left] = [each.wanted_quantity, each.sold_quantity, each.lost_quantity] as number[] as [
      number,
      number,
      number,
    ];
    const bought = purchases.get(idOf(each));
    expect(bought?.quantity ?? 0).toBe(sold);
    expect(left).toBe(wanted - sold);
    if (bought !== undefined)
      expect(Math.abs((each.lost_amount as number) / left - (bought.total_purchase as number) / sold)).toBeLessThan(
        0.011,
      );
  }
});

test('smoothies: what is retired is neither sold nor restocked, and what is new is sold', () => {
  const changes = { price: 0, cogs: 0, newProduct: 8.64e7, retired: 8.64e7, most: 0.1 };
  const all = messages('smoothies', 25, { changes });
  const events = of(all, 'demo.events');
  const when = (type: string) =>
    new Map(events.flatMap((each) => (each.event_type === type ? [[each.product_id, each.at] as const] : [])));
  const retired = when('product_retired');
  const made = when('new_product');
  expect(Math.min(retired.size, made.size)).toBeGreaterThan(10);
  const moved = all.filter(({ output }) => output === 'demo.purchases' || output === 'demo.inventories');
  for (const { product_id: id, at } of moved) {
    expect(at).toBeLessThanOrEqual(retired.get(id) ?? Infinity);
    expect(at).toBeGreaterThanOrEqual(made.get(id) ?? 0);
  }
  expect(moved.some(({ product_id: id }) => made.has(id))).toBe(true);
});
