/** Settings of `product-sales`. */
import { count, duration, group, number, share, weights } from '../kinds.ts';
import { HOUR_FACTORS, MONTH_FACTORS, trend, WEEKDAY_FACTORS } from '../volume.ts';

export const PRODUCT_SALES_SETTINGS = {
  salesPerDay: number(
    1_370,
    0.01,
    100_000_000,
    'sales an average day; `--events` and `--days` together take its place',
  ),
  firstId: count(3_001, 0, 1_000_000_000_000, 'transaction id of the first sale; the ids go up by one'),
  catalogue: group(
    {
      products: count(500, 1, 100_000, 'number of products'),
      tail: number(0.9, 0, 3, 'exponent of the long tail: the n-th product sells n^-tail of the first; 0: all alike'),
      stock: count(400, 0, 1_000_000, 'mean stock of a product in the products table'),
    },
    'what is sold',
  ),
  customers: group(
    {
      count: count(20_000, 1, 10_000_000, 'number of customers'),
      tail: number(0.5, 0, 3, 'exponent of how unevenly they buy'),
    },
    'who buys',
  ),
  quantity: weights({ 1: 62, 2: 20, 3: 10, 4: 5, 5: 3 }, 'counts', 'units a sale, with their weights'),
  priceChanges: group(
    {
      every: duration(60 * 86_400_000, 'mean time between two changes of one product; 0s: prices stay'),
      most: share(0.1, 'largest change, up or down, as a share of the first price'),
    },
    'prices that move',
  ),
  hours: HOUR_FACTORS([2, 1, 1, 1, 1, 2, 4, 6, 8, 10, 11, 12, 13, 12, 11, 11, 12, 13, 14, 15, 14, 11, 7, 4]),
  weekdays: WEEKDAY_FACTORS([0.9, 0.88, 0.9, 0.95, 1.1, 1.25, 1.02]),
  months: MONTH_FACTORS([0.85, 0.85, 0.95, 0.95, 1, 1, 0.95, 0.98, 1, 1.02, 1.2, 1.25]),
  trend: trend([{ afterDays: 0, perYear: 0.15 }]),
};
