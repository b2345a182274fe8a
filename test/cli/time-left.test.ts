/** The time left that status and a follower show: told where it can be, else why not. */
import { describe, expect, test } from 'vitest';
import { type Standing, timeLeft } from '../../contracts/time-left.ts';
import { type StandingRow, toCounts } from '../../connectors/postgres/standing-row.ts';
import type { PipelineSpec } from '../../contracts/pipeline.ts';
import { hopsOf } from '../../cli/replay-progress.ts';
import { createProgressModel } from '../../cli/progress-model.ts';

const spec: PipelineSpec = {
  name: 'p',
  source: { connection: 'sales', table: { schema: 's', table: 't' }, chunkRows: 10_000, lanes: 4 },
  topic: { name: 'p', partitions: 3 },
  lake: { bucket: 'lake', prefix: 'p', format: 'parquet', rotate: { records: 25, bytes: 1e9, ageMs: 1e9 } },
  warehouse: { connection: 'warehouse', table: { schema: 's', table: 't' }, mode: 'upsert' },
};
const running: Standing = {
  state: 'publishing',
  paused: false,
  expected: 1_000,
  replayed: 400,
  rowsPerSecond: 20,
  chunks: { found: 8, all: false, reached: 4 },
  chunksPerSecond: 0.5,
  chunksExpected: 10,
  clock: null,
};

const paced600x: StandingRow = {
  ...{ replay_id: 'r', state: 'publishing', paused: false, spec, scope: {}, estimated: '5000' },
  ...{ planned_at: new Date(), started_at: new Date(), published_at: null },
  ...{ replayed: '20', landed: '0', loaded: '0', lately: '300', lately_seconds: 10 },
  ...{ found: 1, complete: true, skipped: 0, over: 0, reached: 1, reached_before: 0 },
  ...{ upper_key: ['2024-03-01 05:00:00+00', '7'], speed: 600, clock_ms: Date.parse('2024-03-01T00:10:00Z') },
};

test.each<[string, Partial<Standing>, number]>([
  ['known rows, at the rate of the last minute', {}, 30],
  ['rows that nobody knows, by the place among the chunks', { expected: null }, 12],
  ['once all bounds are found, by those', { expected: null, chunks: { found: 8, all: true, reached: 4 } }, 8],
  ['more rows than the catalogue knew of, by the chunks', { replayed: 1_200 }, 12],
  ['by its own clock where event time paces it', { clock: { secondsLeft: 7, leftUnknown: '' } }, 7],
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
  [
    'paced by event time, whose clock cannot tell',
    { clock: { secondsLeft: null, leftUnknown: 'not begun' } },
    'not begun',
  ],
  [
    'of a window whose last chunk is under way',
    { expected: null, chunks: { found: 4, all: true, reached: 4 } },
    'last',
  ],
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
  const counted = { name: 'replayed', rows: 10 };
  expect(model.add({ expected: 20, hops: [counted], text: '' }, 1_000)[0]?.secondsLeft).toBeNull();
});

test('a follower goes by the clock where event time paces it, whether rows come or not', () => {
  const model = createProgressModel();
  const look = (rows: number, secondsLeft: number | null) =>
    model.add({ expected: 30, hops: [{ name: 'replayed', rows, secondsLeft }], text: '' }, rows * 1_000);
  expect(look(1, 300)[0]?.secondsLeft).toBe(300);
  expect(look(5, 296)[0]?.secondsLeft).toBe(296);
  expect(look(6, null)[0]?.secondsLeft).toBeNull();
});

test('a follower says what status says; of the hops behind a clock, nothing', () => {
  const left = (change: Partial<StandingRow>) =>
    hopsOf(toCounts({ ...paced600x, ...change }), ['replayed', 'landed']).map(({ secondsLeft }) => secondsLeft);
  expect(left({})).toEqual([29, null]);
  expect(left({ clock_ms: null })).toEqual([null, null]);
  expect(left({ speed: null, clock_ms: null })).toEqual([undefined, undefined]);
});

describe('the clock of event time', () => {
  /** At 00:10 of event time, the last row at 05:00; ten minutes of it a second. */
  const left = (change: Partial<StandingRow>) => {
    const { paced, secondsLeft, leftUnknown } = toCounts({ ...paced600x, ...change });
    return { paced, secondsLeft, leftUnknown };
  };
  test.each<[string, Partial<StandingRow>, number]>([
    ['is due at the last row of the table', {}, 29],
    ['…or of a limit, filtered or not', { scope: { limit: 30, where: 'x' }, estimated: '30' }, 29],
    ['is over at a window’s end, where the table goes on', { scope: { to: '2024-03-01T02:00:00Z' } }, 11],
  ])('%s', (_what, change, seconds) => {
    expect(left(change)).toEqual({ paced: true, secondsLeft: seconds, leftUnknown: '' });
  });
  test.each<[string, Partial<StandingRow>, string]>([
    ['of a filter', { scope: { where: 'x' } }, 'filter'],
    ['of a limit that a filter did not reach', { scope: { limit: 30, where: 'x' } }, 'filter'],
    ['before its first row', { clock_ms: null }, 'not begun'],
    ['of a last row that has no date', { upper_key: ['infinity', '1'] }, 'no place'],
  ])('says nothing %s, and why', (_what, change, reason) => {
    const found = left(change);
    expect(found).toMatchObject({ paced: true, secondsLeft: null });
    expect(found.leftUnknown).toContain(reason);
  });
  test('is none where nobody asked for a speed', () => {
    expect(left({ speed: null, clock_ms: null })).toEqual({ paced: false, secondsLeft: 166, leftUnknown: '' });
  });
});
