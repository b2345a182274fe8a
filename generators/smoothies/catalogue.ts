/** The smoothies that are for sale: read from a CSV, and changed as time goes by. */
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { fault, messageOf } from '../../contracts/errors.ts';

export interface Smoothie {
  id: string;
  category: string;
  item: string;
  size: string;
  /** Cents. */
  cogs: number;
  /** Cents. */
  price: number;
  stock: number;
  fruit: boolean;
  veggies: boolean;
  nuts: boolean;
  caffeine: boolean;
  propensity: number;
}

const COLUMNS =
  'product_id,category,item,size,cogs,price,inventory_level,contains_fruit,contains_veggies,contains_nuts,contains_caffeine,propensity_to_buy';
const MOST_PROPENSITY = 200;

/**
 * @param path '': the products that ship
 * @throws Fault ConfigInvalid that lists every fault with its line
 */
export function readProducts(path: string): Smoothie[] {
  const file = path === '' ? fileURLToPath(new URL('products.csv', import.meta.url)) : path;
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (error) {
    throw fault('ConfigInvalid', `products ${file} cannot be read: ${messageOf(error)}`, error);
  }
  const lines = text.split(/\r?\n/);
  const problems: string[] = [];
  if (lines[0] !== COLUMNS) problems.push(`${file}:1: the first line must be ${COLUMNS}`);
  const seen = new Set<string>();
  const products = lines.slice(1).flatMap((line, index): Smoothie[] => {
    if (line === '') return [];
    const at = `${file}:${index + 2}`;
    const cells = line.split(',').map((cell) => cell.trim());
    if (cells.length !== 12) {
      problems.push(`${at}: has ${cells.length} fields, not 12; texts may hold no comma`);
      return [];
    }
    const [id = '', category = '', item = '', size = '', cogs, price, stock, fruit, veggies, nuts, caffeine, odds] =
      cells;
    const wrong = (what: string, found: string | undefined, allowed: string): void =>
      void problems.push(`${at}: ${what}: found ${JSON.stringify(found)}; allowed: ${allowed}`);
    const cents = (what: string, found = ''): number => {
      if (/^\d{1,6}(\.\d{1,2})?$/.test(found)) return Math.round(Number(found) * 100);
      wrong(what, found, 'an amount such as 5.99');
      return 0;
    };
    const whole = (what: string, found = '', most = 1_000_000): number => {
      if (/^\d{1,7}$/.test(found) && Number(found) <= most) return Number(found);
      wrong(what, found, `a whole number up to ${most}`);
      return 0;
    };
    const truth = (what: string, found = ''): boolean => {
      if (!['true', 'false'].includes(found)) wrong(what, found, 'true or false');
      return found === 'true';
    };
    if (id === '' || seen.has(id)) wrong('product_id', id, 'an id of its own');
    seen.add(id);
    return [
      {
        ...{ id, category, item, size },
        ...{ cogs: cents('cogs', cogs), price: cents('price', price), stock: whole('inventory_level', stock) },
        ...{ fruit: truth('contains_fruit', fruit), veggies: truth('contains_veggies', veggies) },
        ...{ nuts: truth('contains_nuts', nuts), caffeine: truth('contains_caffeine', caffeine) },
        propensity: whole('propensity_to_buy', odds, MOST_PROPENSITY),
      },
    ];
  });
  if (problems.length === 0 && !products.some(({ propensity }) => propensity > 0)) {
    problems.push(`${file}: no product is ever bought; give one a propensity_to_buy above 0`);
  }
  if (problems.length > 0) throw fault('ConfigInvalid', `the products have faults:\n  ${problems.join('\n  ')}`);
  return products;
}
