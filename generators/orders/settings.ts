/** Settings of `orders`. */
import { choice, count, duration, flag, group, list, number, share, text, time, weights } from '../kinds.ts';
import { HOUR_FACTORS, MONTH_FACTORS, trend, WEEKDAY_FACTORS } from '../volume.ts';

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;

export const OUTCOMES = ['delivered', 'payment_timeout', 'cancelled', 'returned'] as const;
export const PAYMENT_METHODS = ['credit_card', 'e_wallet', 'bank_transfer', 'cash_on_delivery'] as const;

/** February's 29th is the 1st of March in other years than leap years. */
const DAY_OF_YEAR = /^(black-friday|(0[1-9]|1[0-2])-(0[1-9]|1\d|2\d)|(0[13-9]|1[0-2])-30|(0[13578]|1[02])-31)$/;

export const DISCOUNT_EVENT = {
  name: text('sale', 'a name', /^.{1,100}$/, 'what it is called'),
  on: text('black-friday', 'MM-DD or black-friday', DAY_OF_YEAR, 'its first day, each year'),
  days: count(1, 1, 100, 'how many days it lasts'),
  volume: number(1.5, 0, 100, 'how many times as many orders come'),
  discount: share(0.1, 'share taken off every item'),
};

export const ORDERS_SETTINGS = {
  ordersPerDay: number(
    120,
    0.01,
    10_000_000,
    'orders an average day at the start; `--events` and `--days` together take its place',
  ),
  form: choice(
    'auto',
    ['auto', 'nested', 'relational'],
    'an order with everything in it, or tables of orders, customers and items; auto: relational in databases',
  ),
  futureFrom: time('orders from this time on are left unpaid, for the processors; none: with --live from the start on'),
  history: flag(false, 'also fill unpaid_orders, paid_orders, shipped_orders, finished_orders and failed_orders'),
  repeatCustomers: share(0.22, 'share of orders by customers who have ordered before'),
  variety: weights({ 1: 45, 2: 30, 3: 15, 4: 7, 5: 3 }, 'counts', 'different items an order, with their weights'),
  quantity: weights({ 1: 70, 2: 18, 3: 7, 4: 3, 5: 2 }, 'counts', 'quantity of an item, with its weights'),
  catalogue: group(
    {
      items: count(120, 5, 100_000, 'number of items'),
      tail: number(0.7, 0, 3, 'exponent of the long tail; 0: all alike'),
    },
    'what is sold',
  ),
  paymentMethods: weights(
    { credit_card: 40, e_wallet: 35, bank_transfer: 10, cash_on_delivery: 15 },
    PAYMENT_METHODS,
    'how is paid, with the weights',
  ),
  express: share(0.25, 'share of orders with express shipping'),
  outcomes: weights(
    { delivered: 88, payment_timeout: 5, cancelled: 4, returned: 3 },
    OUTCOMES,
    'how orders end, with the weights',
  ),
  delays: group(
    {
      payment: duration(2 * HOUR_MS, 'mean time until an order is paid'),
      timeout: duration(2 * DAY_MS, 'time after which an order that is not paid fails'),
      cancellation: duration(6 * HOUR_MS, 'mean time from payment until it is cancelled'),
      shipping: duration(18 * HOUR_MS, 'mean time from payment until it is shipped'),
      standard: duration(5 * DAY_MS, 'usual time of standard shipping'),
      express: duration(1.5 * DAY_MS, 'usual time of express shipping'),
      return: duration(6 * DAY_MS, 'mean time from delivery until it is returned'),
    },
    'how long things take',
  ),
  monthEnd: group(
    {
      days: count(3, 0, 28, 'the last days of a month in which orders come closer together'),
      volume: number(1.8, 0, 100, 'how many times as many'),
    },
    'pay day',
  ),
  discountEvents: list(
    [
      { name: 'Black Friday', on: 'black-friday', days: 4, volume: 2.5, discount: 0.2 },
      { name: 'Christmas', on: '12-12', days: 12, volume: 1.7, discount: 0.1 },
      { name: 'New Year', on: '01-01', days: 3, volume: 1.3, discount: 0.15 },
    ],
    DISCOUNT_EVENT,
    'sales by the calendar, each year',
  ),
  trend: trend([
    { afterDays: 0, perYear: 0.25 },
    { afterDays: 540, perYear: -0.1 },
  ]),
  hours: HOUR_FACTORS([3, 2, 1, 1, 1, 2, 3, 5, 7, 9, 10, 11, 12, 11, 10, 10, 10, 11, 12, 14, 15, 14, 10, 6]),
  weekdays: WEEKDAY_FACTORS([1, 0.95, 0.95, 1, 1.05, 1.1, 0.95]),
  months: MONTH_FACTORS([0.95, 0.95, 1, 1, 1, 1, 0.95, 0.95, 1, 1, 1.1, 1.1]),
};
