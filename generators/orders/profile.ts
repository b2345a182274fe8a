/**
 * `orders`: an online shop with order life cycles. Guarantees: order dates only move forward; a customer is there before its
 * orders; an order's stages follow each other in time; totals are whole cents of its items.
 */
import { randomExponential } from 'd3-random';
import TinyQueue from 'tinyqueue';
import type { Values } from '../kinds.ts';
import type { Emission, Form, Profile, Run } from '../model.ts';
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
import { ORDERS_SETTINGS } from './settings.ts';
import { sharesOfOrders } from './shares.ts';
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
    const cart = shop.cart(discounts.discount(at));
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
      cart,
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
  shares: (settings, form) => sharesOfOrders(settings, formOf(settings, form)),
};
