/** The land activity on real services: what is committed is landed once, whatever else stands in the log. */
import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createLandActivities } from '../../activities/land-activities.ts';
import { landGroup } from '../../contracts/messages.ts';
import { idlePulse, openDataset, openSetting, type Setting, type TestDataset } from './setting.ts';
import { committedOffset, row, type TestRecord } from './topic-writer.ts';

let setting: Setting;
beforeAll(async () => void (setting = await openSetting()));
afterAll(() => setting.close());

const rows = (partition: number, from: number, count: number): TestRecord[] =>
  Array.from({ length: count }, (_, i) => row(partition, from + i));
const ids = async (dataset: TestDataset): Promise<number[]> => (await dataset.rows()).map(({ id }) => id);
const range = (from: number, to: number): number[] => Array.from({ length: to - from }, (_, i) => from + i);

test('one record is landed and sealed, and the group shows no lag', async () => {
  const dataset = await openDataset(setting);
  await dataset.writer.commit([row(0, 7, 'héllo\n')]);
  const report = await dataset.land();
  expect(report).toMatchObject({ reason: 'idle', rows: 1, cuts: 1, objects: 1 });
  expect(await dataset.rows()).toEqual([{ partition: 0, offset: 0, id: 7, name: 'héllo\n' }]);
  await expect.poll(() => committedOffset(dataset.spec.topic.name, landGroup(dataset.dataset), 0)).toBe(2);
  expect(await dataset.cuts()).toMatchObject([
    { partition: 0, start: 0, end: 2, state: 'sealed', reason: 'end', rows: 1 },
  ]);
});

test('aborted transactions and markers: gaps in offsets, none in ranges, no row of them in the lake', async () => {
  const dataset = await openDataset(setting, { partitions: 1, rotate: { records: 40 } });
  await dataset.writer.commit(rows(0, 0, 100));
  await dataset.writer.abort(rows(0, 900, 300));
  await dataset.writer.commit(rows(0, 100, 50));
  await dataset.writer.abort(rows(0, 900, 10));
  const ends = await allMarkers(dataset, 464);
  await dataset.land({ ends });
  expect(await ids(dataset)).toEqual(range(0, 150));
  const cuts = await dataset.cuts();
  expect(cuts.map(({ state }) => state)).toEqual(cuts.map(() => 'sealed'));
  expect(cuts[0]).toMatchObject({ start: 0, end: 40, reason: 'records', rows: 40 });
  for (const [index, cut] of cuts.entries()) if (index > 0) expect(cut.start).toBe(cuts[index - 1]?.end);
  expect(await dataset.next()).toEqual({ 0: 464 });
});

test('a partition with nothing but markers up to the end reaches it by a cut without records', async () => {
  const dataset = await openDataset(setting, { partitions: 1 });
  await dataset.writer.abort(rows(0, 0, 20));
  const ends = await allMarkers(dataset, 21);
  const report = await dataset.land({ ends });
  expect(report).toMatchObject({ reason: 'idle', rows: 0, objects: 0 });
  expect(await dataset.cuts()).toMatchObject([{ start: 0, end: 21, reason: 'empty', rows: 0, objects: [] }]);
});

test('what was landed is not landed again; the next landing goes on behind it', async () => {
  const dataset = await openDataset(setting);
  await dataset.writer.commit([...rows(0, 0, 30), ...rows(1, 30, 30)]);
  await dataset.land();
  await dataset.writer.commit([...rows(0, 60, 30), ...rows(1, 90, 30)]);
  expect(await dataset.land()).toMatchObject({ rows: 60 });
  expect((await ids(dataset)).sort((a, b) => a - b)).toEqual(range(0, 120));
});

test('partitions that fill alike are not all cut in one moment: their first cuts differ, later ones are whole', async () => {
  const dataset = await openDataset(setting, { partitions: 4, rotate: { records: 40 } });
  await dataset.writer.commit([0, 1, 2, 3].flatMap((partition) => rows(partition, partition * 100, 100)));
  await dataset.land();
  const sizes = new Map<number, number[]>();
  const full = (await dataset.cuts()).filter(({ reason }) => reason !== 'empty');
  for (const cut of full) {
    const partition = Number(cut.partition);
    sizes.set(partition, [...(sizes.get(partition) ?? []), Number(cut.rows)]);
  }
  expect(Object.fromEntries(sizes)).toEqual({ 0: [10, 40, 40, 10], 1: [20, 40, 40], 2: [30, 40, 30], 3: [40, 40, 20] });
  expect((await ids(dataset)).sort((a, b) => a - b)).toEqual(range(0, 400));
});

test('cuts by bytes and by age', async () => {
  const bytes = await openDataset(setting, { partitions: 1, rotate: { bytes: 2_000 } });
  await bytes.writer.commit(rows(0, 0, 200));
  await bytes.land();
  expect((await bytes.cuts()).slice(0, -1).map(({ reason }) => reason)).toContain('bytes');
  expect(await ids(bytes)).toEqual(range(0, 200));

  const age = await openDataset(setting, { partitions: 1, rotate: { ageMs: 700 } });
  await age.writer.commit(rows(0, 0, 5));
  const controller = new AbortController();
  const pulse = { beat: () => undefined, throwIfCancelled: () => undefined, signal: controller.signal };
  // An end that never comes keeps the activity going; age cuts what is there.
  const landing = age.land({ ends: { 0: 1_000 }, pulse });
  await expect.poll(() => age.cuts(), { timeout: 10_000 }).toMatchObject([{ reason: 'age', rows: 5 }]);
  controller.abort();
  expect(await landing).toMatchObject({ reason: 'drained', rows: 5 });
});

test('a drain drops the open buffer, makes no small file, and the next activity keeps its age', async () => {
  const dataset = await openDataset(setting, { partitions: 1 });
  await dataset.writer.commit(rows(0, 0, 5));
  const controller = new AbortController();
  const beats: unknown[] = [];
  const pulse = {
    beat: (d: unknown) => void beats.push(d),
    throwIfCancelled: () => undefined,
    signal: controller.signal,
  };
  const landing = dataset.land({ ends: { 0: 1_000 }, pulse });
  await expect.poll(() => beats.length, { timeout: 15_000 }).toBeGreaterThan(1);
  controller.abort();
  const report = await landing;
  expect(report).toMatchObject({ reason: 'drained', rows: 0, cuts: 0 });
  expect(Object.keys(report.openSince)).toEqual(['0']);
  expect(await dataset.cuts()).toEqual([]);
  const old = { 0: Date.now() - 120_000 };
  const again = new AbortController();
  const next = dataset.land({
    ends: { 0: 1_000 },
    pulse: { ...pulse, signal: again.signal },
    share: { openSince: old },
  });
  await expect.poll(() => dataset.cuts(), { timeout: 10_000 }).toMatchObject([{ reason: 'age', rows: 5 }]);
  again.abort();
  await next;
});

test('records of two schema versions never share a cut; those of an unknown one are dead letters', async () => {
  const dataset = await openDataset(setting, { partitions: 1 });
  await dataset.writer.commit(rows(0, 0, 3));
  const foreign = { headrace: Buffer.from(`schema-x;4;${dataset.replay}`) };
  await dataset.writer.commit(rows(0, 50, 2).map((record) => ({ ...record, headers: [foreign] })));
  await dataset.writer.commit(rows(0, 3, 3));
  await dataset.land();
  expect(await ids(dataset)).toEqual(range(0, 6));
  expect(await dataset.cuts()).toMatchObject([
    { rows: 3, letters: 0, reason: 'schema' },
    { rows: 0, letters: 2, reason: 'schema', objects: [] },
    { rows: 3, letters: 0, reason: 'end' },
  ]);
});

test('memory: a budget smaller than one record still passes, and much data passes in cuts of about the budget', async () => {
  const dataset = await openDataset(setting, { rotate: { records: 100_000 } });
  const large = 'x'.repeat(200_000);
  await dataset.writer.commit(Array.from({ length: 200 }, (_, i) => row(i % 2, i, large)));
  const worker = { ...setting.ports.worker, landMemoryBytes: 100_000 };
  await dataset.land({ ports: { worker } });
  expect((await ids(dataset)).sort((a, b) => a - b)).toEqual(range(0, 200));
  const cuts = await dataset.cuts();
  expect(cuts.filter(({ reason }) => reason === 'memory').length).toBeGreaterThan(2);
  expect(Math.max(...cuts.map(({ rows }) => Number(rows)))).toBeLessThan(100);
});

/** A commit is answered before its markers are in the log. */
async function allMarkers(dataset: TestDataset, end: number): Promise<Record<number, number>> {
  const { name, partitions } = dataset.spec.topic;
  await expect.poll(() => setting.ports.topicAdmin.highWatermarks(name, partitions)).toEqual({ 0: end });
  return { 0: end };
}

test('memory: cuts that got no temporary folder hold none of it, and landing goes on once there is one', async () => {
  const dataset = await openDataset(setting, { rotate: { records: 10 } });
  const large = 'x'.repeat(20_000);
  await dataset.writer.commit(Array.from({ length: 100 }, (_, i) => row(i % 2, i, large)));
  const { worker } = setting.ports;
  const scratch = join(worker.scratch ?? '', 'no-folder');
  await writeFile(scratch, '');
  const ports = { ...setting.ports, worker: { ...worker, scratch, landMemoryBytes: 1 << 20 } };
  const activities = createLandActivities(ports, idlePulse);
  for (let attempt = 1; attempt <= 5; attempt++) {
    await expect(dataset.land({ activities })).rejects.toMatchObject({ code: 'WorkerFault' });
  }
  await rm(scratch);
  await dataset.land({ activities });
  expect(await ids(dataset)).toHaveLength(100);
});
