/**
 * `orders`: an online shop with order life cycles. Guarantees: order dates only move forward; a customer is there before its
 * orders; an order's stages follow each other in time; totals are whole cents of its items.
 */
import { randomExponential } from 'd3-random';
import TinyQueue from 'tinyqueue';
import type { Values } from '../kinds.ts';
import { type Emission, type Form, type Profile, type Run, sharesOf } from '../model.ts';
import { createChooser, openRandom } from '../random.ts';
import { DAY } from '../times.ts';
import { createArrivals, createVolume, rateOf, spread, type Volume } from '../volume.ts';
import { createDiscounts } from './discounts.ts';
import { createLifeCycles, type Outcome, type Step, whole } from './life-cycle.ts';
import {
  CUSTOMERS_TABLE,
  HISTORY,
  ITEMS_TABLE,
  nestedRow,
  ORDERS,
  ORDERS_TABLE,
  type OrderState,
  relationalRows,
} from './outputs.ts';
import { PLACES } from './places.ts';
import { ORDERS_SETTINGS } from './settings.ts';
import { createShop } from './shop.ts';

type Settings = Values<typeof ORDERS_SETTINGS>;

const formOf = ({ form: wanted }: Settings, form: Form): Form => (wanted === 'auto' ? form : wanted);

function volumeOf(settings: Settings, start: number): Volume {
  const { hours, weekdays, months, trend } = settings;
  const shapes = { hours: spread(hours), weekdays: spread(weekdays), months: spread(months) };
  const { volume: exception } = createDiscounts(settings);
  return createVolume({ ...shapes, trend, start, exception });
}

function* emit(settings: Settings, run: Run): Generator<Emission, void, undefined> {
  const { start, seed } = run;
  const random = openRandom(seed, 'orders');
  const volume = volumeOf(settings, start);
  const arrivals = createArrivals(volume, start);
  const gap = randomExponential.source(random.unit)(rateOf(volume, run, settings.ordersPerDay) / DAY);
  const discounts = createDiscounts(settings);
  const shop = createShop(settings, run);
  const stepsOf = createLifeCycles(settings.delays, openRandom(seed, 'life cycles'));
  const outcomeOf = createChooser(settings.outcomes);
  const methodOf = createChooser(settings.paymentMethods);
  const futureFrom = settings.futureFrom ?? run.futureFrom ?? Infinity;
  const relational = formOf(settings, run.form) === 'relational';
  const agenda = new TinyQueue<Step & { number: number }>(
    [],
    (one, other) => one.at - other.at || one.number - other.number,
  );
  let steps = 0;

  for (let number = 1; ; number++) {
    const at = arrivals.next(gap());
    for (let next = agenda.peek(); next !== undefined && next.at <= at; next = agenda.peek()) {
      agenda.pop();
      yield nestedRow(HISTORY[next.stage], next.at, next.order);
    }
    if (at === Infinity) return;
    const { customer, isNew } = shop.customer();
    const lines = shop.lines(discounts.discount(at));
    const order: OrderState = {
      id: `ORD${String(number).padStart(9, '0')}`,
      date: whole(at),
      customer,
      payment: { status: 'unpaid', method: methodOf(random), date: null },
      shipping: {
        id: null,
        express: random.chance(settings.express),
        status: 'pending',
        shipped: null,
        eta: null,
        finished: null,
      },
      lines,
      total: lines.reduce((sum, { price, quantity, discount }) => {
        return sum + Math.round((price * quantity * (10_000 - Math.round(discount * 10_000))) / 10_000);
      }, 0),
    };
    const life = stepsOf(order, outcomeOf(random) as Outcome);
    const isOpen = at >= futureFrom;
    const shown = isOpen ? order : (life.at(-1)?.order ?? order);
    if (relational) yield* relationalRows(at, shown, isNew);
    else yield nestedRow(ORDERS, at, shown);
    if (settings.history && !isOpen) {
      // At the very time of the order's own message the first; the others when they are due.
      for (const step of life) agenda.push({ ...step, at: Math.max(step.at, at), number: (steps += 1) });
    }
  }
}

export const orders: Profile<typeof ORDERS_SETTINGS> = {
  name: 'orders',
  summary: 'an online shop with order life cycles',
  days: 90,
  settings: ORDERS_SETTINGS,
  outputs: (settings, form) => [
    ...(formOf(settings, form) === 'relational' ? [ORDERS_TABLE, CUSTOMERS_TABLE, ITEMS_TABLE] : [ORDERS]),
    ...(settings.history ? Object.values(HISTORY) : []),
  ],
  emit,
  shares: (settings, form) => {
    const relational = formOf(settings, form) === 'relational';
    const output = 'orders';
    const metropolitan = PLACES.filter((place) => place.metropolitan).reduce((sum, { weight }) => sum + weight, 0);
    const all = PLACES.reduce((sum, { weight }) => sum + weight, 0);
    const capital = new Set(PLACES.filter((place) => place.metropolitan).map(({ lgu }) => lgu));
    const seen = new Set<string>();
    const statusOf = (row: Emission['row']): string =>
      relational ? (row[8] as string) : (row[4] as { order_status: string }).order_status;
    const methodOf = (row: Emission['row']): string =>
      relational ? (row[4] as string) : (row[3] as { payment_method: string }).payment_method;
    const customerOf = (row: Emission['row']): string =>
      relational ? (row[2] as string) : (row[2] as { customer_id: string }).customer_id;
    const expressOf = (row: Emission['row']): boolean =>
      relational ? (row[7] as boolean) : (row[4] as { express_shipping: boolean }).express_shipping;
    const { payment_timeout: failed = 0, delivered = 0, cancelled = 0, returned = 0 } = settings.outcomes;
    return [
      ...(settings.futureFrom === null
        ? [{ name: 'outcome', output, set: sharesOf({ delivered, failed, cancelled, returned }), categoryOf: statusOf }]
        : []),
      { name: 'payment method', output, set: sharesOf(settings.paymentMethods), categoryOf: methodOf },
      {
        ...{ name: 'customer', output, set: { repeat: settings.repeatCustomers, new: 1 - settings.repeatCustomers } },
        categoryOf: (row) => {
          const id = customerOf(row);
          const isFirst = seen.size === 0;
          const known = seen.has(id);
          seen.add(id);
          // The first order cannot be by anybody who has ordered before.
          return isFirst ? undefined : known ? 'repeat' : 'new';
        },
      },
      {
        ...{ name: 'express', output, set: { yes: settings.express, no: 1 - settings.express } },
        categoryOf: (row) => (expressOf(row) ? 'yes' : 'no'),
      },
      {
        ...{ name: 'variety', output, set: sharesOf(settings.variety) },
        categoryOf: (row) => `${row[relational ? 12 : 6] as number}`,
      },
      ...(relational
        ? []
        : [
            {
              // Of new customers: a customer who comes again does not move.
              ...{ name: 'place of new customers', output },
              set: { metropolitan: metropolitan / all, elsewhere: 1 - metropolitan / all },
              categoryOf: placeOf(capital),
            },
          ]),
    ];
  },
};

function placeOf(capital: ReadonlySet<string>): (row: Emission['row']) => string | undefined {
  const seen = new Set<string>();
  return (row) => {
    const { customer_id: id, lgu } = row[2] as { customer_id: string; lgu: string };
    if (seen.has(id)) return undefined;
    seen.add(id);
    return capital.has(lgu) ? 'metropolitan' : 'elsewhere';
  };
}
