/**
 * `smoothies`: a store with products, purchases and restocking. Guarantees: stock never goes below zero; every restock adds up
 * to the stock that the next purchase finds; the purchases of a transaction share its id and time; what is wanted and not
 * there is a lost sale.
 */
import type { Values } from '../kinds.ts';
import { type Emission, type Profile, type Run, sharesOf } from '../model.ts';
import { createCountChooser, openRandom } from '../random.ts';
import { SECOND } from '../times.ts';
import { createArrivals, createVolume, level, rateOf, spread, type Volume } from '../volume.ts';
import { readProducts, type Smoothie } from './catalogue.ts';
import { LOST_SALES, OUTPUTS, PURCHASES } from './outputs.ts';
import { SMOOTHIES_SETTINGS } from './settings.ts';
import { createStore } from './store.ts';

type Settings = Values<typeof SMOOTHIES_SETTINGS>;
interface Spell {
  from: number;
  until: number;
}

const within = (at: number, { from, until }: Spell): boolean => at >= from && at < until;

function volumeOf({ hours, weekdays, months, calendar }: Settings, start: number): Volume {
  const { storms, outages, promotions } = calendar;
  const exception: Volume = (at) => {
    if (outages.some((spell) => within(at, spell))) return 0;
    const spells = [...storms, ...promotions].filter((spell) => within(at, spell));
    return spells.reduce((factor, { volume }) => factor * volume, 1);
  };
  const shapes = { hours: level(hours), weekdays: level(weekdays), months: spread(months) };
  return createVolume({ ...shapes, trend: [], start, exception });
}

const mean = (weights: Readonly<Record<string, number>>): number =>
  Object.entries(sharesOf(weights)).reduce((sum, [count, share]) => sum + Number(count) * share, 0);

/** Whole cents: (price + supplement) x quantity x (1 - discount), halves rounded up. */
export function totalOf(price: number, supplement: number, quantity: number, discount: number): number {
  // In whole numbers, so that 14.364 is not rounded by what a double makes of it.
  const left = 10_000 - Math.round(discount * 10_000);
  return Math.round(((price + supplement) * quantity * left) / 10_000);
}

/** The file of products is read at once, before anything is written: it may have faults. */
const emit = (settings: Settings, run: Run) => sell(settings, readProducts(settings.products), run);

function* sell(settings: Settings, products: Smoothie[], run: Run): Generator<Emission, void, undefined> {
  const { start } = run;
  const random = openRandom(run.seed, 'purchases');
  const volume = volumeOf(settings, start);
  const arrivals = createArrivals(volume, start);
  const meanGap = ((settings.gap.least + settings.gap.most) / 2) * 1_000;
  const natural = (86_400 * SECOND * mean(settings.items)) / meanGap;
  const stretch = natural / rateOf(volume, run, natural);
  const itemsOf = createCountChooser(settings.items);
  const quantityOf = createCountChooser(settings.quantity);
  const { members, supplements, calendar } = settings;
  const store = createStore(settings, products, run);
  yield* store.open();

  for (let number = 1; settings.transactions === 0 || number <= settings.transactions; number++) {
    const { least, most } = settings.gap;
    const at = arrivals.next((least + random.unit() * (most - least)) * 1_000 * stretch);
    if (at === Infinity) return;
    yield* store.until(at);
    const id = random.bits63();
    const isMember = random.chance(members.share);
    const discount = isMember ? members.discount : 0;
    const off = calendar.promotions
      .filter((spell) => within(at, spell))
      .reduce((sum, spell) => sum + spell.discount, 0);
    for (const product of store.choose(random, itemsOf(random))) {
      const wanted = quantityOf(random);
      const hasSupplements = random.chance(supplements.share);
      const supplement = hasSupplements ? supplements.price : 0;
      const price = Math.round(product.price * Math.max(0, 1 - off));
      const sold = Math.min(wanted, product.stock);
      if (sold > 0) {
        const total = totalOf(price, supplement, sold, discount);
        const row = [at, id, product.id, price, sold, isMember, discount, hasSupplements, supplement, total];
        yield { output: PURCHASES, at, row };
        yield store.sell(product, sold, at, { transaction_id: id, quantity: sold, total_purchase: total / 100 });
      }
      if (sold < wanted) {
        const lost = wanted - sold;
        const row = [at, id, product.id, wanted, sold, lost, totalOf(price, supplement, lost, discount)];
        yield { output: LOST_SALES, at, row };
        store.order(product, at);
      }
    }
  }
}

export const smoothies: Profile<typeof SMOOTHIES_SETTINGS> = {
  name: 'smoothies',
  summary: 'a store with products, purchases and restocking',
  days: 7,
  settings: SMOOTHIES_SETTINGS,
  outputs: () => OUTPUTS,
  emit,
  shares: (settings) => {
    const products = Object.fromEntries(readProducts(settings.products).map(({ id, propensity }) => [id, propensity]));
    const isFirst = firstOf();
    const isFirstToo = firstOf();
    const changing = settings.changes.newProduct > 0 || settings.changes.retired > 0;
    return [
      { ...{ name: 'items', output: PURCHASES.name }, set: sharesOf(settings.items), categoryOf: countItems() },
      {
        ...{ name: 'quantity', output: PURCHASES.name },
        set: sharesOf(settings.quantity),
        categoryOf: (row) => `${row[4] as number}`,
      },
      {
        ...{ name: 'member', output: PURCHASES.name },
        set: { yes: settings.members.share, no: 1 - settings.members.share },
        categoryOf: (row) => (isFirst(row[1]) ? (row[5] === true ? 'yes' : 'no') : undefined),
      },
      {
        ...{ name: 'supplements', output: PURCHASES.name },
        set: { yes: settings.supplements.share, no: 1 - settings.supplements.share },
        categoryOf: (row) => (row[7] === true ? 'yes' : 'no'),
      },
      {
        // Only of first items: the second of a transaction is another product, and so not of the same odds.
        ...{ name: 'product', output: PURCHASES.name, ...(changing ? { shape: true as const } : {}) },
        set: sharesOf(products),
        categoryOf: (row) => (isFirstToo(row[1]) ? (row[2] as string) : undefined),
      },
    ];
  },
};

/** Whether an id is another than the one before. */
function firstOf(): (id: unknown) => boolean {
  let last: unknown;
  return (id) => {
    const isNew = id !== last;
    last = id;
    return isNew;
  };
}

/** Counts a transaction's purchases once the next transaction's first is seen. */
function countItems(): (row: Emission['row']) => string | undefined {
  let last: unknown;
  let count = 0;
  return (row) => {
    if (row[1] === last) {
      count += 1;
      return undefined;
    }
    const before = count;
    last = row[1];
    count = 1;
    return before === 0 ? undefined : String(before);
  };
}
