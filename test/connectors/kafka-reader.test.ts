/**
 * What every Kafka client of ours must do when it reads, on a real broker: nothing aborted, nothing twice, positions over
 * markers, expiry told. The topics are written by librdkafka, so that neither client is judged by its own hand.
 */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { TopicAdmin, TopicReader } from '../../activities/ports/topic.ts';
import { KAFKA_CLIENTS } from '../../contracts/settings.ts';
import { recordDetails } from '../../formats/record-batch-in.ts';
import { type KafkaClient, openKafka as openClient } from '../../workers/kafka-client.ts';
import { openKafka, unique } from '../land/services.ts';
import { deleteBelow, openWriter, row, type TestRecord, writePlainly } from '../land/topic-writer.ts';

describe.each(KAFKA_CLIENTS)('the reader of %s', (name) => {
  let client: KafkaClient;
  let admin: TopicAdmin;
  beforeAll(async () => {
    client = await openClient({ ...openKafka(), client: name });
    admin = client.topics;
  });
  afterAll(() => admin.close());

  const openReader = (request: Parameters<KafkaClient['openReader']>[0]) => client.openReader(request);

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
    const names = await admin.list();
    expect(names).toContain(topic);
    expect(names).not.toContain('__consumer_offsets');
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
    // Whoever takes the loss goes on with the same reader.
    await late.seek(0, 10);
    expect(await readTo(late, 0, 31)).toHaveLength(20);
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

  test('aborted transactions of several producers, overlapping, repeated and larger than an answer, leave no record', async () => {
    const topic = unique('reader');
    await admin.ensure(topic, 1);
    const [a, b, c] = await Promise.all([1, 2, 3].map(() => openWriter(topic, 'v1')));
    if (!a || !b || !c) throw new Error('three writers are needed');
    const wide = (from: number, count: number): TestRecord[] =>
      Array.from({ length: count }, (_, i) => row(0, from + i, 'x'.repeat(500)));
    const good: number[] = [];
    const keep = (records: TestRecord[]): TestRecord[] => {
      good.push(...records.map(({ key }) => (JSON.parse(String(key)) as { id: number }).id));
      return records;
    };
    // Interleaved: each producer's records lie among the others', its marker behind some of theirs.
    await a.begin(wide(0, 3_000));
    await b.begin(keep(wide(10_000, 50)));
    await c.begin(wide(20_000, 4_000));
    await b.more(keep(wide(10_050, 50)));
    await a.end('abort');
    await a.begin(keep(wide(30_000, 100)));
    await b.end('commit');
    await b.begin(wide(40_000, 3_000));
    await a.end('commit');
    await a.begin(wide(50_000, 10));
    await a.end('abort');
    await a.begin(wide(60_000, 10));
    await a.end('abort');
    await c.end('abort');
    await c.begin(keep(wide(70_000, 20)));
    await b.end('abort');
    await c.end('commit');
    await Promise.all([a, b, c].map((writer) => writer.close()));
    const end = (await admin.highWatermarks(topic, 1))[0] ?? 0;
    for (const from of [0, 1, 2_999, 3_001, 5_000, 7_500]) {
      const reader = await openReader({ topic, group: topic, from: new Map([[0, from]]) });
      const offsets: number[] = [];
      const ids: number[] = [];
      while ((reader.positions().get(0) ?? 0) < end) {
        for (const record of await reader.read(333, 500)) {
          offsets.push(record.offset);
          ids.push((JSON.parse(String(recordDetails(record).key)) as { id: number }).id);
        }
      }
      await reader.close();
      expect(offsets).toEqual([...offsets].sort((x, y) => x - y));
      expect(offsets.every((offset) => offset >= from)).toBe(true);
      expect(ids.filter((id) => !good.includes(id))).toEqual([]);
      if (from === 0) expect(new Set(ids)).toEqual(new Set(good));
      if (from === 0) expect(ids).toHaveLength(good.length);
    }
  });

  test.each(['none', 'gzip', 'snappy', 'lz4', 'zstd'])('batches packed with %s, by another producer', async (codec) => {
    const topic = unique('reader');
    await admin.ensure(topic, 1);
    const values = Array.from({ length: 3_000 }, (_, i) =>
      i % 100 === 7 ? null : `value ${i} ${'ab'.repeat(i % 300)}`,
    );
    await writePlainly(topic, codec, values);
    const reader = await openReader({ topic, group: topic, from: new Map([[0, 0]]) });
    const found: (string | null)[] = [];
    const headers: [string, Buffer][][] = [];
    while (found.length < values.length) {
      for (const record of await reader.read(500, 1_000)) {
        const { key, value, headers: named } = recordDetails(record);
        expect(key).toBeNull();
        headers.push(named);
        const placed = record.valueTo < 0 ? null : record.bytes.toString('utf8', record.valueFrom, record.valueTo);
        expect(placed).toBe(value === null ? null : String(value));
        found.push(placed);
      }
    }
    await reader.close();
    expect(found).toEqual(values);
    expect(headers[0]).toEqual([['trace', Buffer.from('0')]]);
  });

  test('our header is found among others', async () => {
    const ours = Buffer.from('schema;3;replay');
    const topic = await topicWith(async (writer) => {
      await writer.commit([
        {
          partition: 0,
          value: 'a',
          headers: [{ trace: Buffer.from('1') }, { headrace: ours }, { headrac: Buffer.alloc(0) }],
        },
        { partition: 0, value: 'b', headers: [{ headracE: ours }] },
      ]);
    });
    const reader = await openReader({ topic, group: topic, from: new Map([[0, 0]]) });
    const found: (string | null)[] = [];
    while (found.length < 2) {
      for (const { bytes, originFrom, originTo } of await reader.read(10, 1_000)) {
        found.push(originTo < 0 ? null : bytes.toString('utf8', originFrom, originTo));
      }
    }
    await reader.close();
    expect(found).toEqual([String(ours), null]);
  });
});
