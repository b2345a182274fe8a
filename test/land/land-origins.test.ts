/** Whose records are landed: those of replays of this dataset and topic, whatever stands beside them in the log. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { LandStep } from '../../activities/land-ports.ts';
import { openDataset, openSetting, saveReplay, SCHEMA, type Setting, type TestDataset } from './setting.ts';
import { row, type TestRecord } from './topic-writer.ts';
import { unique } from './services.ts';

let setting: Setting;
beforeAll(async () => void (setting = await openSetting()));
afterAll(() => setting.close());

const rows = (from: number, count: number, headers?: TestRecord['headers']): TestRecord[] =>
  Array.from({ length: count }, (_, i) => ({ ...row(0, from + i), ...(headers ? { headers } : {}) }));
const naming = (replay: string, schema = SCHEMA) => [{ headrace: Buffer.from(`${schema};0;${replay}`) }];
const ids = async (dataset: TestDataset): Promise<number[]> => (await dataset.rows()).map(({ id }) => id);
const range = (from: number, to: number): number[] => Array.from({ length: to - from }, (_, i) => from + i);
const letters = async (dataset: TestDataset) =>
  setting.query('SELECT offset_::int AS offset, reason FROM headrace.dead_letter WHERE dataset = $1 ORDER BY 1', [
    dataset.dataset,
  ]);
const NO_HEADER = 'no header headrace: not written by a replay';

test('a record without our header is a dead letter, in a cut of its own or among ours, before them or behind', async () => {
  const dataset = await openDataset(setting, { partitions: 1, rotate: { records: 4 } });
  const foreign = [{ other: Buffer.from('x') }];
  await dataset.writer.commit([
    ...rows(900, 1, []),
    ...rows(0, 2),
    ...rows(901, 1, foreign),
    ...rows(902, 4, [{ headrace: Buffer.from('no;lineage') }]),
    ...rows(2, 1),
    ...rows(906, 1, []),
  ]);
  await dataset.land();
  expect(await ids(dataset)).toEqual([0, 1, 2]);
  expect(await letters(dataset)).toEqual([0, 3, 4, 5, 6, 7, 9].map((offset) => ({ offset, reason: NO_HEADER })));
  expect(await dataset.cuts()).toMatchObject([
    { start: 0, end: 4, rows: 2, letters: 2 },
    { start: 4, end: 8, rows: 0, letters: 4, objects: [] },
    { start: 8, rows: 1, letters: 1 },
  ]);
});

test('a forged header is a dead letter: of nobody’s replay, of another topic’s, of another dataset’s', async () => {
  const dataset = await openDataset(setting, { partitions: 1 });
  const other = await openDataset(setting, { partitions: 1 });
  const elsewhere = unique('replay');
  const { spec } = dataset;
  await saveReplay(setting, { ...spec, lake: { ...spec.lake, prefix: `${spec.lake.prefix}-other` } }, elsewhere);
  const forged = [unique('nobody'), other.replay, elsewhere];
  await dataset.writer.commit([
    ...rows(0, 2),
    ...forged.flatMap((replay, i) => rows(900 + i, 1, naming(replay))),
    { partition: 0, key: null, value: 'ours, but no row' },
    ...rows(2, 2),
  ]);
  await dataset.land();
  expect(await ids(dataset)).toEqual(range(0, 4));
  const found = await letters(dataset);
  expect(found.map(({ offset }) => offset)).toEqual([2, 3, 4, 5]);
  for (const [i, replay] of forged.entries()) {
    expect(found[i]?.reason).toBe(`header headrace names replay ${replay}, which is none of this dataset and topic`);
  }
  expect(await dataset.cuts()).toMatchObject([{ rows: 4, letters: 4, state: 'sealed' }]);
});

test('two replays share a cut; one planned while the landing runs is known to its next cut', async () => {
  const dataset = await openDataset(setting, { partitions: 1, rotate: { records: 3 } });
  const later = unique('replay');
  const early = rows(0, 2);
  await dataset.writer.commit([...early, ...rows(900, 1, naming(later))]);
  const onStep = async (step: LandStep, { start }: { start: number }): Promise<void> => {
    if (step !== 'sealed' || start !== 0) return;
    await saveReplay(setting, dataset.spec, later);
    await dataset.writer.commit([...rows(2, 1), ...rows(3, 2, naming(later))]);
  };
  // 0-2, marker 3, 4-6.
  await dataset.land({ ports: { onStep }, ends: { 0: 7 } });
  expect(await ids(dataset)).toEqual(range(0, 5));
  expect(await letters(dataset)).toMatchObject([{ offset: 2 }]);
});

test('a cut begun before its forged replay was planned is finished as it was begun', async () => {
  const dataset = await openDataset(setting, { partitions: 1 });
  const forged = unique('replay');
  await dataset.writer.commit([...rows(0, 3), ...rows(900, 2, naming(forged)), ...rows(3, 3)]);
  const onStep = (step: LandStep) => (step === 'intended' ? Promise.reject(new Error('stop')) : Promise.resolve());
  await expect(dataset.land({ ports: { onStep } })).rejects.toThrow('stop');
  await saveReplay(setting, dataset.spec, forged);
  await dataset.land();
  expect(await ids(dataset)).toEqual(range(0, 6));
  expect((await dataset.cuts())[0]).toMatchObject({ rows: 6, letters: 2, state: 'sealed' });
  expect((await letters(dataset)).map(({ offset }) => offset)).toEqual([3, 4]);
});
