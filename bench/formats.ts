/**
 * The hot path's parts, each alone in one thread: COPY text to records, records to a cut, a cut to Parquet, Parquet to the load's
 * CSV, and the row hashes over Parquet. `npx tsx bench/formats.ts [rows]` (default 300,000).
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openLakeFiles } from '../connectors/duckdb/lake-files.ts';
import type { Column, ColumnType } from '../contracts/columns.ts';
import { writeOrigin } from '../contracts/messages.ts';
import { createCopyRows } from '../formats/copy-rows.ts';
import { encoderSettings } from '../formats/encoder-settings.ts';
import { bufferedRecord, createCutBuffer } from '../formats/cut-buffer.ts';

const ROUNDS = 3;
const CUT_ROWS = 100_000;
const CHUNK_BYTES = 65_536;

const column = (name: string, type: ColumnType, sqlType: string): Column => ({ name, type, sqlType, nullable: true });
const columns = [
  column('transaction_id', { kind: 'int64' }, 'bigint'),
  column('product_name', { kind: 'text' }, 'text'),
  column('product_category', { kind: 'text' }, 'text'),
  column('brand', { kind: 'text' }, 'text'),
  column('quantity_sold', { kind: 'int32' }, 'integer'),
  column('price_per_unit', { kind: 'decimal', precision: 12, scale: 2 }, 'numeric(12,2)'),
  column('transaction_date', { kind: 'timestamptz' }, 'timestamp with time zone'),
];
const key = ['transaction_id'];
const PRODUCTS = ['Dell Inspiron\tLaptop\tDell', 'iPhone 12\tMobile\tApple', 'ThinkPad\tLaptop\tLenovo'];

function copyText(rows: number): Buffer {
  const lines = Array.from({ length: rows }, (_, n) => {
    const product = (PRODUCTS[n % PRODUCTS.length] ?? '').replace('\t', ` ${n % 977}\t`);
    const price = `${10 + ((n * 7919) % 90_000)}.${String(n % 100).padStart(2, '0')}`;
    const time = new Date(1_700_000_000_000 + n * 61_234).toISOString().slice(0, 19).replace('T', ' ');
    return `${3001 + n}\t${product}\t${1 + (n % 9)}\t${price}\t${time}+00\n`;
  });
  return Buffer.from(lines.join(''));
}

async function measure(what: string, rows: number, run: () => unknown): Promise<void> {
  let best = 0;
  for (let round = 0; round < ROUNDS; round++) {
    const start = performance.now();
    await run();
    best = Math.max(best, rows / (performance.now() - start));
  }
  console.log(`${what.padEnd(34)} ${Math.round(best).toLocaleString('en').padStart(6)},000 rows/s`);
}

const rows = Number(process.argv[2] ?? 300_000);
const text = copyText(rows);
const directory = await mkdtemp(join(tmpdir(), 'headrace-bench-'));
const lake = await openLakeFiles({ scratch: directory });
try {
  const parse = (take: (value: Buffer) => void) => {
    const parser = createCopyRows({ columns, key }, { partitions: 6 });
    for (let at = 0; at < text.length; at += CHUNK_BYTES) {
      parser.push(text.subarray(at, at + CHUNK_BYTES), (_key, value) => {
        take(value);
        return true;
      });
    }
    parser.finish();
  };
  await measure('COPY text to key, value, hash', rows, () => parse(() => undefined));

  const values: Buffer[] = [];
  parse((value) => values.push(Buffer.from(value)));
  const buffer = createCutBuffer(0);
  const origin = Buffer.from(writeOrigin({ schema: 's', chunk: 1, replay: 'bench' }));
  const records = values.map((value, offset) => bufferedRecord(offset, value, origin));
  await measure('records into a cut, with SHA-256', rows, () => {
    buffer.reset();
    for (const record of records) {
      if (buffer.records() === CUT_ROWS) {
        buffer.sha256();
        buffer.reset();
      }
      buffer.append(record);
    }
  });

  buffer.reset();
  for (const record of records.slice(0, CUT_ROWS)) buffer.append(record);
  const cutRows = buffer.records();
  let path = '';
  await measure('a cut to Parquet', cutRows, async () => {
    const settings = encoderSettings({ format: 'parquet' });
    path = (await lake.encode({ ...buffer.content(), columns, key, settings }, directory)).files[0]?.path ?? '';
  });
  const files = [{ path, partition: 0, fromOffset: 0, toOffset: cutRows }];
  await measure('Parquet to CSV, last row a key', cutRows, () =>
    lake.exportForLoad(files, columns, key, 'parquet', join(directory, 'load.csv')),
  );
  await measure('row hashes over Parquet', cutRows, () => lake.sumsByChunk(files, columns, 'parquet'));
} finally {
  await lake.close();
  await rm(directory, { recursive: true });
}
