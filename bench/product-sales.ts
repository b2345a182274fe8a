/**
 * Fills `public.product_sales` with seeded, realistic rows: the same seed and number of rows give the same table on every
 * machine. The first three rows are the issue's own. Made in the server, set-based: a million rows in a few seconds.
 */
import pg from 'pg';

/** The columns as the issue gives them. */
export const PRODUCT_SALES_DDL = `CREATE TABLE IF NOT EXISTS public.product_sales (
  transaction_id   bigint PRIMARY KEY,
  product_name     text,
  product_category text,
  brand            text,
  quantity_sold    int,
  price_per_unit   numeric(12,2),
  transaction_date timestamptz
)`;

export interface FillOptions {
  /** Default 1. */
  seed?: number;
  /** Leaves a table alone that it filled with more rows before: fewer would leave the warehouse with rows of no source. */
  keepLarger?: boolean;
}

export interface Filled {
  /** In the table now. */
  rows: number;
  /** `found`: such a table was there and was left alone. */
  how: 'filled' | 'found';
  seconds: number;
}

const FIRST_ID = 3001;

/** name, category, brand, usual price */
const PRODUCTS: readonly (readonly [name: string, category: string, brand: string, price: number])[] = [
  ['Dell Inspiron', 'Laptop', 'Dell', 50_000],
  ['iPhone 12', 'Mobile', 'Apple', 80_000],
  ['ThinkPad', 'Laptop', 'Lenovo', 65_000],
  ['MacBook Air', 'Laptop', 'Apple', 99_900],
  ['Pavilion 15', 'Laptop', 'HP', 58_990],
  ['Galaxy S21', 'Mobile', 'Samsung', 69_999],
  ['Pixel 6a', 'Mobile', 'Google', 43_999],
  ['Redmi Note 11', 'Mobile', 'Xiaomi', 13_499],
  ['iPad Air', 'Tablet', 'Apple', 54_900],
  ['Galaxy Tab S8', 'Tablet', 'Samsung', 58_999],
  ['WH-1000XM4', 'Headphones', 'Sony', 24_990],
  ['AirPods Pro', 'Headphones', 'Apple', 24_900],
  ['Tune 510BT', 'Headphones', 'JBL', 3_499],
  ['Bravia 55"', 'Television', 'Sony', 77_990],
  ['QLED 50"', 'Television', 'Samsung', 62_990],
  ['LaserJet M126', 'Printer', 'HP', 17_499],
  ['EcoTank L3250', 'Printer', 'Epson', 14_299],
  ['MX Master 3', 'Accessory', 'Logitech', 8_995],
  ['K380 Keyboard', 'Accessory', 'Logitech', 2_995],
  ['Charge 5', 'Wearable', 'Fitbit', 14_999],
];

/** Chosen from a product's popularity: the square of a uniform number leans to the front of the list. */
const FILL_SQL = `
INSERT INTO public.product_sales
WITH product AS (
  SELECT ordinality - 1 AS place, name, category, brand, price
  FROM unnest($3::text[], $4::text[], $5::text[], $6::numeric[]) WITH ORDINALITY AS p(name, category, brand, price)
), draw AS (
  SELECT n,
         -- Four independent uniform numbers in [0, 1) a row, from one seeded hash each: repeatable, whatever the plan.
         (hashint8extended(n, $2)     & 1048575) / 1048576.0::float8 AS a,
         (hashint8extended(n, $2 + 1) & 1048575) / 1048576.0::float8 AS b,
         (hashint8extended(n, $2 + 2) & 1048575) / 1048576.0::float8 AS c,
         (hashint8extended(n, $2 + 3) & 1048575) / 1048576.0::float8 AS d
  FROM generate_series(0, $1::bigint - 1) AS n
)
SELECT ${FIRST_ID} + n, name, category, brand,
       CASE n WHEN 0 THEN 2 WHEN 1 THEN 3 WHEN 2 THEN 1 ELSE 1 + floor(b * b * 6)::int END,
       CASE WHEN n < 3 THEN price ELSE round(price * (0.80 + 0.25 * c)::numeric, 2) END,
       -- Two years of sales, in the order of the ids, a little jittered, to the second.
       timestamptz '2024-01-01 00:00:00+00'
         + floor((n + d) * (63072000.0 / greatest($1::bigint, 1))) * interval '1 second'
FROM draw JOIN product
  ON place = CASE WHEN n < 3 THEN n ELSE floor(a * a * cardinality($3::text[])) END
ORDER BY n`;

/**
 * Creates the table if need be and fills it. A table that it filled with as many rows before is left alone; another one of
 * that name is emptied only if this function filled it (its comment says so).
 * @param url of the database, postgres://…
 * @throws Error where the table is there and was made by somebody else
 */
export async function fillProductSales(
  url: string,
  rows: number,
  { seed = 1, keepLarger = false }: FillOptions = {},
): Promise<Filled> {
  const began = performance.now();
  const client = new pg.Client({ connectionString: url, application_name: 'headrace fill' });
  await client.connect();
  try {
    const found = await commentOf(client);
    const count = found === null ? 0 : await countRows(client);
    if (found === markOf(count, seed) && (count === rows || (keepLarger && count > rows))) {
      return { rows: count, how: 'found', seconds: since(began) };
    }
    if (count > 0 && found?.startsWith(MARK) !== true) {
      throw new Error(
        `public.product_sales is there with ${count} rows that were not seeded; empty or rename it, or use another database`,
      );
    }
    await client.query('BEGIN');
    await client.query(PRODUCT_SALES_DDL);
    await client.query('TRUNCATE public.product_sales');
    await client.query(FILL_SQL, [
      rows,
      seed * 4,
      PRODUCTS.map(([name]) => name),
      PRODUCTS.map(([, category]) => category),
      PRODUCTS.map(([, , brand]) => brand),
      PRODUCTS.map(([, , , price]) => price),
    ]);
    await client.query(`COMMENT ON TABLE public.product_sales IS ${client.escapeLiteral(markOf(rows, seed))}`);
    await client.query('COMMIT');
    await client.query('VACUUM ANALYZE public.product_sales');
    return { rows, how: 'filled', seconds: since(began) };
  } finally {
    await client.end();
  }
}

const MARK = 'seeded by headrace: ';
const markOf = (rows: number, seed: number): string => `${MARK}${rows} rows, seed ${seed}`;

/** @returns null where there is no such table, '' where it has no comment */
async function commentOf(client: pg.Client): Promise<string | null> {
  const found = await client.query<{ comment: string | null }>(
    `SELECT obj_description(oid, 'pg_class') AS comment FROM pg_class WHERE oid = to_regclass('public.product_sales')`,
  );
  const row = found.rows[0];
  return row === undefined ? null : (row.comment ?? '');
}

async function countRows(client: pg.Client): Promise<number> {
  const found = await client.query<{ count: number }>('SELECT count(*)::int AS count FROM public.product_sales');
  return found.rows[0]?.count ?? 0;
}

const since = (began: number): number => (performance.now() - began) / 1000;
