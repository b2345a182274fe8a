/** Settings of `smoothies`. The defaults sell about 290 purchases in a day of twelve hours, and 500 in 20.5 open hours. */
import { count, duration, file, type Group, group, list, moment, money, number, share, weights } from '../kinds.ts';
import { HOUR_FACTORS, MONTH_FACTORS, WEEKDAY_FACTORS } from '../volume.ts';

const SECOND_MS = 1_000;
const DAY_MS = 86_400_000;
const from = moment('when it begins; it counts by whole hours');
const until = moment('when it ends');

export const STORM = { from, until, volume: number(0.4, 0, 1, 'what is left of the customers') };
export const OUTAGE = { from, until };
export const PROMOTION = {
  ...{ from, until },
  volume: number(1.6, 0, 100, 'how many times as many customers come'),
  discount: share(0.2, 'share taken off every price'),
};
export const SUPPLY_TROUBLE = {
  ...{ from, until },
  delay: duration(2 * DAY_MS, 'how much later what is ordered meanwhile arrives'),
  share: share(0.5, 'share of an order that arrives at all'),
};

const spells = <G extends Group>(item: G, meaning: string) => ({
  ...list([], item, meaning),
  rising: ['from', 'until'] as const,
});

export const SMOOTHIES_SETTINGS = {
  products: file('', 'CSV of products, with the columns of the one that ships (generators/smoothies/products.csv)'),
  transactions: count(0, 0, 1_000_000_000, 'transactions in all; 0: no end'),
  gap: {
    ...group(
      {
        least: duration(120 * SECOND_MS, 'shortest time between two transactions, where the volume is 1'),
        most: duration(300 * SECOND_MS, 'longest'),
      },
      'time between transactions, evenly between the two; a busy hour (volume 2) halves it',
    ),
    rising: ['least', 'most'] as const,
  },
  items: weights({ 1: 70, 2: 20, 3: 8, 4: 2 }, 'counts', 'different products a transaction, with their weights'),
  quantity: weights({ 1: 75, 2: 20, 3: 4, 4: 1 }, 'counts', 'quantity of a product, with its weights'),
  members: group(
    {
      share: share(0.3, 'share of transactions by members'),
      discount: share(0.1, 'what members have off'),
    },
    'club membership',
  ),
  supplements: group(
    { share: share(0.25, 'share of purchases with supplements'), price: money(199, 'of the supplements, apiece') },
    'supplements',
  ),
  restocking: group(
    {
      minimum: count(10, 0, 1_000_000, 'stock at or below which more is ordered'),
      amount: count(15, 1, 1_000_000, 'how much is ordered'),
      delay: duration(30 * SECOND_MS, 'how long it takes to arrive'),
    },
    'restocking',
  ),
  changes: group(
    {
      price: duration(14 * DAY_MS, 'mean time between price changes, of all products together; 0s: none'),
      cogs: duration(21 * DAY_MS, 'mean time between changes of costs of goods sold; 0s: none'),
      newProduct: duration(45 * DAY_MS, 'mean time between new products; 0s: none'),
      retired: duration(60 * DAY_MS, 'mean time between products that are retired; 0s: none'),
      most: share(0.1, 'largest change of a price or cost'),
    },
    'changes of the catalogue',
  ),
  calendar: group(
    {
      storms: spells(STORM, 'spells of fewer customers'),
      outages: spells(OUTAGE, 'spells without any sale'),
      promotions: spells(PROMOTION, 'spells of more customers and lower prices'),
      supplyTroubles: spells(SUPPLY_TROUBLE, 'spells whose orders arrive late and short'),
    },
    'anomalies',
  ),
  hours: HOUR_FACTORS([0, 0, 0, 0, 0, 0, 0, 0, 0.7, 0.8, 0.9, 1, 1.3, 1.3, 1, 0.9, 0.9, 1.1, 1.1, 1, 0, 0, 0, 0]),
  weekdays: WEEKDAY_FACTORS([1, 0.95, 0.95, 1, 1.1, 1.1, 0.9]),
  months: MONTH_FACTORS([1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1]),
};
