/**
 * `npm run bench:mysql -- [--rows N] [--json]`: each hop and the whole where one end, or both, is MariaDB, on a stack of the
 * bench's own; the same generated product_sales in both databases, PostgreSQL at both ends beside it in the same run.
 */
import { parseArgs } from 'node:util';
import { tableText } from '../cli/output.ts';
import { type Hop, type Measured, measureHops } from './hops.ts';
import { wholeNumber } from './options.ts';
import { runCommand } from './proc.ts';
import { pipelineText } from './shapes.ts';
import { say, withStack } from './stack.ts';

const SOURCES = {
  postgres: { connection: 'sales', table: 'public.product_sales' },
  mariadb: { connection: 'mysql-sales', table: 'product_sales' },
} as const;
const WAREHOUSES = {
  postgres: { connection: 'warehouse', database: 'bench' },
  mariadb: { connection: 'mysql-warehouse', database: 'warehouse' },
} as const;
type Database = keyof typeof SOURCES;
const DATABASES: readonly Database[] = ['postgres', 'mariadb'];

const { values } = parseArgs({
  options: { rows: { type: 'string', default: '1000000' }, json: { type: 'boolean', default: false } },
});
const rows = wholeNumber('rows', values.rows, 1_000);

const reports: { from: Database; to: Database; hops: Record<Hop, Measured> }[] = [];
await withStack(
  async ({ env, folder }) => {
    for (const database of DATABASES) {
      const to = `db:${SOURCES[database].connection}`;
      await runCommand(['generate', 'product-sales', '--to', to, '--events', String(rows), '--replace'], env);
      say(`${database}: ${rows} rows`);
    }
    for (const from of DATABASES) {
      for (const to of DATABASES) {
        say(`${from} to ${to}`);
        const pipeline = pipelineText(SOURCES[from], WAREHOUSES[to]);
        reports.push({ from, to, hops: (await measureHops({ env, folder, say, pipeline, rows, workers: 1 })).hops });
      }
    }
  },
  ['mariadb'],
);

const number = (value: number): string => value.toLocaleString('en-US');
const lines = reports.flatMap(({ from, to, hops }) =>
  Object.entries(hops).map(([hop, { rowsPerSecond, cpuSeconds, peakRssMiB }]) => [
    `${from} to ${to}`,
    hop,
    number(rowsPerSecond),
    cpuSeconds.toFixed(1),
    number(peakRssMiB),
  ]),
);
process.stdout.write(
  values.json
    ? `${JSON.stringify({ rows, reports })}\n`
    : `${number(rows)} rows, one worker process a hop\n${tableText(
        ['ends', 'hop', 'rows/s', 'CPU s', 'peak RSS MiB'],
        lines,
        ['left', 'left', 'right', 'right', 'right'],
      )}\n`,
);
