/** What may become one file: cuts side by side, of one schema version, written alike; fewer files than before, none above the target. */
import { expect, test } from 'vitest';
import { planGroups } from '../../activities/compact-plan.ts';
import type { StandingCut } from '../../activities/ports/replacements.ts';
import { objectName } from '../../contracts/manifest.ts';
import { encoderSettings } from '../../formats/encoder-settings.ts';

const TARGET = 1_000;

function cut(start: number, end: number, more: Partial<StandingCut> = {}): StandingCut {
  const name = objectName('lake', 'topic', 0, start, end, 'parquet');
  return {
    ...{ partition: 0, partitionId: '1', topicId: 'topic', start, end, attempt: 0, lastAttempt: 0 },
    ...{ state: 'sealed', reason: 'age', rows: end - start, bytes: 100, deadLetters: 0, inputSha256: '' },
    ...{ schemaVersion: 'v1', encoder: encoderSettings({ format: 'parquet' }), openedAt: '' },
    objects: [{ name, rows: end - start, bytes: 100 }],
    ...more,
  };
}
const plan = (...cuts: StandingCut[]): (readonly [number, number])[] =>
  planGroups(cuts, 'lake', TARGET).map((group) => [group.cuts[0]?.start ?? -1, group.cuts.at(-1)?.end ?? -1]);
const empty = { objects: [], rows: 0, bytes: 0, schemaVersion: null };
const jsonl = encoderSettings({ format: 'jsonl' });

test.each<[string, StandingCut[], (readonly [number, number])[]]>([
  ['side by side', [cut(0, 10), cut(10, 20), cut(20, 30)], [[0, 30]]],
  [
    'with a hole between them',
    [cut(0, 10), cut(10, 20), cut(25, 30), cut(30, 40)],
    [
      [0, 20],
      [25, 40],
    ],
  ],
  ['with a hole after each', [cut(0, 10), cut(11, 20), cut(21, 30)], []],
  ['of two schema versions', [cut(0, 10), cut(10, 20), cut(20, 30, { schemaVersion: 'v2' })], [[0, 20]]],
  ['written in two ways', [cut(0, 10), cut(10, 20, { encoder: jsonl }), cut(20, 30, { encoder: jsonl })], [[10, 30]]],
  ['with an empty one between them', [cut(0, 10), cut(10, 20, empty), cut(20, 30)], [[0, 30]]],
  ['with empty ones at the ends', [cut(0, 10, empty), cut(10, 20), cut(20, 30), cut(30, 40, empty)], [[10, 30]]],
  ['alone', [cut(0, 10)], []],
])('cuts %s', (_, cuts, groups) => {
  expect(plan(...cuts)).toEqual(groups);
});

test('no file is above the target, and one that is half of it is left alone', () => {
  const sized = (start: number, bytes: number): StandingCut =>
    cut(start, start + 10, {
      bytes,
      objects: [{ name: objectName('lake', 'topic', 0, start, start + 10, 'parquet'), rows: 10, bytes }],
    });
  expect(plan(sized(0, 400), sized(10, 400), sized(20, 400), sized(30, 400))).toEqual([
    [0, 20],
    [20, 40],
  ]);
  expect(plan(sized(0, 100), sized(10, 100), sized(20, 500), sized(30, 100), sized(40, 100))).toEqual([
    [0, 20],
    [30, 50],
  ]);
});
