/** Records that expired, topics made anew, records that are not rows: told, kept, never jumped over in silence. */
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { LandStep } from '../../activities/land-ports.ts';
import { openDataset, openSetting, saveReplay, SCHEMA, type Setting, type TestDataset } from './setting.ts';
import { deleteBelow, deleteTopic, openWriter, row, type TestRecord } from './topic-writer.ts';

let setting: Setting;
beforeAll(async () => void (setting = await openSetting()));
afterAll(() => setting.close());

const rows = (partition: number, from: number, count: number): TestRecord[] =>
  Array.from({ length: count }, (_, i) => row(partition, from + i));
const ids = async (dataset: TestDataset): Promise<number[]> => (await dataset.rows()).map(({ id }) => id);
const range = (from: number, to: number): number[] => Array.from({ length: to - from }, (_, i) => from + i);
const topicId = async (dataset: TestDataset) =>
  (await setting.ports.topicAdmin.describe(dataset.spec.topic.name))?.topicId ?? '';
const lost = async (dataset: TestDataset) => setting.ports.manifest.lost(dataset.dataset, await topicId(dataset));
/** Fails after the named step of the first cut, as a crash would. */
const failAfter = (at: LandStep) => ({
  onStep: (step: LandStep) => (step === at ? Promise.reject(new Error(`stop after ${at}`)) : Promise.resolve()),
});

describe('expired records', () => {
  test('are noted and stop the landing; it goes on only where the loss is accepted', async () => {
    const dataset = await openDataset(setting, { partitions: 1 });
    await dataset.writer.commit(rows(0, 0, 50)); // 0-49, marker 50
    await dataset.land();
    await dataset.writer.commit(rows(0, 50, 50)); // 51-100, marker 101
    await deleteBelow(dataset.spec.topic.name, 0, 61);
    await expect(dataset.land()).rejects.toMatchObject({ code: 'OffsetsExpired', retry: false });
    expect(await lost(dataset)).toEqual([{ partition: 0, start: 51, end: 61, accepted: false }]);
    await expect(dataset.land()).rejects.toMatchObject({ code: 'OffsetsExpired' });
    await dataset.land({ share: { acceptLoss: true } });
    expect(await lost(dataset)).toEqual([{ partition: 0, start: 51, end: 61, accepted: true }]);
    expect(await ids(dataset)).toEqual([...range(0, 50), ...range(60, 100)]);
    expect(await dataset.next()).toEqual({ 0: 102 });
  });

  test('an intent whose object is there is sealed, not lost', async () => {
    const dataset = await openDataset(setting, { partitions: 1, rotate: { records: 20 } });
    await dataset.writer.commit(rows(0, 0, 50));
    await expect(dataset.land({ ports: failAfter('put') })).rejects.toThrow('stop after put');
    await deleteBelow(dataset.spec.topic.name, 0, 20);
    await dataset.land();
    expect(await ids(dataset)).toEqual(range(0, 50));
    expect(await lost(dataset)).toEqual([]);
  });

  test('an intent without its object is voided, and only what cannot be read is lost', async () => {
    const dataset = await openDataset(setting, { partitions: 1, rotate: { records: 20 } });
    await dataset.writer.commit(rows(0, 0, 50));
    await expect(dataset.land({ ports: failAfter('intended') })).rejects.toThrow('stop after intended');
    await deleteBelow(dataset.spec.topic.name, 0, 5);
    await expect(dataset.land()).rejects.toMatchObject({ code: 'OffsetsExpired' });
    expect(await lost(dataset)).toEqual([{ partition: 0, start: 0, end: 5, accepted: false }]);
    await dataset.land({ share: { acceptLoss: true } });
    expect(await ids(dataset)).toEqual(range(5, 50));
    expect((await dataset.cuts())[0]).toMatchObject({ start: 0, end: 20, state: 'void' });
  });

  test('under a running activity: what it had read is sealed, the rest is noted', async () => {
    const dataset = await openDataset(setting, { partitions: 1 });
    await dataset.writer.commit(rows(0, 0, 10)); // 0-9, marker 10
    let beats = 0;
    const pulse = {
      beat: () => void (beats += 1),
      throwIfCancelled: () => undefined,
      signal: new AbortController().signal,
    };
    const reading: { pause: () => void; resume: () => void } = { pause: () => undefined, resume: () => undefined };
    const openReader: typeof setting.ports.openReader = async (request) => {
      const reader = await setting.ports.openReader(request);
      reading.pause = () => reader.pause([0]);
      reading.resume = () => reader.resume([0]);
      return reader;
    };
    const landing = dataset.land({ ends: { 0: 200 }, pulse, ports: { openReader } });
    const failed = expect(landing).rejects.toMatchObject({ code: 'OffsetsExpired' });
    await expect.poll(() => beats, { timeout: 20_000 }).toBeGreaterThan(1);
    reading.pause();
    await sleep(500); // what was asked for before the pause is answered
    await dataset.writer.commit(rows(0, 10, 100)); // 11-110, marker 111
    await deleteBelow(dataset.spec.topic.name, 0, 50);
    reading.resume();
    await failed;
    expect(await ids(dataset)).toEqual(range(0, 10));
    expect(await dataset.next()).toEqual({ 0: 11 });
    expect(await lost(dataset)).toEqual([{ partition: 0, start: 11, end: 50, accepted: false }]);
  });
});

test('a topic made anew under the same name is a fault before anything of it is recorded', async () => {
  const dataset = await openDataset(setting, { partitions: 1 });
  await dataset.writer.commit(rows(0, 0, 10));
  const { name } = dataset.spec.topic;
  const onStep = async (step: LandStep): Promise<void> => {
    if (step !== 'encoded') return;
    await deleteTopic(name);
    await expect.poll(() => setting.ports.topicAdmin.describe(name), { timeout: 20_000 }).toBeNull();
    await setting.ports.topicAdmin.ensure(name, 1);
  };
  await expect(dataset.land({ ports: { onStep } })).rejects.toMatchObject({ code: 'TopicRecreated' });
  expect(await dataset.cuts()).toEqual([]);
  // Asked for again, the new topic is landed.
  await saveReplay(setting, dataset.spec, `${dataset.replay}-again`);
  const writer = await openWriter(name, SCHEMA, `${dataset.replay}-again`);
  await writer.commit(rows(0, 500, 3));
  await dataset.land();
  expect(await ids(dataset)).toEqual([500, 501, 502]);
});

test('records that are no rows become dead letters with their exact bytes; the others are landed', async () => {
  const dataset = await openDataset(setting, { partitions: 1 });
  const bad: (Buffer | null)[] = [
    Buffer.from('not json'),
    Buffer.from('{"id": "x", "name": "y"}'),
    Buffer.from([0, 255, 254, 10, 9, 0]),
    Buffer.from('{"id": 1}\n{"id": 2}'),
    Buffer.from('[]'),
    Buffer.from(''),
    null,
  ];
  const key = Buffer.from([1, 2, 0, 255]);
  await dataset.writer.commit([
    ...rows(0, 0, 5),
    ...bad.map((value) => ({ partition: 0, key, value, chunk: 3 })),
    ...rows(0, 5, 5),
  ]);
  const report = await dataset.land();
  expect(report.rows).toBe(10);
  expect(await ids(dataset)).toEqual(range(0, 10));
  const letters = await setting.query(
    `SELECT offset_::int AS offset, record_key, record_value, headers, replay_id, chunk, reason, state
     FROM headrace.dead_letter WHERE dataset = $1 ORDER BY 1`,
    [dataset.dataset],
  );
  const headers = [['headrace', Buffer.from(`${SCHEMA};3;${dataset.replay}`).toString('base64')]];
  expect(letters).toMatchObject(
    bad.map((value, i) => ({
      ...{
        offset: 5 + i,
        record_key: key,
        record_value: value,
        headers,
        replay_id: dataset.replay,
        chunk: 3,
        state: 'open',
      },
    })),
  );
  for (const letter of letters) expect(letter.reason).not.toBe('');
  expect(await dataset.cuts()).toMatchObject([{ rows: 10, letters: 7, state: 'sealed' }]);
});

test('a cut of nothing but bad records has no object, and is finished again after a crash without doubling them', async () => {
  const dataset = await openDataset(setting, { partitions: 1 });
  await dataset.writer.commit([1, 2, 3].map((i) => ({ partition: 0, key: null, value: `bad ${i}` })));
  await expect(dataset.land({ ports: failAfter('intended') })).rejects.toThrow('stop after intended');
  await dataset.land();
  const cuts = await dataset.cuts();
  expect(cuts[0]).toMatchObject({ rows: 0, letters: 3, objects: [], state: 'sealed' });
  const [count] = await setting.query('SELECT count(*)::int AS n FROM headrace.dead_letter WHERE dataset = $1', [
    dataset.dataset,
  ]);
  expect(count).toEqual({ n: 3 });
});
