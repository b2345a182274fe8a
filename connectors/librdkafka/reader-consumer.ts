/**
 * A librdkafka consumer for landing: assigned by hand, committed records only, prefetching within bounds. Guarantees that
 * it never jumps: where a position is out of its log's bounds, `consume` ends with an error (`auto.offset.reset=error`).
 */
import kafka from '@confluentinc/kafka-javascript';
import type { ReaderRequest } from '../../activities/ports/topic.ts';
import type { KafkaSettings } from '../../contracts/settings.ts';
import { kafkaClientConfig } from './client-config.ts';
import { kafkaFault } from './errors.ts';
import { orRefusal } from './refusal.ts';

/** How long one call to the broker may take. */
export const CALL_TIMEOUT_MS = 10_000;
/** librdkafka's queue of one reader: all that it holds beyond the caller's own buffers. */
const PREFETCH_KIB = 32 * 1024;
const PREFETCH_MESSAGES = 50_000;
const FETCH_BYTES = 8 * 1024 * 1024;
const FETCH_PARTITION_BYTES = 1024 * 1024;
/**
 * `consume(n)` waits this long for each further record, on a thread of libuv's pool of four. Longer starves the file
 * system and the hashes of threads, and turns a trickle into a wait of n times this; shorter is not possible.
 */
const NEXT_RECORD_MS = 1;

export async function openConsumer(
  settings: KafkaSettings,
  request: ReaderRequest,
  from: ReadonlyMap<number, number>,
): Promise<kafka.KafkaConsumer> {
  const consumer = new kafka.KafkaConsumer(
    {
      ...kafkaClientConfig(settings, 'land'),
      'group.id': request.group,
      'enable.auto.commit': false,
      'enable.auto.offset.store': false,
      'isolation.level': 'read_committed',
      'enable.partition.eof': false,
      'check.crcs': true,
      'queued.max.messages.kbytes': PREFETCH_KIB,
      'queued.min.messages': PREFETCH_MESSAGES,
      'fetch.max.bytes': FETCH_BYTES,
      'fetch.message.max.bytes': FETCH_PARTITION_BYTES,
      'fetch.wait.max.ms': 100,
      'fetch.queue.backoff.ms': 10,
      'fetch.error.backoff.ms': 100,
    },
    { 'auto.offset.reset': 'error' },
  );
  // Connection losses are librdkafka's to mend; what matters comes back through consume.
  consumer.on('event.error', () => undefined);
  consumer.setDefaultConsumeTimeout(NEXT_RECORD_MS);
  const doing = `reading topic ${request.topic}: connecting`;
  const connecting = (): Promise<void> =>
    new Promise((resolve, reject) => {
      consumer.connect({ topic: request.topic, timeout: CALL_TIMEOUT_MS }, (error: unknown) => {
        if (error) reject(kafkaFault(error, doing));
        else resolve();
      });
    });
  await orRefusal(settings, doing, connecting).catch((error: unknown) => {
    void disconnect(consumer);
    throw error;
  });
  consumer.assign([...from].map(([partition, offset]) => ({ topic: request.topic, partition, offset })));
  return consumer;
}

export function disconnect(consumer: kafka.KafkaConsumer): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, CALL_TIMEOUT_MS);
    consumer.disconnect(() => {
      clearTimeout(timer);
      resolve();
    });
  });
}
