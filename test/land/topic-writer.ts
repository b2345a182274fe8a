/** Writes test topics: committed and aborted transactions of hand-made records, deletions, re-creations. */
import kafka from '@confluentinc/kafka-javascript';
import { setTimeout as sleep } from 'node:timers/promises';
import { HEADER, writeOrigin } from '../../contracts/messages.ts';
import { openKafka, unique } from './services.ts';

const TIMEOUT_MS = 20_000;

export interface TestRecord {
  partition: number;
  key?: Buffer | null;
  value: Buffer | string | null;
  chunk?: number;
  /** Instead of ours. */
  headers?: Record<string, Buffer>[];
}

export interface TopicWriter {
  /** Begins a transaction and sends its first records; they are in the log when this resolves. */
  begin(records: readonly TestRecord[]): Promise<void>;
  more(records: readonly TestRecord[]): Promise<void>;
  end(how: 'commit' | 'abort'): Promise<void>;
  commit(records: readonly TestRecord[]): Promise<void>;
  abort(records: readonly TestRecord[]): Promise<void>;
  close(): Promise<void>;
}

type Done = (error: unknown) => void;

async function untilDone(call: (done: Done) => void): Promise<void> {
  const deadline = Date.now() + TIMEOUT_MS;
  for (;;) {
    const error = await new Promise<unknown>((resolve) => call(resolve));
    if (!error) return;
    const retriable = typeof error === 'object' && 'isRetriable' in error && error.isRetriable === true;
    if (!retriable || Date.now() > deadline) throw error instanceof Error ? error : new Error(JSON.stringify(error));
    await sleep(100);
  }
}

/** A row of the test table as our messages carry it. */
export const row = (partition: number, id: number, name: string | null = `row ${id}`): TestRecord => ({
  partition,
  key: Buffer.from(JSON.stringify({ id })),
  value: JSON.stringify({ id, name }),
});

/** @param replay named in the headers; landed only where the control database knows it (saveReplay in setting.ts) */
export async function openWriter(topic: string, schema: string, replay = 'replay-1'): Promise<TopicWriter> {
  const producer = new kafka.Producer({
    'bootstrap.servers': openKafka().brokers.join(','),
    'transactional.id': unique('test-writer'),
    'linger.ms': 5,
    'message.max.bytes': 10 * 1024 * 1024,
  });
  producer.on('event.error', () => undefined);
  await untilDone((done) => producer.connect({ timeout: TIMEOUT_MS }, done));
  await untilDone((done) => producer.initTransactions(TIMEOUT_MS, done));

  async function begin(records: readonly TestRecord[]): Promise<void> {
    await untilDone((done) => producer.beginTransaction(done));
    await more(records);
  }

  async function end(how: 'commit' | 'abort'): Promise<void> {
    if (how === 'commit') await untilDone((done) => producer.commitTransaction(TIMEOUT_MS, done));
    else await untilDone((done) => producer.abortTransaction(TIMEOUT_MS, done));
  }

  async function more(records: readonly TestRecord[]): Promise<void> {
    for (const { partition, key, value, chunk, headers } of records) {
      const ours = [{ [HEADER]: Buffer.from(writeOrigin({ schema, chunk: chunk ?? 0, replay })) }];
      const bytes = typeof value === 'string' ? Buffer.from(value) : value;
      for (;;) {
        try {
          producer.produce(topic, partition, bytes, key ?? null, undefined, undefined, headers ?? ours);
          break;
        } catch (error) {
          if (!String(error).includes('Queue full')) throw error;
          await sleep(10);
        }
      }
    }
    await untilDone((done) => producer.flush(TIMEOUT_MS, done));
  }

  return {
    begin,
    more,
    end,
    async commit(records) {
      await begin(records);
      await end('commit');
    },
    async abort(records) {
      await begin(records);
      await end('abort');
    },
    close: () => new Promise((resolve) => producer.disconnect(1_000, () => resolve())),
  };
}

/** Outside of transactions, without keys, packed as told; each record has a header `trace`. */
export async function writePlainly(topic: string, codec: string, values: readonly (string | null)[]): Promise<void> {
  const producer = new kafka.Producer({
    'bootstrap.servers': openKafka().brokers.join(','),
    'compression.codec': codec as 'none',
    'linger.ms': 50,
  });
  await untilDone((done) => producer.connect({ timeout: TIMEOUT_MS }, done));
  values.forEach((value, i) => {
    const headers = [{ trace: Buffer.from(String(i)) }];
    producer.produce(topic, 0, value === null ? null : Buffer.from(value), null, undefined, undefined, headers);
  });
  await untilDone((done) => producer.flush(TIMEOUT_MS, done));
  await new Promise((resolve) => producer.disconnect(1_000, resolve));
}

function withAdmin(use: (admin: kafka.IAdminClient, done: Done) => void): Promise<void> {
  const admin = kafka.AdminClient.create({ 'bootstrap.servers': openKafka().brokers.join(',') });
  return untilDone((done) => use(admin, done)).finally(() => admin.disconnect());
}

export const deleteTopic = (topic: string): Promise<void> =>
  withAdmin((admin, done) => admin.deleteTopic(topic, TIMEOUT_MS, done));

/** Deletes a partition's records below the offset, as retention does. */
export const deleteBelow = (topic: string, partition: number, offset: number): Promise<void> =>
  withAdmin((admin, done) => admin.deleteRecords([{ topic, partition, offset }], { timeout: TIMEOUT_MS }, done));

/** What a group committed for a partition; what ordinary tools make the lag of. */
export async function committedOffset(topic: string, group: string, partition: number): Promise<number | undefined> {
  const settings = {
    'bootstrap.servers': openKafka().brokers.join(','),
    'group.id': group,
    'enable.auto.commit': false,
  };
  const consumer = new kafka.KafkaConsumer(settings, {});
  await untilDone((done) => consumer.connect({ timeout: TIMEOUT_MS }, done));
  try {
    let offset: number | undefined;
    await untilDone((done) =>
      consumer.committed([{ topic, partition }], TIMEOUT_MS, (error: unknown, found) => {
        if (!error) offset = found[0]?.offset;
        done(error);
      }),
    );
    return offset;
  } finally {
    await new Promise((resolve) => consumer.disconnect(resolve));
  }
}
