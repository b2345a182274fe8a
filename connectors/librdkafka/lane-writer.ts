/**
 * A lane's transactional producer on librdkafka's low-level API. Guarantees: opening fences and finishes every older
 * producer of the lane; a commit that resolves holds every record and the progress; queued buffers are copied.
 *
 * The low-level Producer without delivery reports was measured against the KafkaJS-like layer: 265k against 125k rows/s.
 * librdkafka's commit itself fails if any record of the transaction failed, so nothing is counted here.
 */
import kafka from '@confluentinc/kafka-javascript';
import { setTimeout as sleep } from 'node:timers/promises';
import type { LaneCommitted, LaneRequest, LaneWriter, OpenLane } from '../../activities/ports/topic.ts';
import { fault, messageOf } from '../../contracts/errors.ts';
import { HEADER, MAX_MESSAGE_BYTES, writeOrigin } from '../../contracts/messages.ts';
import type { KafkaSettings } from '../../contracts/settings.ts';
import { steadyClock } from '../../formats/steady-clock.ts';
import { kafkaClientConfig } from './client-config.ts';
import { CODE, kafkaFault, readKafkaError } from './errors.ts';
import { orRefusal } from './refusal.ts';

/** A dead worker's open transaction holds back readers no longer than this, even if nobody takes the lane over. */
const TRANSACTION_TIMEOUT_MS = 30_000;
const CALL_TIMEOUT_MS = 10_000;
/**
 * librdkafka's calls end by themselves after their time-out, but a commit was seen that never did (brokers killed in turn, 2 of
 * some 20 runs): the lane is given up then, and opened anew.
 */
const LOST_CALL_MS = 3 * CALL_TIMEOUT_MS;
/** How long retriable coordinator errors (a broker that starts, a coordinator that moves) are sat out within one call. */
const PATIENCE_MS = 60_000;
const RETRY_PAUSE_MS = 100;
const QUEUE_MESSAGES = 100_000;
const QUEUE_KIB = 32 * 1024;
const DRAIN_PAUSE_MS = 3;

type Callback = (error: unknown) => void;

/** Runs a callback-style call; the binding passes null or an error, or, see above, never comes back. */
function call(start: (done: Callback) => void): Promise<void> {
  return new Promise((resolve, reject) => {
    const lost = setTimeout(() => {
      reject(new Error(`librdkafka did not come back within ${LOST_CALL_MS / 1_000} s`));
    }, LOST_CALL_MS).unref();
    start((error) => {
      clearTimeout(lost);
      if (error) reject(error instanceof Error ? error : new Error(messageOf(error)));
      else resolve();
    });
  });
}

/** Repeats a call as long as librdkafka says that the same call may be made again. */
async function untilFinal(doing: string, start: (done: Callback) => void): Promise<void> {
  const deadline = performance.now() + PATIENCE_MS;
  for (;;) {
    try {
      await call(start);
      return;
    } catch (error) {
      const { isRetriable, isFatal, isTxnRequiresAbort } = readKafkaError(error);
      if (!isRetriable || isFatal || isTxnRequiresAbort || performance.now() > deadline) throw kafkaFault(error, doing);
      await sleep(RETRY_PAUSE_MS);
    }
  }
}

export function openLaneWith(settings: KafkaSettings): OpenLane {
  return async (request) => {
    const lane = `lane ${request.laneId}`;
    const shared = kafkaClientConfig(settings, 'replay');
    const producer = new kafka.Producer({
      ...shared,
      'transactional.id': request.laneId,
      'transaction.timeout.ms': TRANSACTION_TIMEOUT_MS,
      'queue.buffering.max.messages': QUEUE_MESSAGES,
      'queue.buffering.max.kbytes': QUEUE_KIB,
      'message.max.bytes': MAX_MESSAGE_BYTES,
      // A report for each record would be made and thrown away (367k against 536k rows/s); failures still fail the commit.
      'delivery.report.only.error': true,
      'linger.ms': 10,
      'compression.codec': 'lz4',
    });
    // Carries the group's name into the transaction and reads its offset; it joins nothing.
    const group = new kafka.KafkaConsumer({ ...shared, 'group.id': request.laneId, 'enable.auto.commit': false }, {});
    // Connection losses are librdkafka's to mend; what matters comes back through the calls.
    producer.on('event.error', () => undefined);
    group.on('event.error', () => undefined);
    const close = async (): Promise<void> => {
      await Promise.all([disconnect(producer), disconnect(group)]);
    };
    try {
      const connecting = () => Promise.all([connect(producer, request.topic), connect(group, request.topic)]);
      await orRefusal(settings, `${lane}: connecting`, connecting);
      producer.setPollInBackground(true);
      await untilFinal(`${lane}: fencing older producers`, (done) => producer.initTransactions(CALL_TIMEOUT_MS, done));
    } catch (error) {
      void close(); // takes 10 s where nothing answers
      throw kafkaFault(error, `${lane}: connecting`);
    }
    return writer(request, lane, producer, group, close);
  };
}

function writer(
  request: LaneRequest,
  lane: string,
  producer: kafka.Producer,
  group: kafka.KafkaConsumer,
  close: () => Promise<void>,
): LaneWriter {
  const { topic } = request;
  const now = steadyClock(request.now);
  let headersOf = -1;
  let headers: Record<string, Buffer>[] = [];

  function produce(
    partition: number,
    key: Buffer | null,
    value: Buffer | null,
    own: Record<string, Buffer>[],
  ): boolean {
    try {
      // Not the event time: one in the past would let retention delete the record at once.
      // `opaque` stays undefined: null would leave a persistent handle a message behind.
      producer.produce(topic, partition, value, key, now(), undefined, own);
      return true;
    } catch (error) {
      if (readKafkaError(error).code === CODE.queueFull) return false;
      const shown = key?.toString('utf8', 0, 200) ?? 'null';
      throw kafkaFault(error, `${lane}: sending the record of key ${shown}, ${value?.length ?? 0} bytes, to ${topic}`);
    }
  }

  return {
    async committed(): Promise<LaneCommitted> {
      let found: LaneCommitted = { seq: 0, metadata: '' };
      await untilFinal(`${lane}: reading its progress in topic ${topic}`, (done) => {
        group.committed([{ topic, partition: 0 }], CALL_TIMEOUT_MS, (error: unknown, offsets) => {
          const offset = error ? undefined : offsets[0];
          if (offset?.offset !== undefined && offset.offset > 0)
            found = { seq: offset.offset, metadata: offset.metadata ?? '' };
          done(error);
        });
      });
      return found;
    },
    async begin() {
      await untilFinal(`${lane}: beginning`, (done) => producer.beginTransaction(done));
    },
    send(partition, key, value, chunk) {
      if (chunk !== headersOf) {
        headersOf = chunk;
        const origin = writeOrigin({ schema: request.schemaVersion, chunk, replay: request.replayId });
        headers = [{ [HEADER]: Buffer.from(origin) }];
      }
      return produce(partition, key, value, headers);
    },
    sendRecord: (partition, key, value, own) =>
      produce(
        partition,
        key,
        value,
        own.map(([name, bytes]) => ({ [name]: bytes })),
      ),
    async drain() {
      await sleep(DRAIN_PAUSE_MS);
    },
    async commit(seq, metadata) {
      if (Buffer.byteLength(metadata) > 4_096)
        throw fault('TableUnsuited', `${lane}: its progress does not fit 4,096 bytes`);
      const progress = { topic, partition: 0, offset: seq, metadata };
      await untilFinal(`${lane}: adding its progress in topic ${topic}`, (done) =>
        producer.sendOffsetsToTransaction([progress], group, CALL_TIMEOUT_MS, done),
      );
      await untilFinal(`${lane}: committing to topic ${topic}`, (done) =>
        producer.commitTransaction(CALL_TIMEOUT_MS, done),
      );
    },
    async abort() {
      await untilFinal(`${lane}: aborting`, (done) => producer.abortTransaction(CALL_TIMEOUT_MS, done));
    },
    close,
  };
}

async function connect(client: kafka.Producer | kafka.KafkaConsumer, topic: string): Promise<void> {
  await call((done) => client.connect({ topic, timeout: CALL_TIMEOUT_MS }, done));
}

/** Ends a client whatever its state; what an open transaction holds is aborted by the next fencing. */
function disconnect(client: kafka.Producer | kafka.KafkaConsumer): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, CALL_TIMEOUT_MS);
    const done = () => {
      clearTimeout(timer);
      resolve();
    };
    try {
      if (client instanceof kafka.Producer) client.disconnect(50, done);
      else client.disconnect(done);
    } catch {
      done();
    }
  });
}
