/** Records that are not what they seem: each is told with its offset and reason, and harms no other. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { Column, ColumnType } from '../../contracts/columns.ts';
import { LAKE_FORMATS, type LakeFormat } from '../../contracts/pipeline.ts';
import { encoderSettings } from '../../formats/encoder-settings.ts';
import { bufferedRecord, createCutBuffer } from '../../formats/cut-buffer.ts';
import { column, openLakeForTests } from './lake.ts';

const open = openLakeForTests();

const id = column('id', { kind: 'int32' }, 'integer', false);

/** Encodes the values, one record each from offset 0 on, and reads back what a load would get. */
async function encode(columns: Column[], values: (string | Buffer | null)[], format: LakeFormat = 'parquet') {
  const buffer = createCutBuffer(2);
  values.forEach((value, offset) => {
    buffer.append(bufferedRecord(offset, typeof value === 'string' ? Buffer.from(value) : value, null));
  });
  const input = { ...buffer.content(), columns, key: ['id'], settings: encoderSettings({ format }) };
  const encoded = await open.lake.encode(input, open.directory);
  const csv = join(open.directory, 'load.csv');
  const files = encoded.files.map(({ path }) => ({ path, partition: 2, fromOffset: 0, toOffset: values.length }));
  await open.lake.exportForLoad(files, columns, ['id'], format, csv);
  return { ...encoded, load: await readFile(csv, 'utf8') };
}

describe('values that are not of the column’s type', () => {
  it.each<[ColumnType, string, string]>([
    [{ kind: 'int32' }, 'integer', '1.5'],
    [{ kind: 'int32' }, 'integer', '1.0'],
    [{ kind: 'int32' }, 'integer', '"1"'],
    [{ kind: 'int32' }, 'integer', 'true'],
    [{ kind: 'int32' }, 'integer', '2147483648'],
    [{ kind: 'int16' }, 'smallint', '32768'],
    [{ kind: 'int64' }, 'bigint', '9223372036854775808'],
    [{ kind: 'int64' }, 'bigint', '"1_000"'],
    [{ kind: 'int64' }, 'bigint', '" 1"'],
    [{ kind: 'decimal', precision: 12, scale: 2 }, 'numeric(12,2)', '1.005'],
    [{ kind: 'decimal', precision: 12, scale: 2 }, 'numeric(12,2)', '"abc"'],
    [{ kind: 'decimal', precision: 12, scale: 2 }, 'numeric(12,2)', '10000000000.00'],
    [{ kind: 'decimal', precision: 2, scale: 2 }, 'numeric(2,2)', '5.50'],
    [{ kind: 'decimal', precision: 5, scale: -2 }, 'numeric(5,-2)', '1234'],
    [{ kind: 'decimal', precision: 50, scale: 10 }, 'numeric(50,10)', '"1.00000000001"'],
    [{ kind: 'decimal', precision: 3, scale: 5 }, 'numeric(3,5)', '"0.01000"'],
    [{ kind: 'decimal' }, 'numeric', '"1,5"'],
    [{ kind: 'float32' }, 'real', '1e39'],
    [{ kind: 'float64' }, 'double precision', '"1.5"'],
    [{ kind: 'boolean' }, 'boolean', '1'],
    [{ kind: 'boolean' }, 'boolean', '"true"'],
    [{ kind: 'text' }, 'text', '5'],
    [{ kind: 'text' }, 'text', '{"a":1}'],
    [{ kind: 'text' }, 'text', '["a"]'],
    [{ kind: 'text' }, 'text', '"a\\u0000b"'],
    [{ kind: 'text' }, 'text', '"\\ud800"'],
    [{ kind: 'text' }, 'character varying(3)', '"abcd"'],
    [{ kind: 'char', length: 3 }, 'character(3)', '"abcd"'],
    [{ kind: 'date' }, 'date', '"2024-02-30"'],
    [{ kind: 'date' }, 'date', '"2024-3-1"'],
    [{ kind: 'date' }, 'date', '"2024-03-01 "'],
    [{ kind: 'date' }, 'date', '"epoch"'],
    [{ kind: 'date' }, 'date', '20240301'],
    [{ kind: 'time' }, 'time without time zone', '"25:00:00"'],
    [{ kind: 'timestamp' }, 'timestamp without time zone', '"2024-03-01T10:00:00Z"'],
    [{ kind: 'timestamp' }, 'timestamp(3) without time zone', '"2024-03-01T10:00:00.1234"'],
    [{ kind: 'timestamptz' }, 'timestamp with time zone', '"2024-03-01T10:00:00"'],
    [{ kind: 'timestamptz' }, 'timestamp with time zone', '"2024-03-01T10:00:00+02:00"'],
    [{ kind: 'uuid' }, 'uuid', '"a0eebc99"'],
    [{ kind: 'json' }, 'json', '{"a":1}'],
    [{ kind: 'json' }, 'json', '"{\\"a\\":1,}"'],
    [{ kind: 'json' }, 'json', '"NaN"'],
    [{ kind: 'jsonb' }, 'jsonb', '"\\"\\\\u0000\\""'],
    [{ kind: 'bytea' }, 'bytea', '"0g"'],
    [{ kind: 'bytea' }, 'bytea', '"abc"'],
    [{ kind: 'array', element: { kind: 'int32' } }, 'integer[]', '1'],
    [{ kind: 'array', element: { kind: 'int32' } }, 'integer[]', '[1.5]'],
    [{ kind: 'array', element: { kind: 'int32' } }, 'integer[]', '[[1],[2,3]]'],
    [{ kind: 'array', element: { kind: 'int32' } }, 'integer[]', '[[1],2]'],
    [{ kind: 'array', element: { kind: 'int32' } }, 'integer[]', '"[0:1]={1,2,3}"'],
    [{ kind: 'array', element: { kind: 'int32' } }, 'integer[]', '"{1,2}"'],
    [{ kind: 'array', element: { kind: 'text' } }, 'text[]', '["a",{"b":1}]'],
  ])('%j %s: %s', async (type, sqlType, value) => {
    const columns = [id, column('v', type, sqlType)];
    const found = await encode(columns, ['{"id":1,"v":null}', `{"id":2,"v":${value}}`, '{"id":3,"v":null}']);
    expect(found.bad.map((bad) => bad.offset)).toEqual([1]);
    expect(found.bad[0]?.reason).toMatch(/^column "v": ./);
    expect(found.load).toBe('1,\n3,\n');
  });
});

describe('foreign but right values', () => {
  it.each<[ColumnType, string, string, string]>([
    [{ kind: 'int64' }, 'bigint', ' "7" ', '7'],
    [{ kind: 'int32' }, 'integer', '-0', '0'],
    [{ kind: 'decimal', precision: 12, scale: 2 }, 'numeric(12,2)', '1e2', '100.00'],
    [{ kind: 'decimal', precision: 12, scale: 2 }, 'numeric(12,2)', '"7.5"', '7.50'],
    [{ kind: 'decimal', precision: 12, scale: 2 }, 'numeric(12,2)', '"NaN"', 'NaN'],
    [{ kind: 'decimal', precision: 50, scale: 3 }, 'numeric(50,3)', '1.5', '1.500'],
    [{ kind: 'float64' }, 'double precision', '1E5', '100000.0'],
    [{ kind: 'float64' }, 'double precision', '9.999999999999999e+22', '1e+23'],
    [{ kind: 'float64' }, 'double precision', '-0.0', '-0'],
    [{ kind: 'text' }, 'text', '"\\u00e9\\/\\u0001"', 'é/\u0001'],
    [{ kind: 'char', length: 3 }, 'character(3)', '"a"', 'a  '],
    [{ kind: 'timestamptz' }, 'timestamp with time zone', '"2024-03-01 10:00:00.500+00"', '2024-03-01 10:00:00.5+00'],
    [{ kind: 'uuid' }, 'uuid', '"A0EEBC99-9C0B-4EF8-BB6D-6BB9BD380A11"', 'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11'],
    [{ kind: 'array', element: { kind: 'int32' } }, 'integer[]', '[ 1, null ]', '"{1,NULL}"'],
  ])('%j %s: %s', async (type, sqlType, value, text) => {
    const found = await encode([id, column('v', type, sqlType)], [`{ "v" :${value},\n\t"id":1\r\n}`, '{"id":2}']);
    expect(found.bad).toEqual([]);
    expect(found.load).toBe(`1,${text}\n2,\n`);
  });
});

describe('records that are no rows', () => {
  const columns = [id, column('v', { kind: 'text' }, 'text')];
  const good = (n: number) => `{"id":${n},"v":"x"}`;
  it.each<[string, string | Buffer | null, RegExp]>([
    ['a tombstone', null, /no value/],
    ['an empty value', '', /no value/],
    ['text', 'hello', /not JSON/],
    ['half an object', '{"id":2,"v":"x"', /not JSON/],
    ['two objects', '{"id":2,"v":"x"}{"id":2,"v":"x"}', /not JSON/],
    ['a trailing comma', '{"id":2,"v":"x",}', /not JSON/],
    ['an array', '[1,2]', /not a JSON object/],
    ['a name twice', '{"id":2,"v":"x","v":"y"}', /comes twice/],
    ['a name too many', '{"id":2,"v":"x","w":1}', /"w" is no column/],
    ['a missing key', '{"v":"x"}', /"id" must not be NULL/],
    ['a NULL key', '{"id":null,"v":"x"}', /"id" must not be NULL/],
    ['bytes that are not UTF-8', Buffer.from([0x7b, 0xff, 0xfe, 0x7d]), /not UTF-8/],
    ['a NUL', '{"id":2,"v":"\0"}', /not JSON/],
    ['a line of its own', `{"id":2,"v":"x"}\n7\t0\t\t{"id":7,"v":"spoofed"}`, /not JSON/],
    ['only a line break', '\n', /not JSON/],
    ['tabs', '{"id":2}\t\t\t', /never/],
    ['the wrapper of old', '{},"o":7,"v":{}', /not JSON/],
    ['deep nesting', `{"id":2,"v":${'['.repeat(100_000)}${']'.repeat(100_000)}}`, /nested deeper|not JSON/],
  ])('%s', async (name, value, reason) => {
    for (const format of LAKE_FORMATS) {
      const found = await encode(columns, [good(1), value, good(3)], format);
      if (name === 'tabs') {
        expect(found).toMatchObject({ bad: [], load: '1,x\n2,\n3,x\n' });
        continue;
      }
      expect(found.bad.map((bad) => bad.offset)).toEqual([1]);
      expect(found.bad[0]?.reason).toMatch(reason);
      expect(found.load).toBe('1,x\n3,x\n');
    }
  });

  it('make no file where there are no others', async () => {
    expect(await encode(columns, ['x', null])).toMatchObject({ files: [], rows: 0, load: '' });
    expect(await encode(columns, [])).toMatchObject({ files: [], rows: 0, bad: [] });
  });

  it('of any kind, among thousands, are the only ones missing', async () => {
    const values = Array.from({ length: 20_000 }, (_, n) => (n % 777 === 5 ? `bad ${n}` : good(n)));
    const found = await encode(columns, values);
    expect(found.bad.map((bad) => bad.offset)).toEqual(
      values.flatMap((value, n) => (value.startsWith('bad') ? [n] : [])),
    );
    expect(found.load).toBe(values.flatMap((value, n) => (value.startsWith('bad') ? [] : [`${n},x\n`])).join(''));
  });
});

it('has one row a key, also where a record of it came the hard way and another the easy one', async () => {
  const columns = [id, column('x"f', { kind: 'float64' }, 'float8'), column('f', { kind: 'float64' }, 'float8')];
  const values = ['{"id":1,"x\\"f":1.5,"f":2}', '{"id":1, "x\\"f":1.5,"f":1e+15}', '{"id":1, "x\\"f":2,"f":1e23}'];
  const { bad, load } = await encode(columns, values);
  expect(bad).toEqual([]);
  expect(load.trim().split('\n')).toHaveLength(1);
});

it('takes a value of many megabytes', async () => {
  const long = 'x\\n'.repeat(3_000_000);
  const columns = [id, column('v', { kind: 'text' }, 'text')];
  const found = await encode(columns, [`{"id":1,"v":"${long}"}`, '{"id":2,"v":"y"}']);
  expect(found).toMatchObject({ rows: 2, bad: [] });
  expect(found.load.length).toBe(6_000_000 + '1,""\n2,y\n'.length);
  const refused = await encode(columns, [`{"id":1,"v":"${long}"}`, '{"id":2,"v":"y"}'], 'csv');
  expect(refused).toMatchObject({ rows: 1, bad: [{ offset: 0 }], load: '2,y\n' });
});
