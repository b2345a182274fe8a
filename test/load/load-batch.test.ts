/** What is loaded next: contiguous from the ledger's place on, or refused. */
import { describe, expect, it } from 'vitest';
import { BATCH_MAX_ROWS, chooseBatch } from '../../activities/load-batch.ts';
import type { LostRange, SealedCut } from '../../activities/ports/load-store.ts';

function cut(partition: number, start: number, end: number, more: Partial<SealedCut> = {}): SealedCut {
  const rows = more.rows ?? end - start;
  return {
    partition,
    start,
    end,
    rows,
    bytes: rows * 10,
    objects: rows === 0 ? [] : [{ name: `${partition}/${start}`, rows }],
    expired: false,
    schemaVersion: rows === 0 ? null : 'v1',
    form: { format: 'parquet', compression: 'zstd' },
    openedAt: 0,
    sealedAt: 0,
    ...more,
  };
}
function lost(partition: number, start: number, end: number, accepted: boolean): LostRange {
  return { partition, start, end, accepted, foundAt: 0 };
}
const LIMITS = { rows: 100, bytes: 10_000 };
const at = (...places: [number, number][]) => new Map(places);

describe('a batch', () => {
  it('takes cuts of all partitions in turn, up to the limit', () => {
    const cuts = [cut(0, 0, 40), cut(0, 40, 80), cut(0, 80, 90), cut(1, 5, 25), cut(1, 25, 65)];
    const batch = chooseBatch(at([0, 0], [1, 5]), cuts, [], LIMITS);
    expect(batch).toMatchObject({
      steps: [
        { partition: 0, start: 0, end: 80 },
        { partition: 1, start: 5, end: 25 },
      ],
      cuts: 3,
      rows: 100,
      expectedRows: 100,
    });
    expect(batch?.objects.map((object) => object.object)).toEqual(['0/0', '1/5', '0/40']);
  });

  it('takes one cut even when it is above the limit, and a part of one that no transaction may hold', () => {
    expect(chooseBatch(at([0, 0]), [cut(0, 0, 500)], [], LIMITS)).toMatchObject({ rows: 500, cuts: 1 });
    const huge = cut(0, 0, BATCH_MAX_ROWS * 2 + 7);
    const batch = chooseBatch(at([0, 0]), [huge], [], { rows: BATCH_MAX_ROWS, bytes: 1e12 });
    expect(batch).toMatchObject({ steps: [{ start: 0, end: BATCH_MAX_ROWS }], cuts: 0, expectedRows: undefined });
    expect(batch?.objects).toMatchObject([{ fromOffset: 0, toOffset: BATCH_MAX_ROWS }]);
    const next = chooseBatch(at([0, BATCH_MAX_ROWS * 2]), [huge], [], LIMITS);
    expect(next).toMatchObject({ steps: [{ start: BATCH_MAX_ROWS * 2, end: huge.end }], cuts: 1 });
  });

  it('goes on inside a cut that straddles the ledger', () => {
    const batch = chooseBatch(at([0, 30]), [cut(0, 0, 40), cut(0, 40, 50)], [], LIMITS);
    expect(batch).toMatchObject({ steps: [{ start: 30, end: 50 }], expectedRows: undefined });
    expect(batch?.objects).toMatchObject([
      { fromOffset: 30, toOffset: 40 },
      { fromOffset: 40, toOffset: 50 },
    ]);
  });

  it('moves over offsets without rows', () => {
    const batch = chooseBatch(at([0, 0]), [cut(0, 0, 3, { rows: 0 })], [], LIMITS);
    expect(batch).toMatchObject({ steps: [{ start: 0, end: 3 }], objects: [], schemaVersion: null });
  });

  it('holds one schema version', () => {
    const cuts = [cut(0, 0, 10), cut(0, 10, 20, { schemaVersion: 'v2' }), cut(0, 20, 30), cut(1, 0, 10)];
    expect(chooseBatch(at([0, 0], [1, 0]), cuts, [], LIMITS)).toMatchObject({
      schemaVersion: 'v1',
      steps: [
        { partition: 0, end: 10 },
        { partition: 1, end: 10 },
      ],
    });
  });

  it('is none where nothing can move', () => {
    expect(chooseBatch(at([0, 0]), [], [], LIMITS)).toBeNull();
    expect(chooseBatch(at([0, 5]), [], [lost(0, 5, 9, false)], LIMITS)).toBeNull();
    expect(chooseBatch(at(), [], [], LIMITS)).toBeNull();
  });
});

describe('a hole', () => {
  it('is stepped over when it is marked lost and accepted, before a cut and at the end', () => {
    const losses = [lost(0, 10, 12, true), lost(0, 12, 20, true), lost(0, 30, 35, true)];
    const batch = chooseBatch(at([0, 10]), [cut(0, 20, 30)], losses, LIMITS);
    expect(batch?.steps).toEqual([{ partition: 0, start: 10, end: 35 }]);
  });

  it.each([
    ['is not marked', []],
    ['is marked but not accepted', [lost(0, 10, 20, false)]],
    ['is marked in part', [lost(0, 10, 15, true)]],
    ['is marked in another partition', [lost(1, 10, 20, true)]],
  ])('is refused when it %s', (_, losses) => {
    expect(() => chooseBatch(at([0, 10]), [cut(0, 20, 30)], losses, LIMITS)).toThrow(
      expect.objectContaining({ code: 'ManifestConflict' }),
    );
  });
});
