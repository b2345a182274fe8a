/** parquetjs-lite as an independent second reader of the encoder's Parquet: what it reads is right, what it cannot is told. */
import { expect, it } from 'vitest';
import type { LakeFile } from '../../activities/ports/lake-files.ts';
import { firstRows } from '../../connectors/parquetjs/first-rows.ts';
import type { Column } from '../../contracts/columns.ts';
import { writeOrigin } from '../../contracts/messages.ts';
import type { Compression } from '../../contracts/pipeline.ts';
import { bufferedRecord, createCutBuffer } from '../../formats/cut-buffer.ts';
import { encoderSettings } from '../../formats/encoder-settings.ts';
import { column, openLakeForTests } from './lake.ts';

const open = openLakeForTests();

const id = column('id', { kind: 'int64' }, 'bigint');
const ORIGIN = Buffer.from(writeOrigin({ schema: 's', chunk: 4, replay: 'r' }));

async function fileOf(columns: Column[], values: unknown[], compression: Compression = 'snappy'): Promise<LakeFile> {
  const buffer = createCutBuffer(1);
  values.forEach((value, at) => buffer.append(bufferedRecord(at, Buffer.from(JSON.stringify(value)), ORIGIN)));
  const settings = encoderSettings({ format: 'parquet', compression });
  const { files, bad } = await open.lake.encode(
    { ...buffer.content(), columns, key: ['id'], settings },
    open.directory,
  );
  expect(bad).toEqual([]);
  const path = files[0]?.path ?? '';
  return { path, form: settings, partition: 1, fromOffset: 0, toOffset: values.length, object: 'the/object' };
}

const PLAIN = [
  id,
  column('small', { kind: 'int16' }, 'smallint'),
  column('words', { kind: 'text' }, 'text'),
  column('price', { kind: 'float64' }, 'double precision'),
  column('yes', { kind: 'boolean' }, 'boolean'),
  column('free', { kind: 'decimal' }, 'numeric'),
];
const values = Array.from({ length: 5_000 }, (_, n) => ({
  id: n,
  small: (n % 700) - 350,
  words: n % 7 === 0 ? null : `row "${n % 50}",\n é😀`,
  price: n / 8,
  yes: n % 2 === 0,
  free: n % 3 === 0 ? null : `${n}.12345678901234567890`,
}));

it.each(['snappy', 'none'] as const)('reads what the encoder wrote, compressed with %s', async (compression) => {
  const file = await fileOf(PLAIN, values, compression);
  const rows = await firstRows(file, PLAIN, values.length + 1);
  expect(rows).toHaveLength(values.length);
  for (const [n, value] of values.entries()) {
    const texts = Object.entries(value).map(([name, each]) => [name, each === null ? null : String(each)] as const);
    const lineage = { _replay: 'r', _chunk: '4', _partition: '1', _offset: String(n) };
    expect(rows[n]).toEqual({ ...Object.fromEntries(texts), ...lineage });
  }
  expect(await firstRows({ ...file, fromOffset: 10, toOffset: 12 }, PLAIN, 9)).toEqual(rows.slice(10, 12));
});

it('shows what it reads otherwise than it was written', async () => {
  const columns = [
    id,
    column('at', { kind: 'timestamptz' }, 'timestamp with time zone'),
    column('guid', { kind: 'uuid' }, 'uuid'),
    column('list', { kind: 'array', element: { kind: 'int32' } }, 'integer[]'),
  ];
  const guid = 'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11';
  const old = { id: 2, at: '1969-12-31T23:59:59.999999Z', guid: null, list: null };
  const file = await fileOf(columns, [{ id: 1, at: '2024-03-01T10:00:00.123456Z', guid, list: [1, null] }, old]);
  const [right] = await open.lake.firstRows(file, columns, 1);
  expect(right).toMatchObject({ at: '2024-03-01 10:00:00.123456+00', guid, list: '{1,NULL}' });
  const [row, before] = await firstRows(file, columns, 2);
  expect(before).toMatchObject({ at: '1970-01-01T00:00:00.000Z' }); // towards zero
  expect(row).toMatchObject({
    at: '2024-03-01T10:00:00.123Z', // microseconds are cut off
    guid: `\\x${guid.replaceAll('-', '')}`,
    list: '{"list":[{"element":1},{}]}',
  });
});

it.each<[string, Column[], unknown, Compression, RegExp]>([
  ['zstd', PLAIN, values[0], 'zstd', /zstd, which parquetjs-lite does not have \(lake.compression: snappy or none\)/],
  [
    'decimals',
    [id, column('price', { kind: 'decimal', precision: 12, scale: 2 }, 'numeric(12,2)')],
    { id: 1, price: 1.25 },
    'snappy',
    /does not know decimals and refuses the whole file for the columns "price"/,
  ],
])('says why it cannot read %s', async (_what, columns, value, compression, reason) => {
  const file = await fileOf(columns, [value], compression);
  await expect(firstRows(file, columns, 5)).rejects.toMatchObject({
    code: 'ConfigInvalid',
    message: expect.stringMatching(reason) as string,
  });
  await expect(firstRows(file, columns, 5)).rejects.toThrow(/cannot read the\/object.*--reader duckdb/);
});
