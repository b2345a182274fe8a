/** Set shares of `orders`, and where its rows show them. */
import type { Values } from '../kinds.ts';
import { type Emission, type Form, type Output, type Share, sharesOf, type Value } from '../model.ts';
import { CUSTOMERS_TABLE, ITEMS_TABLE, ORDERS, ORDERS_TABLE } from './outputs.ts';
import { PLACES } from './places.ts';
import type { ORDERS_SETTINGS } from './settings.ts';

type Row = Emission['row'];
type Settings = Pick<
  Values<typeof ORDERS_SETTINGS>,
  'outcomes' | 'futureFrom' | 'paymentMethods' | 'repeatCustomers' | 'express' | 'variety' | 'quantity'
>;

const weightOf = (places: typeof PLACES): number => places.reduce((sum, { weight }) => sum + weight, 0);

export function sharesOfOrders(settings: Settings, form: Form): Share[] {
  const relational = form === 'relational';
  const orders = relational ? ORDERS_TABLE : ORDERS;
  /** A message has within one of its objects what a table has as a column. */
  const read = (within: string, name: string) => readerOf(orders, relational ? [name] : [within, name]);
  const { payment_timeout: failed = 0, delivered = 0, cancelled = 0, returned = 0 } = settings.outcomes;
  const outcome = {
    set: sharesOf({ delivered, failed, cancelled, returned }),
    of: read('shipping_info', 'order_status'),
  };
  const express = read('shipping_info', 'express_shipping');
  const customer = read('customer_info', 'customer_id');
  const isKnown = seenBefore();
  const metropolitan = PLACES.filter((place) => place.metropolitan);
  const inMetropolis = weightOf(metropolitan) / weightOf(PLACES);
  const where = new Set(metropolitan.map(({ lgu }) => lgu));
  const output = orders.name;
  const place = relational ? readerOf(CUSTOMERS_TABLE, ['lgu']) : readerOf(ORDERS, ['customer_info', 'lgu']);
  const isSettled = seenBefore();
  const lines = readerOf(ORDERS, ['item_info']);
  return [
    // An order that is left to the processors has none.
    ...(settings.futureFrom === null
      ? [{ name: 'outcome', output, set: outcome.set, categoryOf: textOf(outcome.of) }]
      : []),
    {
      ...{ name: 'payment method', output, set: sharesOf(settings.paymentMethods) },
      categoryOf: textOf(read('payment_info', 'payment_method')),
    },
    {
      ...{ name: 'customer', output, set: { repeat: settings.repeatCustomers, new: 1 - settings.repeatCustomers } },
      // The first order cannot be by anybody who has ordered before.
      categoryOf: (row) => ({ first: undefined, known: 'repeat', other: 'new' })[isKnown(customer(row))],
    },
    {
      ...{ name: 'express', output, set: { yes: settings.express, no: 1 - settings.express } },
      categoryOf: (row) => (express(row) === true ? 'yes' : 'no'),
    },
    {
      name: 'variety',
      output,
      set: sharesOf(settings.variety),
      categoryOf: textOf(readerOf(orders, ['item_variety'])),
    },
    {
      ...{ name: 'quantity', output: relational ? ITEMS_TABLE.name : output, set: sharesOf(settings.quantity) },
      // Of a message's first item.
      categoryOf: relational
        ? textOf(readerOf(ITEMS_TABLE, ['quantity']))
        : (row) => `${(lines(row) as readonly Row[])[0]?.[5] as number}`,
    },
    {
      // Of new customers: a customer who comes again does not move.
      ...{ name: 'place of new customers', output: relational ? CUSTOMERS_TABLE.name : output },
      set: { metropolitan: inMetropolis, elsewhere: 1 - inMetropolis },
      categoryOf: (row) =>
        !relational && isSettled(customer(row)) === 'known'
          ? undefined
          : where.has(place(row) as string)
            ? 'metropolitan'
            : 'elsewhere',
    },
  ];
}

const textOf = (read: (row: Row) => Value) => (row: Row) => `${read(row) as string | number}`;

/** @param path names of a field, and of one of its parts */
function readerOf({ fields }: Pick<Output, 'fields'>, [name, ...more]: readonly string[]): (row: Row) => Value {
  const place = fields.findIndex((field) => field.name === name);
  const parts = fields[place]?.parts;
  if (parts === undefined || more.length === 0) return (row) => row[place] ?? null;
  const inner = readerOf({ fields: parts }, more);
  return (row) => inner(row[place] as Row);
}

/** Whether a value was there before; `first`: nothing was. */
function seenBefore(): (value: unknown) => 'first' | 'known' | 'other' {
  const seen = new Set<unknown>();
  return (value) => {
    const found = seen.size === 0 ? 'first' : seen.has(value) ? 'known' : 'other';
    seen.add(value);
    return found;
  };
}
