/** The shop's customers, who come again, and its catalogue. */
import type { Values } from '../kinds.ts';
import type { Run } from '../model.ts';
import { createPool, mailWords, openPeople } from '../people.ts';
import { createCountChooser, createSampler, openRandom, zipf } from '../random.ts';
import type { Cart, Customer } from './outputs.ts';
import { PLACES } from './places.ts';
import type { ORDERS_SETTINGS } from './settings.ts';

type Settings = Values<typeof ORDERS_SETTINGS>;

export interface Shop {
  customer(): { customer: Customer; isNew: boolean };
  /** @param discount share taken off every item */
  cart(discount: number): Cart;
}

/** Category, cheapest and dearest usual price, cents. */
const CATEGORIES = [
  ['Electronics', 49_900, 2_500_000],
  ['Home', 19_900, 800_000],
  ['Fashion', 14_900, 350_000],
  ['Beauty', 9_900, 150_000],
  ['Sports', 19_900, 600_000],
  ['Toys', 9_900, 250_000],
] as const;

export function createShop(settings: Settings, { seed }: Run): Shop {
  const random = openRandom(seed, 'customers');
  const people = openPeople(random);
  const firstNames = createPool(() => mailed(people.person.firstName(), '.'));
  const lastNames = createPool(() => mailed(people.person.lastName(), '.'));
  const companies = createPool(() => mailed(people.company.name(), '-'));
  const streets = createPool(() => people.location.street());
  const places = createSampler(PLACES.map(({ weight }) => weight));
  const customers: Customer[] = [];
  const catalogue = createCatalogue(settings.catalogue.items, seed);
  const carts = openRandom(seed, 'carts');
  const which = createSampler(zipf(catalogue.length, settings.catalogue.tail));
  const varietyOf = createCountChooser(settings.variety);
  const quantityOf = createCountChooser(settings.quantity);

  function newCustomer(): Customer {
    const { lgu, province } = PLACES[places.draw(random)] ?? { lgu: 'Manila', province: 'PH-00' };
    const first = firstNames(random);
    const last = lastNames(random);
    const company = companies(random);
    const email = `${first.words}.${last.words}@${company.words}.example`;
    const street = `${random.whole(1, 9_999)} ${streets(random)}`;
    const phone = `+63 9${random.whole(10, 99)} ${random.whole(100, 999)} ${random.whole(1_000, 9_999)}`;
    const id = `CUS${String(customers.length + 1).padStart(8, '0')}`;
    const row = [id, `${first.text} ${last.text}`, company.text, email, street, lgu, province, phone];
    const customer = { id, row };
    customers.push(customer);
    return customer;
  }

  return {
    customer() {
      const again = random.chance(settings.repeatCustomers) && customers.length > 0;
      if (!again) return { customer: newCustomer(), isNew: true };
      return { customer: customers[random.whole(0, customers.length - 1)] as Customer, isNew: false };
    },
    cart(discount) {
      const chosen = new Set<number>();
      const variety = Math.min(varietyOf(carts), catalogue.length);
      while (chosen.size < variety) chosen.add(which.draw(carts));
      const left = 10_000 - Math.round(discount * 10_000);
      let total = 0;
      const lines = Array.from(chosen, (index) => {
        const { sku, name, category, cost, price } = catalogue[index] as Item;
        const quantity = quantityOf(carts);
        total += Math.round((price * quantity * left) / 10_000);
        return [sku, name, category, cost, price, quantity, discount];
      });
      return { lines, total };
    },
  };
}

interface Item {
  sku: string;
  name: string;
  category: string;
  /** Cents. */
  cost: number;
  /** Cents. */
  price: number;
}

function createCatalogue(count: number, seed: number): Item[] {
  const random = openRandom(seed, 'items');
  const people = openPeople(random);
  return Array.from({ length: count }, (_, index) => {
    const [category, low, high] = CATEGORIES[random.whole(0, CATEGORIES.length - 1)] ?? CATEGORIES[0];
    // To nine cents less than a round amount, as shops write prices.
    const price = Math.round((low * (high / low) ** random.unit()) / 1_000) * 1_000 - 1;
    const cost = Math.round(price * (0.55 + 0.25 * random.unit()));
    const sku = `${category.slice(0, 3).toUpperCase()}-${String(index + 1).padStart(4, '0')}`;
    return { sku, name: people.commerce.productName(), category, cost, price };
  });
}

/** A word, and what an e-mail address makes of it. */
const mailed = (text: string, between: string) => ({ text, words: mailWords(text, between) });
