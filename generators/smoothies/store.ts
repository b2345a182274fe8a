/** The store's shelves and its catalogue: what is ordered arrives, prices move, products come and go, each at its time. */
import TinyQueue from 'tinyqueue';
import { randomExponential } from 'd3-random';
import type { Values } from '../kinds.ts';
import type { Emission, Run } from '../model.ts';
import { openPeople } from '../people.ts';
import { createSampler, openRandom, type Random, type Sampler } from '../random.ts';
import { SECOND } from '../times.ts';
import type { Smoothie } from './catalogue.ts';
import { EVENTS, type EventType, INVENTORIES, productRow } from './outputs.ts';
import type { SMOOTHIES_SETTINGS } from './settings.ts';

type Settings = Values<typeof SMOOTHIES_SETTINGS>;

export interface Store {
  /** The products as they are at the start. */
  open(): Generator<Emission, void, undefined>;
  /** What happens up to a time. */
  until(at: number): Generator<Emission, void, undefined>;
  /** So many different products, by their propensity; fewer where there are not so many. */
  choose(random: Random, count: number): Smoothie[];
  sell(product: Smoothie, quantity: number, at: number, data: object): Emission;
  /** Orders more, unless that is done. */
  order(product: Smoothie, at: number): void;
}

interface Planned {
  at: number;
  /** Of two at one time, the one planned first. */
  order: number;
  happen: (at: number) => Generator<Emission, void, undefined>;
}

/** After a short delivery the rest is not ordered at once. */
const AGAIN_MICROS = 3_600 * SECOND;
/** Retiring stops where so few are left. */
const FEWEST_PRODUCTS = 5;

export function createStore(settings: Settings, products: Smoothie[], run: Run): Store {
  const { restocking, changes, calendar } = settings;
  const random = openRandom(run.seed, 'store');
  const people = openPeople(random);
  const agenda = new TinyQueue<Planned>([], (one, other) => one.at - other.at || one.order - other.order);
  const ordered = new Set<Smoothie>();
  let planned = 0;
  let events = 0;
  let last = run.start;
  let shelf = products;
  let odds: Sampler = createSampler(shelf.map(({ propensity }) => propensity));

  const plan = (at: number, happen: Planned['happen']): void => agenda.push({ at, order: planned++, happen });
  const event = (at: number, type: EventType, product: Smoothie, data: object): Emission => ({
    ...{ output: EVENTS, at },
    row: [at, `E${String((events += 1)).padStart(10, '0')}`, type, product.id, data],
  });
  const show = (next: Smoothie[]): void => {
    shelf = next;
    odds = createSampler(shelf.map(({ propensity }) => propensity));
  };

  function order(product: Smoothie, at: number, wait = 0): void {
    if (ordered.has(product)) return;
    ordered.add(product);
    const troubles = calendar.supplyTroubles.filter(({ from, until }) => at >= from && at < until);
    const delay = restocking.delay + troubles.reduce((sum, each) => sum + each.delay, 0);
    const share = troubles.reduce((left, each) => left * each.share, 1);
    const quantity = Math.round(restocking.amount * share);
    plan(at + wait + Math.max(1, Math.round(delay * 1_000)), (now) => arrive(product, quantity, now));
  }

  function* arrive(product: Smoothie, quantity: number, at: number): Generator<Emission, void, undefined> {
    ordered.delete(product);
    if (!shelf.includes(product)) return;
    if (quantity > 0) {
      const existing = product.stock;
      product.stock += quantity;
      yield { output: INVENTORIES, at, row: [at, product.id, existing, quantity, product.stock] };
      const data = { existing_level: existing, stock_quantity: quantity, new_level: product.stock };
      yield event(at, 'restock', product, data);
    }
    if (product.stock <= restocking.minimum) order(product, at, AGAIN_MICROS);
  }

  /** Comes again and again, at random times. */
  function recur(every: number, happen: Planned['happen']): void {
    if (every === 0) return;
    const wait = randomExponential.source(random.unit)(1 / (every * 1_000));
    const next = (from: number): void =>
      plan(from + 1 + Math.floor(wait()), function* (at) {
        yield* happen(at);
        next(at);
      });
    next(run.start);
  }

  const anyProduct = (): Smoothie => shelf[random.whole(0, shelf.length - 1)] as Smoothie;
  const moved = (cents: number): number =>
    Math.max(1, Math.round(cents * (1 + changes.most * (2 * random.unit() - 1))));

  function* change(what: 'price' | 'cogs', at: number): Generator<Emission, void, undefined> {
    const product = anyProduct();
    const before = product[what];
    product[what] = moved(before);
    yield productRow(at, product);
    yield event(at, `${what}_change`, product, { before: before / 100, after: product[what] / 100 });
  }

  function* add(at: number): Generator<Emission, void, undefined> {
    const like = anyProduct();
    const prefix = like.id.replace(/\d+$/, '');
    const numbers = products.filter(({ id }) => id.startsWith(prefix)).map(({ id }) => Number(id.slice(prefix.length)));
    const id = `${prefix}${String(Math.max(0, ...numbers) + 1).padStart(2, '0')}`;
    const item = `${people.commerce.productAdjective()} ${people.food.fruit()}`;
    const product = {
      ...like,
      id,
      item,
      price: moved(like.price),
      cogs: moved(like.cogs),
      propensity: random.whole(20, 200),
    };
    product.stock = restocking.minimum + restocking.amount;
    products = [...products, product];
    show([...shelf, product]);
    yield productRow(at, product);
    yield event(at, 'new_product', product, { item, price: product.price / 100 });
  }

  function* retire(at: number): Generator<Emission, void, undefined> {
    if (shelf.length <= FEWEST_PRODUCTS) return;
    const product = anyProduct();
    const left = shelf.filter((each) => each !== product);
    if (!left.some(({ propensity }) => propensity > 0)) return;
    show(left);
    yield event(at, 'product_retired', product, { inventory_level: product.stock });
  }

  return {
    *open() {
      recur(changes.price, (at) => change('price', at));
      recur(changes.cogs, (at) => change('cogs', at));
      recur(changes.newProduct, add);
      recur(changes.retired, retire);
      for (const product of products) yield productRow(run.start, product);
      // What begins with too little is ordered at once.
      for (const product of products) if (product.stock <= restocking.minimum) order(product, run.start);
    },
    *until(at) {
      for (let next = agenda.peek(); next !== undefined; next = agenda.peek()) {
        // Each at a time of its own: a product has one state at any time.
        const now = Math.max(next.at, last + 1);
        if (now > at) break;
        agenda.pop();
        last = now;
        yield* next.happen(now);
      }
      last = Math.max(last, at);
    },
    choose(purchases, count) {
      const chosen = new Set<Smoothie>();
      const possible = shelf.filter(({ propensity }) => propensity > 0).length;
      while (chosen.size < Math.min(count, possible)) chosen.add(shelf[odds.draw(purchases)] as Smoothie);
      return [...chosen];
    },
    sell(product, quantity, at, data) {
      product.stock -= quantity;
      if (product.stock <= restocking.minimum) order(product, at);
      return event(at, 'purchase', product, data);
    },
    order: (product, at) => order(product, at),
  };
}
