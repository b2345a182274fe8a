/** `country-sales`: one stream of sales, a topic a country, prices in the country's currency. */
import { randomExponential, randomNormal } from 'd3-random';
import type { Values } from '../kinds.ts';
import { type Emission, fields, type Output, type Profile, type Run, sharesOf } from '../model.ts';
import { createChooser, createSampler, openRandom } from '../random.ts';
import { DAY } from '../times.ts';
import { createArrivals, createVolume, rateOf, spread } from '../volume.ts';
import { CODES, COUNTRIES, COUNTRY_SALES_SETTINGS, PRODUCT_CODES } from './settings.ts';

type Settings = Values<typeof COUNTRY_SALES_SETTINGS>;

const OUTPUTS: readonly Output[] = COUNTRIES.map(({ topic }) => ({
  name: topic,
  table: { schema: 'public', table: topic },
  fields: fields({
    sale_id: 'big',
    product_code: 'text',
    country_of_sale: 'text',
    datetime: 'second',
    selling_price: 'money',
    currency: 'text',
  }),
  key: ['sale_id'],
  by: 'sale_id',
  main: true,
}));

function* emit(settings: Settings, run: Run): Generator<Emission, void, undefined> {
  const { start } = run;
  const random = openRandom(run.seed, 'country sales');
  const volume = createVolume({
    hours: spread(settings.hours),
    weekdays: spread(settings.weekdays),
    months: spread(settings.months),
    ...{ trend: settings.trend, start },
  });
  const arrivals = createArrivals(volume, start);
  const gap = randomExponential.source(random.unit)(rateOf(volume, run, settings.salesPerDay) / DAY);
  const factor = randomNormal.source(random.unit)(1, settings.prices.spread);
  const product = createChooser(settings.products);
  const countries = createSampler(CODES.map((code) => settings.countries[code] ?? 0));
  for (let id = 1; ; id++) {
    const at = arrivals.next(gap());
    if (at === Infinity) return;
    const index = countries.draw(random);
    const { code, currency, rate } = COUNTRIES[index] as (typeof COUNTRIES)[number];
    const wanted = product(random);
    const cents = Math.max(1, Math.round(usualPrice(settings, wanted) * rate * factor() * 100));
    yield { output: OUTPUTS[index] as Output, at, row: [id, wanted, code, at, cents, currency] };
  }
}

/** Dollars. */
function usualPrice({ prices: { cheapest, dearest } }: Settings, code: string): number {
  return cheapest * (dearest / cheapest) ** (PRODUCT_CODES.indexOf(code) / (PRODUCT_CODES.length - 1));
}

export const countrySales: Profile<typeof COUNTRY_SALES_SETTINGS> = {
  name: 'country-sales',
  summary: 'a topic a country: us_topic, uk_topic, de_topic, fr_topic, it_topic',
  days: 7,
  settings: COUNTRY_SALES_SETTINGS,
  outputs: () => OUTPUTS,
  emit,
  shares: ({ countries, products }) => [
    { name: 'country', output: '*', set: sharesOf(countries), categoryOf: (row) => row[2] as string },
    { name: 'product', output: '*', set: sharesOf(products), categoryOf: (row) => row[1] as string },
  ],
};
