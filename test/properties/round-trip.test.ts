/**
 * For any values: what PostgreSQL prints, copy-rows writes and the encoder takes apart is read back from the lake as it was
 * printed, by way of Parquet; a row is changed by nobody, and none of ours is refused.
 */
import fc from 'fast-check';
import { readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import type { Column, ColumnType } from '../../contracts/columns.ts';
import { createCopyRows } from '../../formats/copy-rows.ts';
import { bufferedRecord, createCutBuffer } from '../../formats/cut-buffer.ts';
import { encoderSettings } from '../../formats/encoder-settings.ts';
import { openLakeForTests } from '../connectors/lake.ts';

const open = openLakeForTests();

const digits = (most: number) =>
  fc.integer({ min: 1, max: most }).chain((length) => fc.stringMatching(new RegExp(`^\\d{${length}}$`)));
const signed = (text: string, minus: boolean) => (minus && /[1-9]/.test(text) ? `-${text}` : text);
const plain = (text: string) => text.replace(/^0+(?=\d)/, '');
const two = (number: number) => String(number).padStart(2, '0');
const day = fc
  .date({ min: new Date('0001-01-01Z'), max: new Date('9999-12-31Z'), noInvalidDate: true })
  .map((date) => date.toISOString().slice(0, 10));
const clock = fc
  .tuple(fc.nat(23), fc.nat(59), fc.nat(59), fc.nat(999_999))
  .map(
    ([h, m, s, micros]) =>
      `${two(h)}:${two(m)}:${two(s)}${`.${String(micros).padStart(6, '0')}`.replace(/\.?0+$/, '')}`,
  );
const scaled = (whole: number, scale: number) =>
  fc
    .tuple(digits(whole), fc.stringMatching(new RegExp(`^\\d{${scale}}$`)), fc.boolean())
    .map(([a, b, minus]) => signed(`${plain(a)}.${b}`, minus));
const words = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 12 }).filter((text) => !text.includes('\0')),
  fc.string({
    unit: fc.constantFrom('\\', '"', '\t', '\n', '\r', 'N', ',', '{', '}', ' ', '\u0001', '\u001f', 'é', '😀'),
    maxLength: 12,
  }),
);

/** Column → its type and what PostgreSQL may print. */
const KINDS: readonly [name: string, type: ColumnType, sqlType: string, texts: fc.Arbitrary<string>][] = [
  ['small', { kind: 'int16' }, 'smallint', fc.integer({ min: -32_768, max: 32_767 }).map(String)],
  ['big', { kind: 'int64' }, 'bigint', fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }).map(String)],
  ['price', { kind: 'decimal', precision: 12, scale: 2 }, 'numeric(12,2)', scaled(10, 2)],
  ['wide', { kind: 'decimal', precision: 38, scale: 10 }, 'numeric(38,10)', scaled(28, 10)],
  [
    'free',
    { kind: 'decimal' },
    'numeric',
    fc.oneof(scaled(60, 7), digits(60).map(plain), fc.constantFrom('NaN', 'Infinity', '-Infinity')),
  ],
  ['yes', { kind: 'boolean' }, 'boolean', fc.constantFrom('t', 'f')],
  ['words', { kind: 'text' }, 'text', words],
  [
    'day',
    { kind: 'date' },
    'date',
    fc.oneof(day, fc.constantFrom('infinity', '-infinity', '0044-03-15 BC', '5874897-12-31')),
  ],
  ['clock', { kind: 'time' }, 'time without time zone', fc.oneof(clock, fc.constant('24:00:00'))],
  ['at', { kind: 'timestamp' }, 'timestamp without time zone', fc.tuple(day, clock).map((parts) => parts.join(' '))],
  [
    'instant',
    { kind: 'timestamptz' },
    'timestamp with time zone',
    fc.tuple(day, clock).map((parts) => `${parts.join(' ')}+00`),
  ],
  ['guid', { kind: 'uuid' }, 'uuid', fc.uuid()],
  [
    'raw',
    { kind: 'bytea' },
    'bytea',
    fc.uint8Array({ maxLength: 20 }).map((array) => `\\x${Buffer.from(array).toString('hex')}`),
  ],
];
const LIST: (typeof KINDS)[number] = [
  'list',
  { kind: 'array', element: { kind: 'int32' } },
  'integer[]',
  fc
    .array(fc.option(fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 }), { freq: 4 }))
    .map((list) => `{${list.map((each) => each ?? 'NULL').join(',')}}`),
];

const ESCAPES: Readonly<Record<string, string>> = {
  '\\': '\\\\',
  '\t': '\\t',
  '\n': '\\n',
  '\r': '\\r',
  '\b': '\\b',
  '\f': '\\f',
  '\v': '\\v',
};
/** As COPY writes a field. */
const copied = (text: string | null) =>
  text === null ? '\\N' : text.replaceAll(/[\\\t\n\r\b\f\v]/g, (found) => ESCAPES[found] ?? found);

/** Fields of CSV; an unquoted empty one is NULL. */
function parseCsv(text: string): (string | null)[][] {
  const rows: (string | null)[][] = [];
  let row: (string | null)[] = [];
  const field = /("(?:[^"]|"")*"|[^,\n]*)([,\n])/gy;
  for (let found = field.exec(text); found; found = field.exec(text)) {
    const [, part = '', end] = found;
    row.push(part.startsWith('"') ? part.slice(1, -1).replaceAll('""', '"') : part === '' ? null : part);
    if (end === ',') continue;
    rows.push(row);
    row = [];
  }
  return rows;
}

async function roundTrip(kinds: typeof KINDS, table: readonly (readonly (string | null)[])[], chunkBytes: number) {
  const id: Column = { name: 'id', type: { kind: 'int32' }, sqlType: 'integer', nullable: false };
  const columns = [id, ...kinds.map(([name, type, sqlType]): Column => ({ name, type, sqlType, nullable: true }))];
  const buffer = createCutBuffer(0);
  const rows = createCopyRows({ columns, key: ['id'] }, { partitions: 1 });
  const text = Buffer.from(table.map((row, i) => `${[String(i), ...row].map(copied).join('\t')}\n`).join(''));
  let offset = 0;
  for (let at = 0; at < text.length; at += chunkBytes) {
    rows.push(Buffer.from(text.subarray(at, at + chunkBytes)), (_key, value) => {
      buffer.append(bufferedRecord(offset++, value, null));
      return true;
    });
  }
  rows.finish();
  const input = { ...buffer.content(), columns, key: ['id'], settings: encoderSettings({ format: 'parquet' }) };
  const { files, bad } = await open.lake.encode(input, open.directory);
  expect(bad).toEqual([]);
  const csv = join(open.directory, 'rows.csv');
  const path = files[0]?.path ?? '';
  const file = { path, partition: 0, fromOffset: 0, toOffset: table.length };
  await open.lake.exportForLoad([file], columns, ['id'], 'parquet', csv);
  const found = parseCsv(await readFile(csv, 'utf8')).sort((a, b) => Number(a[0]) - Number(b[0]));
  await rm(path, { force: true });
  return found.map(([, ...rest]) => rest);
}

const tableOf = (kinds: typeof KINDS) =>
  fc.array(fc.tuple(...kinds.map(([, , , texts]) => fc.option(texts, { freq: 8 }))), { minLength: 1, maxLength: 15 });

test.each([
  ['of every scalar type', KINDS, 20],
  ['of text alone', KINDS.filter(([name]) => name === 'words'), 40],
  ['with a list beside them', [LIST, ...KINDS], 25],
] as const)('rows %s are read from the lake as PostgreSQL printed them', async (_, kinds, numRuns) => {
  await fc.assert(
    fc.asyncProperty(tableOf(kinds), fc.integer({ min: 1, max: 200 }), async (table, chunkBytes) => {
      expect(await roundTrip(kinds, table, chunkBytes)).toEqual(table);
    }),
    { numRuns },
  );
});
