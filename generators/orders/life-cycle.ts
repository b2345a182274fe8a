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
    const steps: Step[] = [{ at: order.date, stage: 'unpaid', order }];
    if (outcome === 'payment_timeout') {
      const at = whole(order.date + delays.timeout * 1_000);
      const payment = { ...order.payment, status: 'failed' as const };
      const shipping = { ...order.shipping, status: 'failed' as const, finished: at };
      return [...steps, { at, stage: 'failed', order: { ...order, payment, shipping } }];
    }
    // Never later than what would have timed out.
    const paidAt = Math.min(after(order.date, delays.payment), whole(order.date + delays.timeout * 1_000));
    const paid: OrderState = { ...order, payment: { ...order.payment, status: 'paid', date: paidAt } };
    steps.push({ at: paidAt, stage: 'paid', order: paid });
    if (outcome === 'cancelled') {
      const at = after(paidAt, delays.cancellation);
      const payment = { ...paid.payment, status: 'refunded' as const };
      const shipping = { ...paid.shipping, status: 'cancelled' as const, finished: at };
      return [...steps, { at, stage: 'failed', order: { ...paid, payment, shipping } }];
    }
    const { express } = order.shipping;
    const shippedAt = after(paidAt, express ? delays.shipping / 3 : delays.shipping);
    const usual = (express ? delays.express : delays.standard) * 1_000;
    const shipped: OrderState = {
      ...paid,
      shipping: {
        ...{ id: `SHP${order.id.slice(3)}`, express, status: 'shipped', shipped: shippedAt },
        ...{ eta: whole(shippedAt + usual), finished: null },
      },
    };
    const deliveredAt = whole(shippedAt + LEAST_WAIT + usual * Math.max(0, normal()));
    const delivered: OrderState = {
      ...shipped,
      shipping: { ...shipped.shipping, status: 'delivered', finished: deliveredAt },
    };
    steps.push({ at: shippedAt, stage: 'shipped', order: shipped });
    steps.push({ at: deliveredAt, stage: 'finished', order: delivered });
    if (outcome === 'delivered') return steps;
    const returnedAt = after(deliveredAt, delays.return);
    const payment = { ...delivered.payment, status: 'refunded' as const };
    const shipping = { ...delivered.shipping, status: 'returned' as const, finished: returnedAt };
    return [...steps, { at: returnedAt, stage: 'failed', order: { ...delivered, payment, shipping } }];
  };
}

/** To the second, as orders' times are written. */
export const whole = (at: number): number => Math.floor(at / SECOND) * SECOND;
