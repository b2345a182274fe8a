/** Settings of `country-sales`. */
import { group, number, weights } from '../kinds.ts';
import { HOUR_FACTORS, MONTH_FACTORS, trend, WEEKDAY_FACTORS } from '../volume.ts';

/** Country, its name, its topic, its currency, and what a dollar is in it. */
export const COUNTRIES = [
  { code: 'US', topic: 'us_topic', currency: 'USD', rate: 1 },
  { code: 'UK', topic: 'uk_topic', currency: 'GBP', rate: 0.79 },
  { code: 'DE', topic: 'de_topic', currency: 'EUR', rate: 0.92 },
  { code: 'FR', topic: 'fr_topic', currency: 'EUR', rate: 0.92 },
  { code: 'IT', topic: 'it_topic', currency: 'EUR', rate: 0.92 },
] as const;
export const CODES = COUNTRIES.map(({ code }) => code);
export const PRODUCT_CODES = Array.from({ length: 10 }, (_, index) => `p${index + 1}`);

export const COUNTRY_SALES_SETTINGS = {
  salesPerDay: number(5_000, 0.01, 100_000_000, 'sales an average day, all countries together'),
  countries: weights({ US: 45, UK: 20, DE: 15, FR: 12, IT: 8 }, CODES, 'countries, with their weights'),
  products: weights(
    Object.fromEntries(PRODUCT_CODES.map((code, index) => [code, 20 - 2 * index])),
    PRODUCT_CODES,
    'products, with their weights',
  ),
  prices: group(
    {
      cheapest: number(5, 0.01, 1_000_000, 'usual price of p1, in dollars'),
      dearest: number(
        500,
        0.01,
        1_000_000,
        'usual price of p10, in dollars; the others lie between, evenly in magnitude',
      ),
      spread: number(0.08, 0, 1, 'standard deviation of a selling price, as a share of the usual one'),
    },
    'what things cost',
  ),
  hours: HOUR_FACTORS([1, 1, 1, 1, 1, 2, 4, 7, 10, 11, 12, 12, 12, 11, 11, 11, 12, 13, 14, 14, 12, 9, 5, 2]),
  weekdays: WEEKDAY_FACTORS([1, 0.95, 0.95, 1, 1.1, 1.15, 0.85]),
  months: MONTH_FACTORS([1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1]),
  trend: trend([]),
};
