/** What `smoothies` writes, and how its rows are made. */
import { fields, type Emission, type FieldType, type Output, type Value } from '../model.ts';
import type { Smoothie } from './catalogue.ts';

function output(
  table: string,
  key: readonly string[],
  types: Readonly<Record<string, FieldType | `${FieldType}?`>>,
): Output {
  // By product on every topic: its sales and restocks keep their order, and join without being dealt anew.
  return { name: `demo.${table}`, table: { schema: 'demo', table }, key, by: 'product_id', fields: fields(types) };
}

export const PRODUCTS = output('products', ['product_id', 'event_time'], {
  ...({ event_time: 'time', product_id: 'text', category: 'text', item: 'text', size: 'text' } as const),
  ...({ cogs: 'money', price: 'money', inventory_level: 'whole', contains_fruit: 'flag' } as const),
  ...({ contains_veggies: 'flag', contains_nuts: 'flag', contains_caffeine: 'flag' } as const),
  propensity_to_buy: 'whole',
});
export const PURCHASES: Output = {
  ...output('purchases', ['transaction_id', 'product_id'], {
    ...({ transaction_time: 'time', transaction_id: 'text', product_id: 'text', price: 'money' } as const),
    ...({ quantity: 'whole', is_member: 'flag', member_discount: 'number', add_supplements: 'flag' } as const),
    ...({ supplement_price: 'money', total_purchase: 'money' } as const),
  }),
  main: true,
};
export const INVENTORIES = output('inventories', ['product_id', 'event_time'], {
  ...({ event_time: 'time', product_id: 'text', existing_level: 'whole' } as const),
  ...({ stock_quantity: 'whole', new_level: 'whole' } as const),
});
export const EVENTS = output('events', ['event_id'], {
  ...({ event_time: 'time', event_id: 'text', event_type: 'text', product_id: 'text', data: 'json' } as const),
});
export const LOST_SALES = output('lost_sales', ['transaction_id', 'product_id'], {
  ...({ event_time: 'time', transaction_id: 'text', product_id: 'text', wanted_quantity: 'whole' } as const),
  ...({ sold_quantity: 'whole', lost_quantity: 'whole', lost_amount: 'money' } as const),
});
export const OUTPUTS = [PRODUCTS, PURCHASES, INVENTORIES, EVENTS, LOST_SALES];

export type EventType = 'purchase' | 'restock' | 'price_change' | 'cogs_change' | 'new_product' | 'product_retired';

export function productRow(at: number, product: Smoothie): Emission {
  const { id, category, item, size, cogs, price, stock, fruit, veggies, nuts, caffeine, propensity } = product;
  const row: Value[] = [at, id, category, item, size, cogs, price, stock, fruit, veggies, nuts, caffeine, propensity];
  return { output: PRODUCTS, at, row };
}
