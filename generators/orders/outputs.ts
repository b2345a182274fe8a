/** What `orders` writes: nested messages with everything in them, or tables that refer to each other. */
import { type Emission, fields, type Output, type Types, type Value } from '../model.ts';

const CUSTOMER: Types = {
  ...{ customer_id: 'text', customer_name: 'text', company: 'text', email: 'text', street_address: 'text' },
  ...{ lgu: 'text', provincial_code: 'text', contact_number: 'text' },
};
const PAYMENT: Types = { payment_status: 'text', payment_method: 'text', payment_date: 'second?' };
const SHIPPING: Types = {
  ...{ shipping_id: 'text?', express_shipping: 'flag', order_status: 'text' },
  ...{ shipped_date: 'second?', eta: 'second?', finished_date: 'second?' },
};
const LINE: Types = {
  ...{ sku: 'text', item_name: 'text', category: 'text', unit_cost: 'money', unit_price: 'money' },
  ...{ quantity: 'whole', discount: 'number' },
};

type Row = Emission['row'];

export interface Customer {
  id: string;
  /** In the order of CUSTOMER. */
  row: Row;
}

export interface Cart {
  /** In the order of LINE. */
  lines: readonly Row[];
  /** Cents. */
  total: number;
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
  cart: Cart;
}

const output = (name: string, key: string, types: Types): Output => ({
  // A schema of its own: product-sales has customers, too.
  ...{ name, table: { schema: 'shop', table: name }, key: [key], by: key, fields: fields(types) },
});

const NESTED: Types = {
  ...{ order_id: 'text', order_date: 'second', customer_info: CUSTOMER, payment_info: PAYMENT },
  ...{ shipping_info: SHIPPING, item_info: [LINE], item_variety: 'whole', order_total: 'money' },
};

export const ORDERS: Output = { ...output('orders', 'order_id', NESTED), main: true };
export const HISTORY = {
  unpaid: output('unpaid_orders', 'order_id', NESTED),
  paid: output('paid_orders', 'order_id', NESTED),
  shipped: output('shipped_orders', 'order_id', NESTED),
  finished: output('finished_orders', 'order_id', NESTED),
  failed: output('failed_orders', 'order_id', NESTED),
};
export type Stage = keyof typeof HISTORY;

export const ORDERS_TABLE: Output = {
  ...output('orders', 'order_id', {
    ...{ order_id: 'text', order_date: 'second', customer_id: 'text', ...PAYMENT, ...SHIPPING },
    ...{ item_variety: 'whole', order_total: 'money' },
  }),
  main: true,
};
export const CUSTOMERS_TABLE = output('customers', 'customer_id', CUSTOMER);
export const ITEMS_TABLE = output('items', 'item_id', { item_id: 'text', order_id: 'text', ...LINE });

const paymentRow = ({ status, method, date }: OrderState['payment']): Value[] => [status, method, date];
const shippingRow = ({ id, express, status, shipped, eta, finished }: OrderState['shipping']): Value[] => [
  ...[id, express, status, shipped, eta, finished],
];

export function nestedRow(output: Output, at: number, order: OrderState): Emission {
  const { id, date, customer, payment, shipping } = order;
  const { lines, total } = order.cart;
  const row = [id, date, customer.row, paymentRow(payment), shippingRow(shipping), lines, lines.length, total];
  return { output, at, row };
}

/** The customer first where it is new, then the order, then its items: what is referred to is there before. */
export function* relationalRows(at: number, order: OrderState, isNew: boolean): Generator<Emission, void, undefined> {
  const { id, date, customer, payment, shipping } = order;
  const { lines, total } = order.cart;
  if (isNew) yield { output: CUSTOMERS_TABLE, at, row: customer.row };
  const row = [id, date, customer.id, ...paymentRow(payment), ...shippingRow(shipping), lines.length, total];
  yield { output: ORDERS_TABLE, at, row };
  for (const line of lines) yield { output: ITEMS_TABLE, at, row: [`${id}-${line[0] as string}`, id, ...line] };
}
