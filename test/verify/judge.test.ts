/** What each kind of difference is called, from the three sides' rows and sums. */
import { describe, expect, it } from 'vitest';
import type { SourceFinding } from '../../activities/ports/verify.ts';
import { bucketCount, differing, groups, isSumOf } from '../../activities/verify-buckets.ts';
import { compareChunks } from '../../activities/verify-chunks.ts';
import { type Sides, judgeBeyond, judgeKeys, noFindings } from '../../activities/verify-keys.ts';

const row = (key: string, hash: number) => ({ key, hash: BigInt(hash) });
const held = (key: string, hash: number, inScope = true, beyond = false) => ({
  ...row(key, hash),
  lakeHash: BigInt(hash),
  values: [key],
  inScope,
  beyond,
});
const now = (key: string, hash: number, changedSince = false) => ({ ...row(key, hash), changedSince });

async function judge(sides: Partial<Sides>, found: Record<string, Partial<SourceFinding>> = {}) {
  const findings = noFindings();
  const asked: string[] = [];
  const none = { lake: [], warehouse: [], source: [], discarded: new Set<string>() };
  const all = { ...none, otherRows: false, scopeIsCertain: true, ...sides };
  await judgeKeys(
    all,
    (rows) => {
      asked.push(...rows.map((each) => each.key));
      return Promise.resolve(
        rows.map((each) => ({ exists: false, changedSince: false, beyond: false, ...found[each.key] })),
      );
    },
    findings,
  );
  const { examples, discarded, missing, extra, different, changedSince } = findings;
  const counts = { missing, extra, different, changedSince };
  const named = Object.fromEntries(Object.entries(counts).filter(([, count]) => count > 0));
  return { named, examples, asked, discarded };
}

describe('keys', () => {
  it('finds nothing where the three agree, or where the row is none of the replay', async () => {
    const sides = {
      lake: [row('a', 1), row('b', 2)],
      warehouse: [held('a', 1), held('b', 2, false)],
      source: [now('a', 1)],
    };
    expect(await judge(sides)).toMatchObject({ named: {}, asked: [] });
  });
  it('missing: landed and not in the warehouse, in the source or not', async () => {
    const found = await judge({ lake: [row('a', 1), row('b', 1)], source: [now('a', 1)] });
    expect(found).toMatchObject({ named: { missing: 2 }, examples: { missing: ['a', 'b'] } });
  });
  it('missing: in the source only, unless it was written since', async () => {
    expect((await judge({ source: [now('a', 1)] })).named).toEqual({ missing: 1 });
    expect((await judge({ source: [now('a', 1, true)] })).named).toEqual({ changedSince: 1 });
  });
  it('different: not the last landed, even where it is what the source has', async () => {
    expect(
      (await judge({ lake: [row('a', 1)], warehouse: [held('a', 2)], source: [now('a', 2, true)] })).named,
    ).toEqual({
      different: 1,
    });
  });
  it('different: not what the source has, unless it was written since', async () => {
    const same = { lake: [row('a', 1)], warehouse: [held('a', 1)] };
    expect((await judge({ ...same, source: [now('a', 2)] })).named).toEqual({ different: 1 });
    expect((await judge({ ...same, source: [now('a', 2, true)] })).named).toEqual({ changedSince: 1 });
  });
  it('extra: no lake record explains it, unless the table may hold others; then the source decides', async () => {
    expect((await judge({ warehouse: [held('a', 1)], source: [now('a', 1)] })).named).toEqual({ extra: 1 });
    expect((await judge({ warehouse: [held('a', 1)], source: [now('a', 1)], otherRows: true })).named).toEqual({});
    expect((await judge({ warehouse: [held('a', 1)], otherRows: true })).named).toEqual({ extra: 1 });
  });
  it('extra outside of the scope: only where the scope is not certain, or lake or source know the key', async () => {
    const outside = { warehouse: [held('a', 1, false)] };
    expect((await judge(outside)).named).toEqual({});
    expect((await judge({ warehouse: [held('a', 1, false), held('a', 1, false)] })).named).toEqual({});
    expect((await judge({ ...outside, scopeIsCertain: false })).named).toEqual({ extra: 1 });
    expect((await judge({ ...outside, source: [now('a', 1)] })).named).toEqual({ extra: 1 });
    const twice = { lake: [row('a', 1)], warehouse: [held('a', 1, false), held('a', 1, false)] };
    expect((await judge(twice)).named).toEqual({ extra: 1 });
  });
  it('extra: in scope and gone from the source, unless it left the scope since or lies beyond the replay', async () => {
    const sides = { lake: [row('a', 1)], warehouse: [held('a', 1)] };
    expect((await judge(sides)).named).toEqual({ extra: 1 });
    expect((await judge(sides, { a: { exists: true } })).named).toEqual({ extra: 1 });
    expect((await judge(sides, { a: { exists: true, changedSince: true } })).named).toEqual({ changedSince: 1 });
    expect((await judge(sides, { a: { exists: true, beyond: true } })).named).toEqual({});
  });
  it('leaves what lies beyond the replay and was never landed to the source alone', async () => {
    expect((await judge({ warehouse: [held('z', 1, true, true)] })).asked).toEqual([]);
    const outside = { warehouse: [held('z', 1, false, true)] };
    expect((await judge({ ...outside, scopeIsCertain: false })).named).toEqual({ extra: 1 });
    const findings = noFindings();
    const found = { exists: true, changedSince: false, beyond: true };
    judgeBeyond(
      [
        { key: 'y', values: [], copies: 1 },
        { key: 'z', values: [], copies: 1 },
      ],
      [found, { ...found, exists: false }],
      findings,
    );
    expect(findings).toMatchObject({ extra: 1, examples: { extra: ['z'] } });
  });
  it('judges every row of a key that a side has more than once', async () => {
    const same = { lake: [row('a', 1)], source: [now('a', 1)] };
    const twice = { ...same, warehouse: [held('a', 1), held('a', 1), held('a', 2)] };
    expect(await judge(twice)).toMatchObject({ named: { extra: 2 }, examples: { extra: ['a', 'a'] } });
    const twoRecords = { ...same, lake: [row('a', 1), row('a', 1)], warehouse: [held('a', 1)] };
    expect((await judge(twoRecords)).named).toEqual({ different: 1 });
    await expect(judge({ source: [now('a', 1), now('a', 1)] })).rejects.toMatchObject({ code: 'TableUnsuited' });
    const findings = noFindings();
    judgeBeyond([{ key: 'z', values: [], copies: 3 }], [{ exists: true, changedSince: false, beyond: true }], findings);
    expect(findings).toMatchObject({ extra: 2 });
  });
  it('names no more than 20 of a kind, and counts all', async () => {
    const found = await judge({ source: Array.from({ length: 50 }, (_, i) => now(`k${i}`, 1)) });
    expect(found.named).toEqual({ missing: 50 });
    expect(found.examples.missing).toHaveLength(20);
  });
});

describe('chunks', () => {
  const sums = (...chunks: [number, number, bigint][]) =>
    new Map(chunks.map(([chunk, rows, sum]) => [chunk, { rows, sum }]));
  const dead = (chunk: number, rows: number, open = rows) => new Map([[chunk, { rows, open }]]);
  it('are equal by rows and checksum', () => {
    expect(compareChunks(sums([0, 2, 9n]), sums([0, 2, 9n]), new Map(), 0)).toEqual({
      landed: 2,
      expired: 0,
      lost: 0,
      deadLetters: 0,
      unequal: [],
    });
  });
  it('counts as expired what is absent, and no more of it than has expired', () => {
    const published = sums([0, 9, 9n], [1, 4, 4n]);
    expect(compareChunks(published, sums([1, 3, 3n]), new Map(), 0, 10)).toEqual({
      landed: 13,
      expired: 10,
      lost: 0,
      deadLetters: 0,
      unequal: [],
    });
    expect(compareChunks(published, sums([1, 3, 3n]), new Map(), 0, 9)).toMatchObject({ expired: 9, unequal: [1] });
    expect(compareChunks(published, sums([0, 9, 8n], [1, 4, 4n]), new Map(), 0, 9)).toMatchObject({ unequal: [0] });
  });
  it.each([
    ['another checksum', sums([3, 2, 8n])],
    ['a row too few', sums([3, 1, 9n])],
    ['a row twice', sums([3, 3, 9n])],
    ['none of it', sums()],
    ['rows of a chunk that nobody published', sums([3, 2, 9n], [4, 1, 1n])],
  ])('are unequal by %s', (_, landed) => {
    expect(compareChunks(sums([3, 2, 9n]), landed, new Map(), 0).unequal).toHaveLength(1);
  });
  it('count dead letters by rows, discarded ones as no longer open', () => {
    expect(compareChunks(sums([0, 3, 9n]), sums([0, 2, 5n]), dead(0, 1), 0)).toMatchObject({
      deadLetters: 1,
      unequal: [],
    });
    expect(compareChunks(sums([0, 3, 9n]), sums([0, 2, 5n]), dead(0, 1, 0), 0)).toMatchObject({
      deadLetters: 0,
      unequal: [],
    });
    expect(compareChunks(sums([0, 3, 9n]), sums([0, 1, 5n]), dead(0, 1), 0)).toMatchObject({ unequal: [0] });
  });
  it('count as lost what is missing, no more than the offsets marked', () => {
    expect(compareChunks(sums([0, 9, 9n]), sums([0, 5, 5n]), new Map(), 4)).toMatchObject({ lost: 4, unequal: [] });
    expect(compareChunks(sums([0, 9, 9n]), sums([0, 4, 5n]), new Map(), 4)).toMatchObject({ lost: 0, unequal: [0] });
  });
});

describe('buckets', () => {
  it('differ by rows or by sum', () => {
    const left = new Map([
      [1, { rows: 1, sum: 5n }],
      [2, { rows: 1, sum: 5n }],
      [3, { rows: 0, sum: 0n }],
    ]);
    const right = new Map([
      [1, { rows: 1, sum: 5n }],
      [2, { rows: 1, sum: 6n }],
      [4, { rows: 1, sum: 1n }],
    ]);
    expect(differing(left, right)).toEqual([2, 4]);
  });
  it('are the sum of their rows, or not', () => {
    const sums = new Map([
      [1, { rows: 2, sum: 5n }],
      [2, { rows: 1, sum: 7n }],
    ]);
    expect(isSumOf(sums, [1, 3], [{ hash: 2n }, { hash: 3n }])).toBe(true);
    expect(isSumOf(sums, [1], [{ hash: 5n }])).toBe(false);
    expect(isSumOf(sums, [1], [{ hash: 2n }, { hash: 2n }])).toBe(false);
  });
  it('are grouped so that a group fits in memory', () => {
    const sums = new Map([1, 2, 3, 4].map((bucket) => [bucket, { rows: 70_000, sum: 0n }]));
    expect(groups([1, 2, 3, 4], [sums])).toEqual([
      [1, 2],
      [3, 4],
    ]);
    expect(bucketCount(0)).toBe(1);
    expect(bucketCount(1_000_000)).toBe(1_000);
    expect(bucketCount(1e12)).toBe(16_384);
  });
});
