/** The products of `product-sales`: twenty well-known ones, then as many as are wanted, made up by faker. */
import type { Faker } from '@faker-js/faker';
import { createSampler, type Random } from '../random.ts';

export interface Product {
  id: number;
  name: string;
  category: string;
  brand: string;
  /** Cents. */
  price: number;
  stock: number;
}

/** name, category, brand, usual price */
const KNOWN: readonly (readonly [name: string, category: string, brand: string, price: number])[] = [
  ['Dell Inspiron', 'Laptop', 'Dell', 50_000],
  ['iPhone 12', 'Mobile', 'Apple', 80_000],
  ['ThinkPad', 'Laptop', 'Lenovo', 65_000],
  ['Redmi Note 11', 'Mobile', 'Xiaomi', 13_499],
  ['AirPods Pro', 'Headphones', 'Apple', 24_900],
  ['Galaxy S21', 'Mobile', 'Samsung', 69_999],
  ['MX Master 3', 'Accessory', 'Logitech', 8_995],
  ['K380 Keyboard', 'Accessory', 'Logitech', 2_995],
  ['MacBook Air', 'Laptop', 'Apple', 99_900],
  ['Pavilion 15', 'Laptop', 'HP', 58_990],
  ['Pixel 6a', 'Mobile', 'Google', 43_999],
  ['iPad Air', 'Tablet', 'Apple', 54_900],
  ['Galaxy Tab S8', 'Tablet', 'Samsung', 58_999],
  ['WH-1000XM4', 'Headphones', 'Sony', 24_990],
  ['Tune 510BT', 'Headphones', 'JBL', 3_499],
  ['Bravia 55"', 'Television', 'Sony', 77_990],
  ['QLED 50"', 'Television', 'Samsung', 62_990],
  ['LaserJet M126', 'Printer', 'HP', 17_499],
  ['EcoTank L3250', 'Printer', 'Epson', 14_299],
  ['Charge 5', 'Wearable', 'Fitbit', 14_999],
];

/** Category, weight, and the span of usual prices. */
const CATEGORIES: readonly (readonly [name: string, weight: number, low: number, high: number])[] = [
  ['Accessory', 30, 499, 9_999],
  ['Headphones', 14, 999, 39_999],
  ['Mobile', 14, 7_999, 129_999],
  ['Laptop', 10, 24_999, 199_999],
  ['Wearable', 9, 1_999, 49_999],
  ['Tablet', 7, 9_999, 89_999],
  ['Printer', 6, 4_999, 39_999],
  ['Television', 6, 12_999, 149_999],
  ['Camera', 4, 14_999, 249_999],
];

/** @param stock mean; a product's own is within half of it */
export function createCatalogue(count: number, stock: number, random: Random, people: Faker): Product[] {
  const categories = createSampler(CATEGORIES.map(([, weight]) => weight));
  const names = new Set<string>();
  const numbers = Math.max(99, count);
  const brands = Array.from({ length: 40 }, () => people.person.lastName());
  return Array.from({ length: count }, (_, index) => {
    const ownStock = Math.round(stock * (0.5 + random.unit()));
    const [name, category, brand, price] = KNOWN[index] ?? madeUp();
    return { id: index + 1, name, category, brand, price: price * 100, stock: ownStock };
  });

  function madeUp(): readonly [string, string, string, number] {
    const [category, , low, high] = CATEGORIES[categories.draw(random)] ?? ['Accessory', 1, 499, 9_999];
    const brand = brands[random.whole(0, brands.length - 1)] ?? 'Acme';
    let name: string;
    do name = `${brand} ${people.commerce.productAdjective()} ${random.whole(2, numbers) * 10}`;
    while (names.has(name));
    names.add(name);
    // Even on a scale of magnitudes: cheap ones are many, dear ones few.
    return [name, category, brand, Math.round(low * (high / low) ** random.unit())];
  }
}
