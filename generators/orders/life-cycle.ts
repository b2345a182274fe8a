/** An order's later events with their delays, and the order as it is at any time between them. */
import { randomExponential, randomNormal } from 'd3-random';
import type { Values } from '../kinds.ts';
import type { Random } from '../random.ts';
import { SECOND } from '../times.ts';
import type { OrderState, Stage } from './outputs.ts';
import type { ORDERS_SETTINGS } from './settings.ts';

export type Outcome = 'delivered' | 'payment_timeout' | 'cancelled' | 'returned';

export interface Step {
  at: number;
  stage: Stage;
  order: OrderState;
}

type Payment = OrderState['payment'];
type Shipping = OrderState['shipping'];

/** Nobody is quicker, and a later step is never before an earlier one. */
const LEAST_WAIT = 60 * SECOND;
/** Of a usual shipping time. */
const SHIPPING_SPREAD = 0.2;

/**
 * @param order as it was made, unpaid
 * @returns the order at each of its stages, in order of time, the first the order as it was made
 */
export function createLifeCycles(
  delays: Values<typeof ORDERS_SETTINGS>['delays'],
  random: Random,
): (order: OrderState, outcome: Outcome) => Step[] {
  const exponential = randomExponential.source(random.unit)(1);
  const normal = randomNormal.source(random.unit)(1, SHIPPING_SPREAD);
  const after = (at: number, meanMs: number): number => whole(at + LEAST_WAIT + exponential() * meanMs * 1_000);

  return (order, outcome) => {
    const { express } = order.shipping;
    const { method } = order.payment;
    const steps: Step[] = [{ at: order.date, stage: 'unpaid', order }];
    if (outcome === 'payment_timeout') {
      const at = whole(order.date + delays.timeout * 1_000);
      const payment: Payment = { status: 'failed', method, date: null };
      steps.push(step(order, at, 'failed', payment, unshipped(express, 'failed', at)));
      return steps;
    }
    // Never later than what would have timed out.
    const date = Math.min(after(order.date, delays.payment), whole(order.date + delays.timeout * 1_000));
    const paid: Payment = { status: 'paid', method, date };
    const refunded: Payment = { status: 'refunded', method, date };
    steps.push(step(order, date, 'paid', paid, order.shipping));
    if (outcome === 'cancelled') {
      const at = after(date, delays.cancellation);
      steps.push(step(order, at, 'failed', refunded, unshipped(express, 'cancelled', at)));
      return steps;
    }
    const shipped = after(date, express ? delays.shipping / 3 : delays.shipping);
    const usual = (express ? delays.express : delays.standard) * 1_000;
    const eta = whole(shipped + usual);
    const id = `SHP${order.id.slice(3)}`;
    steps.push(step(order, shipped, 'shipped', paid, { id, express, status: 'shipped', shipped, eta, finished: null }));
    const delivered = whole(shipped + LEAST_WAIT + usual * Math.max(0, normal()));
    steps.push(
      step(order, delivered, 'finished', paid, { id, express, status: 'delivered', shipped, eta, finished: delivered }),
    );
    if (outcome === 'delivered') return steps;
    const returned = after(delivered, delays.return);
    steps.push(
      step(order, returned, 'failed', refunded, { id, express, status: 'returned', shipped, eta, finished: returned }),
    );
    return steps;
  };
}

const unshipped = (express: boolean, status: Shipping['status'], finished: number): Shipping => ({
  id: null,
  express,
  status,
  shipped: null,
  eta: null,
  finished,
});

/** The order, from this time on in this state. Made once: a closure a life took as long as the life itself. */
const step = (order: OrderState, at: number, stage: Stage, payment: Payment, shipping: Shipping): Step => ({
  at,
  stage,
  order: { id: order.id, date: order.date, customer: order.customer, payment, shipping, cart: order.cart },
});

/** To the second, as orders' times are written. */
export const whole = (at: number): number => Math.floor(at / SECOND) * SECOND;
