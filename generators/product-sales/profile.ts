/**
 * `product-sales`: the table that the main job replays, with the products and customers that its sales refer to. Every sale's
 * product and customer were emitted before it; ids go up with time.
 */
import { randomExponential } from 'd3-random';
import type { Values } from '../kinds.ts';
import { type Emission, fields, type Output, type Profile, type Run, sharesOf } from '../model.ts';
import { emailOf, openPeople } from '../people.ts';
import { createCountChooser, createSampler, openRandom, zipf } from '../random.ts';
import { DAY, hourOf, HOURS, weekdayOf, WEEKDAYS } from '../times.ts';
import { createArrivals, createVolume, rateOf, spread } from '../volume.ts';
import { createCatalogue, type Product } from './catalogue.ts';
import { PRODUCT_SALES_SETTINGS } from './settings.ts';

type Settings = Values<typeof PRODUCT_SALES_SETTINGS>;

const SALES: Output = {
  name: 'product_sales',
  table: { schema: 'public', table: 'product_sales' },
  fields: fields({
    transaction_id: 'big',
    product_name: 'text',
    product_category: 'text',
    brand: 'text',
    quantity_sold: 'whole',
    price_per_unit: 'money',
    transaction_date: 'second',
    customer_id: 'big',
  }),
  key: ['transaction_id'],
  by: 'transaction_id',
  main: true,
};
const PRODUCTS: Output = {
  name: 'products',
  table: { schema: 'public', table: 'products' },
  fields: fields({
    product_id: 'big',
    product_name: 'text',
    product_category: 'text',
    brand: 'text',
    price: 'money',
    stock: 'whole',
  }),
  key: ['product_id'],
  by: 'product_id',
};
const CUSTOMERS: Output = {
  name: 'customers',
  table: { schema: 'public', table: 'customers' },
  fields: fields({ customer_id: 'big', customer_name: 'text', email: 'text', city: 'text', since: 'second' }),
  key: ['customer_id'],
  by: 'customer_id',
};

/** Customers came in the five years before the first sale. */
const CUSTOMERS_SINCE = 5 * 365 * DAY;

function* emit(settings: Settings, run: Run): Generator<Emission, void, undefined> {
  const { catalogue, customers, priceChanges } = settings;
  const { start } = run;
  const products = createCatalogue(
    ...([catalogue.products, catalogue.stock] as const),
    openRandom(run.seed, 'catalogue'),
    openPeople(openRandom(run.seed, 'names of products')),
  );
  for (const { id, name, category, brand, price, stock } of products) {
    yield { output: PRODUCTS, at: start, row: [id, name, category, brand, price, stock] };
  }
  yield* newCustomers(customers.count, run);

  const random = openRandom(run.seed, 'sales');
  const volume = createVolume({
    hours: spread(settings.hours),
    weekdays: spread(settings.weekdays),
    months: spread(settings.months),
    ...{ trend: settings.trend, start },
  });
  const arrivals = createArrivals(volume, start);
  const gap = randomExponential.source(random.unit)(rateOf(volume, run, settings.salesPerDay) / DAY);
  const prices = createPrices(products, priceChanges, run);
  const whichProduct = createSampler(zipf(products.length, catalogue.tail));
  const whichCustomer = createSampler(zipf(customers.count, customers.tail));
  const quantityOf = createCountChooser(settings.quantity);
  for (let id = settings.firstId; ; id++) {
    const at = arrivals.next(gap());
    if (at === Infinity) return;
    const product = products[whichProduct.draw(random)] as Product;
    const { name, category, brand } = product;
    const price = prices(product, at);
    const customer = whichCustomer.draw(random) + 1;
    yield { output: SALES, at, row: [id, name, category, brand, quantityOf(random), price, at, customer] };
  }
}

function* newCustomers(count: number, { seed, start }: Run): Generator<Emission, void, undefined> {
  const random = openRandom(seed, 'customers');
  const people = openPeople(random);
  for (let id = 1; id <= count; id++) {
    const name = people.person.fullName();
    const since = start - Math.floor(random.unit() * CUSTOMERS_SINCE) - 1;
    // The id keeps addresses apart: names come again.
    const email = emailOf(`${name} ${id}`, people.internet.domainWord());
    yield { output: CUSTOMERS, at: start, row: [id, name, email, people.location.city(), since] };
  }
}

/** A product's price at a time, which never goes back; changes come at random times of the product's own. */
function createPrices(
  products: readonly Product[],
  { every, most }: Settings['priceChanges'],
  { seed, start }: Run,
): (product: Product, at: number) => number {
  const now = products.map(({ price }) => price);
  if (every === 0) return ({ id }) => now[id - 1] as number;
  const random = openRandom(seed, 'prices');
  const wait = randomExponential.source(random.unit)(1 / (every * 1_000));
  const changes = products.map(() => start + wait());
  return ({ id, price }, at) => {
    while (at >= (changes[id - 1] as number)) {
      now[id - 1] = Math.max(1, Math.round(price * (1 + most * (2 * random.unit() - 1))));
      changes[id - 1] = (changes[id - 1] as number) + wait();
    }
    return now[id - 1] as number;
  };
}

export const productSales: Profile<typeof PRODUCT_SALES_SETTINGS> = {
  name: 'product-sales',
  summary: 'the table that is replayed: sales with products and customers',
  days: 730,
  settings: PRODUCT_SALES_SETTINGS,
  outputs: () => [SALES, PRODUCTS, CUSTOMERS],
  emit,
  shares: ({ quantity, catalogue, weekdays, hours }) => {
    const tail = zipf(catalogue.products, catalogue.tail);
    const names = KNOWN_SHOWN.slice(0, Math.min(KNOWN_SHOWN.length, catalogue.products));
    const shown = Object.fromEntries(names.map((name, index) => [name, tail[index] as number]));
    const rest = tail.slice(names.length).reduce((sum, weight) => sum + weight, 0);
    return [
      { name: 'quantity', output: SALES.name, set: sharesOf(quantity), categoryOf: (row) => `${row[4] as number}` },
      {
        name: 'product',
        output: SALES.name,
        set: sharesOf(rest > 0 ? { ...shown, 'all others': rest } : shown),
        categoryOf: (row) => (names.includes(row[1] as string) ? (row[1] as string) : 'all others'),
      },
      {
        ...{ name: 'weekday', output: SALES.name, shape: true },
        set: sharesOf(Object.fromEntries(WEEKDAYS.map((day, index) => [day, weekdays[index] as number]))),
        categoryOf: (row) => WEEKDAYS[weekdayOf(row[6] as number)],
      },
      {
        ...{ name: 'hour', output: SALES.name, shape: true },
        set: sharesOf(Object.fromEntries(HOURS.map((hour, index) => [`${hour}h`, hours[index] as number]))),
        categoryOf: (row) => `${HOURS[hourOf(row[6] as number)] ?? ''}h`,
      },
    ];
  },
};

/** The most wanted, whose shares --check shows one by one. */
const KNOWN_SHOWN = ['Dell Inspiron', 'iPhone 12', 'ThinkPad', 'Redmi Note 11', 'AirPods Pro', 'Galaxy S21'];
