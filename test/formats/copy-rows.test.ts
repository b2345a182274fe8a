import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import type { Column, ColumnType, TableShape } from '../../contracts/columns.ts';
import { createCopyRows, type CopyRows } from '../../formats/copy-rows.ts';

const shapeOf = (types: Record<string, ColumnType>, key: string[]): TableShape => ({
  columns: Object.entries(types).map(([name, type]): Column => ({ name, type, nullable: true, sqlType: 'x' })),
  key,
});

interface Seen {
  key: string;
  value: string;
  partition: number;
}
/** Pushes the text cut into pieces of `size` bytes. */
function run(rows: CopyRows, text: string, size = 1 << 20): Seen[] {
  const seen: Seen[] = [];
  const bytes = Buffer.from(text);
  for (let at = 0; at < bytes.length; at += size) {
    rows.push(bytes.subarray(at, at + size), (key, value, partition) => {
      seen.push({ key: key.toString(), value: value.toString(), partition });
      return true;
    });
  }
  rows.finish();
  return seen;
}
const one = (type: ColumnType, text: string) =>
  (
    JSON.parse(
      run(createCopyRows(shapeOf({ k: { kind: 'int32' }, v: type }, ['k']), { partitions: 1 }), `1\t${text}\n`)[0]
        ?.value ?? '',
    ) as { v: unknown }
  ).v;
const raw = (type: ColumnType, text: string) =>
  run(
    createCopyRows(shapeOf({ k: { kind: 'int32' }, v: type }, ['k']), { partitions: 1 }),
    `1\t${text}\n`,
  )[0]?.value.slice(11, -1);
const keyOf = (type: ColumnType, text: string) =>
  run(createCopyRows(shapeOf({ k: type }, ['k']), { partitions: 1 }), `${text}\n`)[0]?.key;

describe('JSON forms', () => {
  it.each<[ColumnType, string, string]>([
    [{ kind: 'int16' }, '-32768', '-32768'],
    [{ kind: 'int64' }, '999999999999999', '999999999999999'],
    [{ kind: 'int64' }, '-999999999999999', '-999999999999999'],
    [{ kind: 'int64' }, '1000000000000000', '"1000000000000000"'],
    [{ kind: 'int64' }, '-9223372036854775808', '"-9223372036854775808"'],
    [{ kind: 'decimal', precision: 12, scale: 2 }, '0.10', '0.10'],
    [{ kind: 'decimal', precision: 12, scale: 2 }, 'NaN', '"NaN"'],
    [{ kind: 'decimal', precision: 16, scale: 2 }, '0.10', '"0.10"'],
    [{ kind: 'decimal', precision: 14, scale: -2 }, '1200', '"1200"'],
    [{ kind: 'decimal', precision: 3, scale: 5 }, '0.00123', '"0.00123"'],
    [{ kind: 'decimal' }, '1.00', '"1.00"'],
    [{ kind: 'decimal' }, '-Infinity', '"-Infinity"'],
    [{ kind: 'float64' }, '1e+20', '1e+20'],
    [{ kind: 'float64' }, '-0', '-0'],
    [{ kind: 'float64' }, '-Infinity', '"-Infinity"'],
    [{ kind: 'float32' }, 'NaN', '"NaN"'],
    [{ kind: 'boolean' }, 't', 'true'],
    [{ kind: 'boolean' }, 'f', 'false'],
    [{ kind: 'text' }, '', '""'],
    [{ kind: 'text' }, '\\N', 'null'],
    [{ kind: 'text' }, '\\\\N', '"\\\\N"'],
    [{ kind: 'text' }, '\\\\\\t\\n\\r\\b\\f\\v"\x01\x1f\x7f/', '"\\\\\\t\\n\\r\\b\\f\\u000b\\"\\u0001\\u001f\x7f/"'],
    [{ kind: 'text' }, 'é😀\u2028', '"é😀\u2028"'],
    [{ kind: 'char', length: 4 }, 'ab  ', '"ab  "'],
    [{ kind: 'date' }, '0044-03-15 BC', '"0044-03-15 BC"'],
    [{ kind: 'time' }, '24:00:00', '"24:00:00"'],
    [{ kind: 'timestamp' }, '2024-03-01 10:00:00.123456', '"2024-03-01T10:00:00.123456"'],
    [{ kind: 'timestamp' }, '-infinity', '"-infinity"'],
    [{ kind: 'timestamptz' }, '12024-03-01 10:00:00.5+00', '"12024-03-01T10:00:00.5Z"'],
    [{ kind: 'timestamptz' }, '0044-03-15 10:00:00+00 BC', '"0044-03-15 10:00:00+00 BC"'],
    [{ kind: 'json' }, '{"a": [1.0,\\n2]}', '"{\\"a\\": [1.0,\\n2]}"'],
    [{ kind: 'bytea' }, '\\\\x00ff', '"00ff"'],
    [{ kind: 'bytea' }, '\\\\x', '""'],
    [{ kind: 'array', element: { kind: 'int32' } }, '{}', '[]'],
    [{ kind: 'array', element: { kind: 'int32' } }, '{{1,NULL},{3,4}}', '[[1,null],[3,4]]'],
    [{ kind: 'array', element: { kind: 'int32' } }, '{{{1}},{{2}}}', '[[[1]],[[2]]]'],
    [{ kind: 'array', element: { kind: 'int32' } }, '[0:1]={1,2}', '"[0:1]={1,2}"'],
    [
      { kind: 'array', element: { kind: 'text' } },
      '{"NULL",NULL,"a\\\\"b\\\\\\\\","",x}',
      '["NULL",null,"a\\"b\\\\","","x"]',
    ],
    [{ kind: 'array', element: { kind: 'bytea' } }, '{"\\\\\\\\x00ff"}', '["00ff"]'],
    [
      { kind: 'array', element: { kind: 'timestamptz' } },
      '{"2024-03-01 10:00:00+00",infinity}',
      '["2024-03-01T10:00:00Z","infinity"]',
    ],
  ])('%j %s', (type, text, expected) => {
    expect(raw(type, text)).toBe(expected);
  });

  it('is valid JSON for every byte', () => {
    const all = Array.from({ length: 127 }, (_, i) => String.fromCharCode(i + 1)).join('');
    const copy = all.replaceAll('\\', '\\\\').replaceAll('\t', '\\t').replaceAll('\n', '\\n');
    expect(one({ kind: 'text' }, copy)).toBe(all);
    expect(one({ kind: 'text' }, copy.repeat(100))).toBe(all.repeat(100));
  });
});

describe('keys', () => {
  it.each<[ColumnType, string, string]>([
    [{ kind: 'decimal' }, '1.00', '{"k":"1"}'],
    [{ kind: 'decimal' }, '100', '{"k":"100"}'],
    [{ kind: 'decimal' }, '0.00', '{"k":"0"}'],
    [{ kind: 'decimal' }, '-0.50', '{"k":"-0.5"}'],
    [{ kind: 'decimal', precision: 12, scale: 2 }, '1.00', '{"k":1.00}'],
    [{ kind: 'char', length: 4 }, 'a   ', '{"k":"a"}'],
    [{ kind: 'float64' }, '-0', '{"k":0}'],
    [{ kind: 'text' }, 'a ', '{"k":"a "}'],
    [{ kind: 'timestamptz' }, '2024-03-01 10:00:00+00', '{"k":"2024-03-01T10:00:00Z"}'],
  ])('%j %s', (type, text, expected) => {
    expect(keyOf(type, text)).toBe(expected);
  });

  it('are in key order, and given back as printed', () => {
    const rows = createCopyRows(shapeOf({ a: { kind: 'text' }, b: { kind: 'decimal' } }, ['b', 'a']), {
      partitions: 7,
    });
    expect(rows.lastKey()).toBeNull();
    expect(run(rows, 'x\\ty\t1.00\nz\\\\\t2\n').map((row) => row.key)).toEqual([
      '{"b":"1","a":"x\\ty"}',
      '{"b":"2","a":"z\\\\"}',
    ]);
    expect(rows.lastKey()).toEqual(['2', 'z\\']);
  });
});

describe('stream', () => {
  const shape = shapeOf({ id: { kind: 'int64' }, name: { kind: 'text' } }, ['id']);
  const text = Array.from({ length: 50 }, (_, i) => `${i}\tname ${'é\\n'.repeat(i)}\n`).join('');

  it('does not hang on where chunks are cut', () => {
    const whole = createCopyRows(shape, { partitions: 3 });
    const expected = run(whole, text);
    for (const size of [1, 2, 3, 7, 64, 1000]) {
      const rows = createCopyRows(shape, { partitions: 3 });
      expect(run(rows, text, size)).toEqual(expected);
      expect(rows.sums()).toEqual(whole.sums());
    }
  });

  it('offers a row until it is taken, and counts it once', () => {
    const expected = createCopyRows(shape, { partitions: 3 });
    const values = run(expected, text).map((row) => row.value);
    const rows = createCopyRows(shape, { partitions: 3 });
    const taken: string[] = [];
    let calls = 0;
    const reluctant = (_key: Buffer, value: Buffer) => {
      if (++calls % 3 !== 0) return false;
      taken.push(value.toString());
      return true;
    };
    const bytes = Buffer.from(text);
    for (let at = 0; at < bytes.length; at += 100) {
      let done = rows.push(bytes.subarray(at, at + 100), reluctant);
      while (!done) {
        expect(rows.sums().rows).toBe(taken.length);
        if (taken.length > 0) expect(rows.lastKey()).toEqual([String(taken.length - 1)]);
        done = rows.resume(reluctant);
      }
    }
    rows.finish();
    expect(taken).toEqual(values);
    expect(rows.sums()).toEqual(expected.sums());
    rows.resetSums();
    expect(rows.sums()).toEqual({ rows: 0, checksum: 0n });
  });

  it('sums the first 60 bits of the md5 of the canonical fields', () => {
    const rows = createCopyRows(shape, { partitions: 3 });
    run(rows, '7\tab\n8\t\\N\n');
    const hash = (canonical: string) => BigInt(`0x${createHash('md5').update(canonical).digest('hex').slice(0, 15)}`);
    expect(rows.sums().checksum).toBe(hash('1:72:ab') + hash('1:8~'));
  });

  it.each([
    ['1\n', /fewer than the 2 columns/],
    ['1\ta\tb\n', /more than the 2 columns/],
    ['\\N\ta\n', /key column "id" holds a NULL/],
  ])('refuses %j', (row, message) => {
    expect(() => run(createCopyRows(shape, { partitions: 1 }), row)).toThrow(message);
  });

  it('refuses a row that is cut off, and times that are not UTC', () => {
    expect(() => run(createCopyRows(shape, { partitions: 1 }), '1\ta\n2\tb')).toThrow(/in the middle/);
    const zoned = shapeOf({ id: { kind: 'int64' }, at: { kind: 'timestamptz' } }, ['id']);
    expect(() => run(createCopyRows(zoned, { partitions: 1 }), '1\t2024-01-01 00:00:00+02\n')).toThrow(/TimeZone=UTC/);
  });
});
