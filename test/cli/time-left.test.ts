/** The time left that status and a follower show: told where it can be, else why not. */
import { expect, test } from 'vitest';
import { type Standing, timeLeft } from '../../contracts/time-left.ts';
import { createProgressModel } from '../../cli/progress-model.ts';

const running: Standing = {
  state: 'publishing',
  paused: false,
  expected: 1_000,
  replayed: 400,
  rowsPerSecond: 20,
  chunks: { found: 8, all: false, reached: 4 },
  chunksPerSecond: 0.5,
  chunksExpected: 10,
  clockSecondsLeft: null,
};

test.each<[string, Partial<Standing>, number]>([
  ['known rows, at the rate of the last minute', {}, 30],
  ['rows that nobody knows, by the place among the chunks', { expected: null }, 12],
  ['once all bounds are found, by those', { expected: null, chunks: { found: 8, all: true, reached: 4 } }, 8],
  ['more rows than the catalogue knew of, by the chunks', { replayed: 1_200 }, 12],
  ['by its own clock where event time paces it', { clockSecondsLeft: 7 }, 7],
  ['what is published has none', { state: 'published', rowsPerSecond: 0 }, 0],
])('%s', (_what, change, seconds) => {
  expect(timeLeft({ ...running, ...change })).toEqual({ secondsLeft: seconds, leftUnknown: '' });
});

test.each<[string, Partial<Standing>, string]>([
  ['paused', { paused: true }, 'paused'],
  ['in a queue', { state: 'planned' }, 'turn'],
  ['abandoned', { state: 'abandoned' }, 'place'],
  ['without progress', { rowsPerSecond: 0 }, 'nothing'],
  ['of a window on a table without statistics', { expected: null, chunksExpected: null }, 'ANALYZE'],
  ['of a window within one chunk', { expected: null, chunksPerSecond: 0 }, 'chunk'],
])('unknown, with the reason: %s', (_what, change, reason) => {
  const left = timeLeft({ ...running, ...change });
  expect(left.secondsLeft).toBeNull();
  expect(left.leftUnknown).toContain(reason);
});

test('a follower shows the time left of a window, whose rows nobody knows', () => {
  const model = createProgressModel();
  const hop = { name: 'replayed', rows: 10, secondsLeft: 12 };
  expect(model.add({ expected: null, hops: [hop], text: '' }, 0)[0]?.secondsLeft).toBe(12);
  expect(model.add({ expected: 20, hops: [hop], text: '' }, 1_000)[0]?.secondsLeft).toBeNull();
});
