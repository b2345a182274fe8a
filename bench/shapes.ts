/**
 * The tables that the bench replays: the shop's own, a narrow one (three columns, where the cost a row shows) and a wide
 * one (60 columns of all usual types, where the cost a byte shows). Made in the server from each row's number, so the same
 * number of rows is the same table everywhere.
 */
import { withClient } from './client.ts';
import { fillProductSales } from './product-sales.ts';

export const SHAPES = ['sales', 'narrow', 'wide'] as const;
export type Shape = (typeof SHAPES)[number];

/** schema.table in the source database. */
export const TABLES: Readonly<Record<Shape, string>> = {
  sales: 'public.product_sales',
  narrow: 'public.bench_narrow',
  wide: 'public.bench_wide',
};

const NARROW: readonly ColumnOf[] = [
  ['id', 'bigint', 'n'],
  ['amount', 'int', '(n * 7919 % 100000)::int'],
  ['sold_at', 'timestamptz', `timestamptz '2024-01-01 00:00:00+00' + n * interval '1 second'`],
];

type ColumnOf = readonly [name: string, type: string, value: string];

/** Seven kinds in turn. */
const wideColumns = (i: number): readonly ColumnOf[] => [
  [`number_${i}`, 'int', `(n * ${7919 + i} % 1000000)::int`],
  [`price_${i}`, 'numeric(12,2)', `(n * ${6151 + i} % 10000000)::numeric / 100`],
  [`word_${i}`, 'text', `'word ' || (n * ${4871 + i} % 5000)`],
  [`big_${i}`, 'bigint', `n * ${1_000_003 + i}`],
  [`at_${i}`, 'timestamptz', `timestamptz '2024-01-01 00:00:00+00' + (n * ${i + 1}) * interval '1 second'`],
  [`flag_${i}`, 'boolean', `CASE n % ${i + 3} WHEN 0 THEN NULL WHEN 1 THEN true ELSE false END`],
  [`share_${i}`, 'double precision', `(n % ${1000 + i}) / ${1000 + i}.0::float8`],
];

const WIDE: readonly ColumnOf[] = [
  ['id', 'bigint', 'n'],
  ...Array.from({ length: 9 }, (_, i) => wideColumns(i))
    .flat()
    .slice(0, 59),
];

/**
 * Makes the shape's table anew with so many rows.
 * @param url of the source database, postgres://…
 */
export async function fillShape(url: string, shape: Shape, rows: number): Promise<void> {
  if (shape === 'sales') {
    await fillProductSales(url, rows);
    return;
  }
  const columns = shape === 'wide' ? WIDE : NARROW;
  await withClient(url, async (client) => {
    await client.query(`DROP TABLE IF EXISTS ${TABLES[shape]}`);
    await client.query(
      `CREATE TABLE ${TABLES[shape]} (${columns.map(([name, type]) => `${name} ${type}`).join(', ')}, PRIMARY KEY (id))`,
    );
    const values = columns.map(([, , value]) => value).join(', ');
    await client.query(`INSERT INTO ${TABLES[shape]} SELECT ${values} FROM generate_series(1, $1::bigint) AS n`, [
      rows,
    ]);
    await client.query(`VACUUM ANALYZE ${TABLES[shape]}`);
  });
}

export function shapePipeline(shape: Shape): (name: string) => string {
  return pipelineText({ connection: 'sales', table: TABLES[shape] }, { connection: 'warehouse', database: 'bench' });
}

/**
 * @param database of the warehouse, or its schema
 * @returns a pipeline file by the name of pipeline, topic and lake prefix: new ones each time, so that nothing is found done
 */
export function pipelineText(
  source: { connection: string; table: string },
  warehouse: { connection: string; database: string },
): (name: string) => string {
  return (name) => `name: ${name}
source: { connection: ${source.connection}, table: ${source.table} }
topic: { name: ${name}, partitions: 6 }
lake: { bucket: lake, prefix: bench/${name} }
warehouse: { connection: ${warehouse.connection}, table: ${warehouse.database}.${name.replaceAll('-', '_')} }
`;
}
