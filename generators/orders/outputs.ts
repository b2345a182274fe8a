/** What `orders` writes: nested messages with everything in them, or tables that refer to each other. */
import { fields, type Emission, type FieldType, type Output, type Value } from '../model.ts';
import { secondText } from '../times.ts';

export interface Customer {
  id: string;
  name: string;
  company: string;
  email: string;
  street: string;
  lgu: string;
  province: string;
  phone: string;
}

export interface Line {
  sku: string;
  item: string;
  category: string;
  /** Cents. */
  cost: number;
  /** Cents. */
  price: number;
  quantity: number;
  /** A share. */
  discount: number;
}

/** An order as it is at some time; times that have not come are null. */
export interface OrderState {
  id: string;
  date: number;
  customer: Customer;
  payment: { status: 'unpaid' | 'paid' | 'failed' | 'refunded'; method: string; date: number | null };
  shipping: {
    id: string | null;
    express: boolean;
    status: 'pending' | 'shipped' | 'delivered' | 'failed' | 'cancelled' | 'returned';
    shipped: number | null;
    eta: number | null;
    finished: number | null;
  };
  lines: readonly Line[];
  /** Cents. */
  total: number;
}

type Types = Readonly<Record<string, FieldType | `${FieldType}?`>>;

const output = (name: string, key: string, types: Types, main = false): Output => ({
  // A schema of its own: product-sales has customers, too.
  ...{ name, table: { schema: 'shop', table: name }, key: [key], by: key, fields: fields(types) },
  ...(main ? { main: true as const } : {}),
});

const NESTED: Types = {
  ...{ order_id: 'text', order_date: 'second', customer_info: 'json', payment_info: 'json' },
  ...{ shipping_info: 'json', item_info: 'json', item_variety: 'whole', order_total: 'money' },
} as const;

export const ORDERS = output('orders', 'order_id', NESTED, true);
export const HISTORY = {
  unpaid: output('unpaid_orders', 'order_id', NESTED),
  paid: output('paid_orders', 'order_id', NESTED),
  shipped: output('shipped_orders', 'order_id', NESTED),
  finished: output('finished_orders', 'order_id', NESTED),
  failed: output('failed_orders', 'order_id', NESTED),
};
export type Stage = keyof typeof HISTORY;

export const ORDERS_TABLE = output(
  'orders',
  'order_id',
  {
    ...{ order_id: 'text', order_date: 'second', customer_id: 'text', payment_status: 'text', payment_method: 'text' },
    ...{ payment_date: 'second?', shipping_id: 'text?', express_shipping: 'flag', order_status: 'text' },
    ...{
      shipped_date: 'second?',
      eta: 'second?',
      finished_date: 'second?',
      item_variety: 'whole',
      order_total: 'money',
    },
  } as const,
  true,
);
export const CUSTOMERS_TABLE = output('customers', 'customer_id', {
  ...{
    customer_id: 'text',
    customer_name: 'text',
    company: 'text',
    email: 'text',
    street_address: 'text',
    lgu: 'text',
  },
  ...{ provincial_code: 'text', contact_number: 'text' },
} as const);
export const ITEMS_TABLE = output('items', 'item_id', {
  ...{ item_id: 'text', order_id: 'text', sku: 'text', item_name: 'text', category: 'text', unit_cost: 'money' },
  ...{ unit_price: 'money', quantity: 'whole', discount: 'number' },
} as const);

const dateText = (at: number | null): string | null => (at === null ? null : secondText(at));

// Object literals without spreads here and in the life cycle: a spread copies key by key, and half of an order's time was that.
export function nestedRow(output: Output, at: number, order: OrderState): Emission {
  const { id, date, payment, shipping, lines, total } = order;
  const { id: customer_id, name: customer_name, company, email, street, lgu, province, phone } = order.customer;
  const row: Value[] = [
    id,
    date,
    {
      customer_id,
      customer_name,
      company,
      email,
      street_address: street,
      lgu,
      provincial_code: province,
      contact_number: phone,
    },
    { payment_status: payment.status, payment_method: payment.method, payment_date: dateText(payment.date) },
    {
      shipping_id: shipping.id,
      express_shipping: shipping.express,
      order_status: shipping.status,
      shipped_date: dateText(shipping.shipped),
      eta: dateText(shipping.eta),
      finished_date: dateText(shipping.finished),
    },
    lines.map(({ sku, item, category, cost, price, quantity, discount }) => ({
      sku,
      item_name: item,
      category,
      unit_cost: cost / 100,
      unit_price: price / 100,
      quantity,
      discount,
    })),
    lines.length,
    total,
  ];
  return { output, at, row };
}

/** The customer first where it is new, then the order, then its items: what is referred to is there before. */
export function* relationalRows(at: number, order: OrderState, isNew: boolean): Generator<Emission, void, undefined> {
  const { id, date, customer, payment, shipping, lines } = order;
  if (isNew) {
    const { name, company, email, street, lgu, province, phone } = customer;
    yield { output: CUSTOMERS_TABLE, at, row: [customer.id, name, company, email, street, lgu, province, phone] };
  }
  const row = [
    ...[id, date, customer.id, payment.status, payment.method, payment.date, shipping.id, shipping.express],
    ...[shipping.status, shipping.shipped, shipping.eta, shipping.finished, lines.length, order.total],
  ];
  yield { output: ORDERS_TABLE, at, row };
  for (const line of lines) {
    const { sku, item, category, cost, price, quantity, discount } = line;
    yield { output: ITEMS_TABLE, at, row: [`${id}-${sku}`, id, sku, item, category, cost, price, quantity, discount] };
  }
}
