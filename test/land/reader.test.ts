/** The reader on a real broker: nothing aborted, nothing twice, positions over markers, expiry told. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { TopicAdmin, TopicReader } from '../../activities/ports/topic.ts';
import { openTopicAdmin } from '../../connectors/kafka/admin.ts';
import { openReaderWith } from '../../connectors/kafka/reader.ts';
import { openKafka, unique } from './services.ts';
import { deleteBelow, openWriter, row } from './topic-writer.ts';

let admin: TopicAdmin;
beforeAll(() => void (admin = openTopicAdmin(openKafka())));
afterAll(() => admin.close());

const openReader = openReaderWith(openKafka());

async function readTo(reader: TopicReader, partition: number, end: number): Promise<number[]> {
  const offsets: number[] = [];
  const deadline = Date.now() + 20_000;
  while ((reader.positions().get(partition) ?? 0) < end) {
    if (Date.now() > deadline) throw new Error(`stuck at ${reader.positions().get(partition)} of ${end}`);
    for (const record of await reader.read(7, 200)) if (record.partition === partition) offsets.push(record.offset);
  }
  return offsets;
}

async function topicWith(write: (writer: Awaited<ReturnType<typeof openWriter>>) => Promise<void>): Promise<string> {
  const topic = unique('reader');
  await admin.ensure(topic, 2);
  const writer = await openWriter(topic, 'v1');
  await write(writer);
  await writer.close();
  return topic;
}
const rows = (partition: number, from: number, count: number) =>
  Array.from({ length: count }, (_, i) => row(partition, from + i));

test('committed records only; the position passes markers and aborted rows, also trailing ones', async () => {
  const topic = await topicWith(async (writer) => {
    await writer.commit(rows(0, 0, 10)); // 0-9, marker 10
    await writer.abort(rows(0, 10, 500)); // 11-510, marker 511
    await writer.commit(rows(0, 20, 3)); // 512-514, marker 515
    await writer.abort(rows(0, 30, 2)); // 516-517, marker 518
    await writer.commit(rows(1, 0, 1)); // the other partition: 0, marker 1
  });
  // A commit is answered before its markers are in every log.
  await expect.poll(() => admin.highWatermarks(topic, 2)).toEqual({ 0: 519, 1: 2 });
  const reader = await openReader({ topic, group: topic, from: new Map([[0, 0]]) });
  expect(await readTo(reader, 0, 519)).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 512, 513, 514]);
  expect(reader.positions()).toEqual(new Map([[0, 519]]));
  await reader.close();
});

test('seek goes back and forth without losing its place in the other partition', async () => {
  const topic = await topicWith(async (writer) => {
    await writer.commit([...rows(0, 0, 50), ...rows(1, 0, 50)]);
  });
  const reader = await openReader({
    topic,
    group: topic,
    from: new Map([
      [0, 0],
      [1, 40],
    ]),
  });
  const seen = { 0: [] as number[], 1: [] as number[] };
  const take = async (): Promise<void> => {
    for (const { partition, offset } of await reader.read(5, 500)) seen[partition === 0 ? 0 : 1].push(offset);
  };
  while (seen[0].length < 20) await take();
  await reader.seek(0, 3);
  const again = seen[0].length;
  while (seen[0].length < again + 47 || seen[1].length < 10) await take();
  expect(seen[0].slice(again)).toEqual(Array.from({ length: 47 }, (_, i) => i + 3));
  expect(seen[1]).toEqual(Array.from({ length: 10 }, (_, i) => i + 40));
  await reader.close();
});

test('paused partitions bring nothing until they are resumed', async () => {
  const topic = await topicWith((writer) => writer.commit(rows(0, 0, 20)));
  const reader = await openReader({ topic, group: topic, from: new Map([[0, 0]]) });
  const [first] = await reader.read(1, 5_000);
  expect(first?.offset).toBe(0);
  reader.pause([0]);
  const late: number[] = [];
  for (let i = 0; i < 3; i += 1) late.push(...(await reader.read(5, 300)).map(({ offset }) => offset));
  reader.resume([0]);
  const rest = await readTo(reader, 0, 21);
  // What was collected before the pause may still come, but nothing is lost or repeated.
  expect([...late, ...rest]).toEqual(Array.from({ length: 19 }, (_, i) => i + 1));
  await reader.close();
});

test('records of many megabytes pass, among small ones', async () => {
  const large = Buffer.alloc(6_000_000, 'x');
  const topic = await topicWith(async (writer) => {
    await writer.commit([...rows(0, 0, 500), { partition: 0, value: large }, ...rows(0, 500, 500)]);
    await writer.commit([1, 2, 3].map(() => ({ partition: 0, value: large })));
  });
  const reader = await openReader({ topic, group: topic, from: new Map([[0, 0]]) });
  let bytes = 0;
  let records = 0;
  while (records < 1_004) {
    for (const { valueFrom, valueTo } of await reader.read(1_000, 1_000)) {
      bytes += valueTo - valueFrom;
      records += 1;
    }
  }
  expect(bytes).toBeGreaterThan(24_000_000);
  await reader.close();
});

test('a position that expired is told, at the start and later', async () => {
  const topic = await topicWith((writer) => writer.commit(rows(0, 0, 30)));
  await deleteBelow(topic, 0, 10);
  const late = await openReader({ topic, group: topic, from: new Map([[0, 5]]) });
  await expect(readTo(late, 0, 31)).rejects.toMatchObject({ code: 'OffsetsExpired' });
  await late.close();
  const good = await openReader({ topic, group: topic, from: new Map([[0, 10]]) });
  expect(await readTo(good, 0, 31)).toHaveLength(20);
  await good.close();
});

test('a position beyond the end of the log is a fault, not a wait', async () => {
  const topic = await topicWith((writer) => writer.commit(rows(0, 0, 3)));
  const reader = await openReader({ topic, group: topic, from: new Map([[0, 1_000]]) });
  await expect(readTo(reader, 0, 1_001)).rejects.toMatchObject({ code: 'ManifestConflict' });
  await reader.close();
});

test('an expired partition is told although others keep bringing records', async () => {
  const topic = await topicWith(async (writer) => {
    await writer.commit([...rows(0, 0, 30), ...rows(1, 0, 20_000)]);
  });
  await deleteBelow(topic, 0, 10);
  const reader = await openReader({
    topic,
    group: topic,
    from: new Map([
      [0, 5],
      [1, 0],
    ]),
  });
  await expect(readTo(reader, 0, 31)).rejects.toMatchObject({ code: 'OffsetsExpired' });
  await reader.close();
});
