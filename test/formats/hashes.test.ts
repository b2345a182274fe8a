import { hash, randomBytes } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { md5First60, type Hash60 } from '../../formats/md5.ts';
import { murmur2, partitionOf } from '../../formats/murmur2.ts';
import { createRunningSum, hash60ToBigint } from '../../formats/row-hash.ts';
import { schemaVersion } from '../../formats/schema-version.ts';
import { appendInteger, createScratch } from '../../formats/scratch.ts';

describe('murmur2', () => {
  // From Kafka's own UtilsTest.testMurmur2.
  it.each([
    ['21', -973932308],
    ['foobar', -790332482],
    ['a-little-bit-long-string', -985981536],
    ['a-little-bit-longer-string', -1486304829],
    ['lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8', -58897971],
    ['abc', 479470107],
  ])('%s', (text, expected) => {
    const bytes = Buffer.from(text);
    expect(murmur2(bytes, bytes.length)).toBe(expected);
    expect(partitionOf(bytes, bytes.length, 6)).toBe((expected & 0x7fffffff) % 6);
  });

  it('takes bytes beyond 0x7f as Java does: unsigned', () => {
    const bytes = Buffer.from([0xff, 0xfe, 0xfd, 0xfc, 0xfb]);
    const longer = Buffer.concat([bytes, Buffer.from([1])]);
    expect(murmur2(bytes, 5)).toBe(murmur2(longer, 5));
  });
});

it('md5 is the library’s, at every length', () => {
  const out: Hash60 = { high: 0, low: 0 };
  for (let length = 0; length < 1200; length++) {
    const bytes = randomBytes(length);
    const scratch = createScratch(length);
    bytes.copy(scratch.bytes);
    md5First60(scratch, length, out);
    expect(hash60ToBigint(out)).toBe(BigInt(`0x${hash('md5', bytes).slice(0, 15)}`));
  }
});

it('sums stay exact over the carry', () => {
  const sum = createRunningSum();
  const most: Hash60 = { high: 2 ** 30 - 1, low: 2 ** 30 - 1 };
  const rows = 2 ** 22 + 5;
  for (let i = 0; i < rows; i++) sum.add(most);
  expect(sum.total()).toBe(BigInt(rows) * (2n ** 60n - 1n));
  sum.add(most);
  expect(sum.total()).toBe(BigInt(rows + 1) * (2n ** 60n - 1n));
  expect(sum.rows()).toBe(rows + 1);
});

it.each([0, 7, 10, 99_999_999, 100_000_000, 1e15, -1, -62_135_596_800_000_000, 8_639_999_999_999_999])(
  'writes %d',
  (value) => {
    const out = createScratch(8);
    appendInteger(out, value);
    expect(out.bytes.toString('latin1', 0, out.at)).toBe(String(value));
  },
);

it('a schema version is another when a name, type, order or key is', () => {
  const a = { name: 'a', type: { kind: 'int32' }, nullable: false, sqlType: 'integer' } as const;
  const b = {
    name: 'b',
    type: { kind: 'decimal', precision: 12, scale: 2 },
    nullable: true,
    sqlType: 'numeric(12,2)',
  } as const;
  const versions = [
    { columns: [a, b], key: ['a'] },
    { columns: [b, a], key: ['a'] },
    { columns: [a, b], key: ['a', 'b'] },
    { columns: [a, { ...b, type: { ...b.type, scale: 3 } }], key: ['a'] },
    { columns: [{ ...a, name: 'c' }, b], key: ['a'] },
    { columns: [{ ...a, nullable: true }, b], key: ['a'] },
  ].map(schemaVersion);
  expect(new Set(versions).size).toBe(versions.length);
  expect(schemaVersion({ columns: [a, b], key: ['a'] })).toBe(versions[0]);
  expect(
    schemaVersion({ columns: [a, { ...b, type: { scale: 2, precision: 12, kind: 'decimal' } }], key: ['a'] }),
  ).toBe(versions[0]);
});
