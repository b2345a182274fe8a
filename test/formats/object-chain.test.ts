/** Rows of ranges, by every small case: what is chosen never overlaps, covers the most, and with its gaps covers all. */
import { describe, expect, test } from 'vitest';
import { objectName, parseObjectName } from '../../contracts/manifest.ts';
import { chooseChain, gapsOf, type Range } from '../../formats/object-chain.ts';
import { readMetadata, writeMetadata } from '../../formats/object-facts.ts';

const covered = (ranges: readonly Range[]): number => ranges.reduce((sum, { start, end }) => sum + end - start, 0);
const joins = (ranges: readonly Range[]): boolean =>
  ranges.every(({ start }, i) => i === 0 || start >= (ranges[i - 1]?.end ?? 0));

/** All ways to choose some of them. */
function* subsets<T>(all: readonly T[]): Generator<T[]> {
  for (let bits = 0; bits < 2 ** all.length; bits++) yield all.filter((_, i) => (bits >> i) % 2 === 1);
}

describe('a chain', () => {
  test('of every five ranges over eight offsets covers as much as any choice can', () => {
    const ranges: Range[] = [];
    for (let start = 0; start < 7; start += 2)
      for (let end = start + 1; end <= 8; end += 2) ranges.push({ start, end });
    let tried = 0;
    for (const some of subsets(ranges)) {
      if (some.length > 5) continue;
      const { chain, aside } = chooseChain(some);
      expect(joins(chain)).toBe(true);
      expect(new Set([...chain, ...aside])).toEqual(new Set(some));
      let best = 0;
      for (const choice of subsets(some)) {
        if (joins(choice.sort((a, b) => a.start - b.start))) best = Math.max(best, covered(choice));
      }
      expect(covered(chain)).toBe(best);
      const gaps = gapsOf(chain, 0);
      const all = [...chain, ...gaps].sort((a, b) => a.start - b.start);
      expect(joins(all) && covered(all) === (chain.at(-1)?.end ?? 0)).toBe(true);
      tried += 1;
    }
    expect(tried).toBeGreaterThan(300);
  });

  test('of objects that join has no gap, and nothing is set aside', () => {
    const objects = [{ start: 10, end: 20 }, { start: 0, end: 10 }]; // prettier-ignore
    const { chain, aside } = chooseChain(objects);
    expect({ chain: chain.map(({ start }) => start), aside, gaps: gapsOf(chain, 0) }).toEqual({
      ...{ chain: [0, 10], aside: [], gaps: [] },
    });
  });
});

test('a gap is proven as far back as the object behind it says', () => {
  const chain = [
    { start: 5, end: 10, since: 3, sinceDeadLetters: 1 },
    { start: 12, end: 20, since: 10 },
    { start: 25, end: 30 },
  ];
  expect(gapsOf(chain, 0)).toEqual([
    { start: 0, end: 3, proven: false, deadLetters: 0 },
    { start: 3, end: 5, proven: true, deadLetters: 1 },
    { start: 10, end: 12, proven: true, deadLetters: 0 },
    { start: 20, end: 25, proven: false, deadLetters: 0 },
  ]);
});

describe('names', () => {
  test('come apart as they were put together', () => {
    const prefix = 'raw/topic=x/a b';
    for (const [extension, format] of [
      ['csv', 'csv'],
      ['csv.gz', 'csv'],
      ['jsonl.zst', 'jsonl'],
      ['c0123456789ab.parquet', 'parquet'],
    ] as const) {
      for (const folder of ['', 'country=US/', 'topic=x/day=2024-03-01/']) {
        const name = objectName(prefix, 'Zm9v_-A', 12, 0, 2 ** 53 - 1, extension, folder);
        const said = { topicId: 'Zm9v_-A', partition: 12, start: 0, end: 2 ** 53 - 1, format, extension, folder };
        expect(parseObjectName(prefix, name)).toEqual(said);
      }
    }
  });

  test.each([
    'raw/topic=t/partition=0/5-25.parquet',
    'raw/topic=t/partition=00/0000000000000000000-0000000000000000005.parquet',
    'raw/topic=t/partition=0/0000000000000000005-0000000000000000005.parquet',
    'raw/topic=t/partition=0/0000000000000000009-0000000000000000005.parquet',
    'raw/topic=t/partition=0/0000000000000000000-9999999999999999999.parquet',
    'raw/topic=t/partition=0/0000000000000000000-0000000000000000005.parquet.tmp',
    'raw/topic=t/partition=0/0000000000000000000-0000000000000000005.orc',
    'raw/old/topic=t/partition=0/0000000000000000000-0000000000000000005.parquet',
    'raw2/topic=t/partition=0/0000000000000000000-0000000000000000005.parquet',
  ])('%s is somebody else’s', (name) => {
    expect(parseObjectName('raw', name)).toBeNull();
  });
});

describe('metadata', () => {
  const facts = {
    ...{
      rows: 5,
      inputSha256: 'ab',
      schemaVersion: 'cd',
      deadLetters: 1,
      logStart: 0,
      since: 3,
      sinceDeadLetters: 2,
      objects: 3,
    },
    encoder: {
      ...({ format: 'parquet', version: 1, compression: 'zstd', rowGroupRows: 9 } as const),
      partitionBy: [{ column: 'Länder 😀' }],
    },
  };

  test('comes back as it was written, within what S3 takes', () => {
    const written = writeMetadata(facts);
    expect(JSON.stringify(written)).toMatch(/^[\x20-\x7e]*$/);
    expect(readMetadata(written)).toEqual(facts);
    expect(JSON.stringify(written).length).toBeLessThan(1024);
  });

  test('of an older version says less; of somebody else, nothing', () => {
    const older = { 'headrace-rows': '5', 'headrace-input-sha256': 'ab' };
    expect(readMetadata(older)).toEqual({ rows: 5, inputSha256: 'ab' });
    expect(readMetadata({ ...older, 'headrace-since': '-3', 'headrace-encoder': '{' })).toEqual({
      rows: 5,
      inputSha256: 'ab',
    });
    expect(readMetadata({})).toBeNull();
  });
});
