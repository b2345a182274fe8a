/**
 * What every Kafka client of ours must do when it publishes, on a real broker: a commit has every record and the progress, an
 * abort nothing, a newer writer shuts the older one out. What came in is read by the other client.
 */
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import type { LaneWriter } from '../../activities/ports/topic.ts';
import { HEADER, writeOrigin } from '../../contracts/messages.ts';
import { KAFKA_CLIENTS } from '../../contracts/settings.ts';
import { recordDetails } from '../../formats/record-batch-in.ts';
import { type KafkaClient, openKafka as openClient } from '../../workers/kafka-client.ts';
import { openKafka, unique } from '../land/services.ts';

describe.each(KAFKA_CLIENTS)('the lane writer of %s', (name) => {
  let client: KafkaClient;
  let witness: KafkaClient;
  beforeAll(async () => {
    client = await openClient({ ...openKafka(), client: name });
    witness = await openClient({ ...openKafka(), client: name === 'headrace' ? 'librdkafka' : 'headrace' });
  });
  afterAll(() => Promise.all([client.topics.close(), witness.topics.close()]));

  async function topicOf(partitions: number): Promise<string> {
    const topic = unique('lane');
    await client.topics.ensure(topic, partitions);
    return topic;
  }
  const lane = (topic: string, laneId = `${topic}/0`) => ({ topic, laneId, replayId: 'replay-1', schemaVersion: 'v1' });

  async function send(writer: LaneWriter, ids: readonly number[], partitions: number, padding = ''): Promise<void> {
    for (const id of ids) {
      const key = Buffer.from(`{"id":${id}}`);
      const value = Buffer.from(`{"id":${id},"text":"${padding}"}`);
      while (!writer.send(id % partitions, key, value, 7)) await writer.drain();
    }
  }
  const range = (from: number, to: number) => Array.from({ length: to - from }, (_, i) => from + i);

  /** Ids by partition in the log's order, as the other client reads them. */
  async function read(topic: string, partitions: number): Promise<number[][]> {
    const ends = await witness.topics.highWatermarks(topic, partitions);
    const from = new Map(range(0, partitions).map((partition) => [partition, 0]));
    const reader = await witness.openReader({ topic, group: unique('witness'), from });
    const found: number[][] = range(0, partitions).map(() => []);
    while ([...reader.positions()].some(([partition, at]) => at < (ends[partition] ?? 0))) {
      for (const record of await reader.read(1_000, 500)) {
        const { key, headers } = recordDetails(record);
        found[record.partition]?.push((JSON.parse(String(key)) as { id: number }).id);
        expect(headers.map(([header, bytes]) => [header, String(bytes)])).toEqual([
          [HEADER, writeOrigin({ schema: 'v1', chunk: 7, replay: 'replay-1' })],
        ]);
      }
    }
    await reader.close();
    return found;
  }

  test('several transactions, many batches: every record in, in order, with the progress of the last', async () => {
    const topic = await topicOf(3);
    const writer = await client.openLane(lane(topic));
    expect(await writer.committed()).toEqual({ seq: 0, metadata: '' });
    await writer.begin();
    await send(writer, range(0, 30_000), 3, 'x'.repeat(200));
    await writer.commit(1, '{"first":1}');
    expect(await writer.committed()).toEqual({ seq: 1, metadata: '{"first":1}' });
    await writer.begin();
    await send(writer, range(30_000, 30_010), 3);
    await writer.commit(2, '{"zweitens":"ü"}');
    await writer.close();
    expect((await read(topic, 3)).flat().length).toBe(30_010);
    expect(await read(topic, 3)).toEqual([0, 1, 2].map((p) => range(0, 30_010).filter((id) => id % 3 === p)));
    const later = await client.openLane(lane(topic));
    expect(await later.committed()).toEqual({ seq: 2, metadata: '{"zweitens":"ü"}' });
    await later.close();
  });

  test('a machine whose clock is a day ahead sends by the clock that it is given: Kafka takes no records of tomorrow', async () => {
    const topic = await topicOf(1);
    const now = Date.now();
    const ahead = vi.spyOn(Date, 'now').mockImplementation(() => now + 24 * 3_600_000);
    try {
      const writer = await client.openLane({ ...lane(topic), now });
      await writer.begin();
      await send(writer, range(0, 10), 1);
      await writer.commit(1, '');
      await writer.close();
    } finally {
      ahead.mockRestore();
    }
    expect(await read(topic, 1)).toEqual([range(0, 10)]);
  });

  test('a batch does not overtake an earlier one of its partition that waits for a new partition', async () => {
    const topic = await topicOf(24);
    const writer = await client.openLane(lane(topic));
    // One record a batch, and partitions that come in one by one: without an order, 4 of 10 such transactions failed.
    const padding = 'x'.repeat(600_000);
    for (let seq = 1; seq <= 10; seq++) {
      await writer.begin();
      for (let i = 0; i < 80; i++) {
        await send(writer, [(i * i + (i >> 2) * seq) % (1 + Math.min(23, i >> 1))], 24, padding);
        if (i % 5 === 0) await new Promise((resolve) => setImmediate(resolve));
      }
      await writer.commit(seq, 'in order');
    }
    await writer.close();
    expect((await read(topic, 24)).flat().length).toBe(800);
  });

  test('an aborted transaction leaves neither records nor progress; so does one whose writer went away', async () => {
    const topic = await topicOf(2);
    const first = await client.openLane(lane(topic));
    await first.begin();
    await send(first, range(0, 5_000), 2, 'x'.repeat(300));
    await first.abort();
    await first.close();
    const second = await client.openLane(lane(topic));
    await second.begin();
    await send(second, range(5_000, 9_000), 2, 'x'.repeat(300));
    await second.close();
    const third = await client.openLane(lane(topic));
    expect(await third.committed()).toEqual({ seq: 0, metadata: '' });
    await third.begin();
    await send(third, [1, 2, 3], 2);
    await third.commit(1, 'third');
    await third.close();
    expect(await read(topic, 2)).toEqual([[2], [1, 3]]);
  });

  test('a newer writer of the lane shuts the older one out, whatever it was at', async () => {
    const topic = await topicOf(2);
    const idle = await client.openLane(lane(topic));
    const busy = await client.openLane(lane(topic));
    await busy.begin();
    await send(busy, range(100, 4_000), 2, 'x'.repeat(300));
    const newest = await client.openLane(lane(topic));
    await newest.begin();
    await send(newest, [1, 2], 2);
    // The older ones end with a fault that says so, and have no say in what the newest does.
    await expect(busy.commit(1, 'busy')).rejects.toMatchObject({ code: 'Fenced' });
    await busy.abort().catch(() => undefined);
    const late = async (): Promise<void> => {
      await idle.begin();
      await send(idle, [50], 2);
      await idle.commit(1, 'idle');
    };
    await expect(late()).rejects.toMatchObject({ code: 'Fenced' });
    await idle.abort().catch(() => undefined);
    await newest.commit(1, 'newest');
    expect(await newest.committed()).toEqual({ seq: 1, metadata: 'newest' });
    await Promise.all([idle.close(), busy.close(), newest.close()]);
    expect(await read(topic, 2)).toEqual([[2], [1]]);
  });

  test('records of many megabytes pass beside small ones; one that no topic of ours takes is named', async () => {
    const topic = await topicOf(1);
    const writer = await client.openLane(lane(topic));
    const random = Buffer.alloc(9 * 1024 * 1024, 'ab').toString();
    await writer.begin();
    await send(writer, [1], 1);
    await send(writer, [2], 1, random);
    await send(writer, [3], 1);
    await writer.commit(1, 'large');
    const tooLarge = async () => {
      await writer.begin();
      await send(writer, [4], 1, 'x'.repeat(11 * 1024 * 1024));
    };
    await expect(tooLarge()).rejects.toMatchObject({
      code: 'TopicUnsuited',
      message: expect.stringContaining('{"id":4}') as string,
    });
    await writer.abort().catch(() => undefined);
    await writer.close();
    expect(await read(topic, 1)).toEqual([[1, 2, 3]]);
  });
});
