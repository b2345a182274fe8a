/**
 * Reads given partitions from given offsets on librdkafka's low-level consumer. Guarantees: committed records only, in
 * offset order a partition, each record checked against the expected position; positions move over markers and aborted
 * records; what expired is told (`auto.offset.reset=error`), never jumped over; prefetched bytes are bounded.
 *
 * No consumer group is joined, so there are no rebalances; `assign` at the manifest's offsets is the whole of it.
 */
import type kafka from '@confluentinc/kafka-javascript';
import { setTimeout as sleep } from 'node:timers/promises';
import type { LogRecord, OpenReader, ReaderRequest, TopicReader } from '../../activities/ports/topic.ts';
import { fault, messageOf } from '../../contracts/errors.ts';
import { HEADER } from '../../contracts/messages.ts';
import type { KafkaSettings } from '../../contracts/settings.ts';
import { headerBytes, partBytes } from '../../formats/record-batch-out.ts';
import { CODE, kafkaFault, readKafkaError } from './errors.ts';
import { CALL_TIMEOUT_MS, disconnect, openConsumer } from './reader-consumer.ts';

/** A batch is about this large at most, by the size of the records before it; the first ones are taken to be large. */
const BATCH_BYTES = 4 * 1024 * 1024;
const FIRST_BATCH_RECORDS = 100;
/** Pause between looks at an empty queue. */
const IDLE_PAUSE_MS = 10;
/**
 * A partition that should have records but brings none for this long is asked for its log's bounds: the binding
 * swallows an error that comes up behind records of the same batch (workers.cc, KafkaConsumerConsumeNum).
 */
const STALL_CHECK_MS = 5_000;

export function openReaderWith(settings: KafkaSettings): OpenReader {
  return async (request) => {
    const expected = new Map(request.from);
    const consumer = await openConsumer(settings, request, expected);
    return reader(settings, request, expected, consumer);
  };
}

function reader(
  settings: KafkaSettings,
  request: ReaderRequest,
  expected: Map<number, number>,
  opened: kafka.KafkaConsumer,
): TopicReader {
  const { topic } = request;
  const doing = `reading topic ${topic}`;
  const toppars = [...expected.keys()].map((partition) => ({ topic, partition }));
  let consumer = opened;
  /** Where each partition stood when it was last looked whether one stands still. */
  let lookedAt = performance.now();
  let stoodAt = new Map(expected);
  let batchRecords = FIRST_BATCH_RECORDS;
  /** Asked for, not yet handed out. */
  let ahead: Promise<kafka.Message[]> | null = null;

  function consume(maxRecords: number): Promise<kafka.Message[]> {
    const consumed = new Promise<kafka.Message[]>((resolve, reject) => {
      consumer.consume(Math.min(maxRecords, batchRecords), (error: unknown, messages) => {
        if (!error) resolve(messages);
        else if (readKafkaError(error).code === CODE.timedOut) resolve([]);
        else reject(error instanceof Error ? error : new Error(messageOf(error)));
      });
    });
    consumed.catch(() => undefined); // whoever awaits it hears of it; nobody may, when the reader is closed
    return consumed;
  }

  /**
   * The next batch. The one after it is asked for at once, so that librdkafka collects it while this one is worked on; the
   * positions are taken in between, when nothing is under way, and so belong to this batch.
   */
  async function nextBatch(maxRecords: number): Promise<{ messages: kafka.Message[]; moved: boolean }> {
    const messages = await (ahead ?? consume(maxRecords));
    ahead = null;
    check(messages);
    const moved = moveOverMarkers();
    if (messages.length > 0) ahead = consume(maxRecords);
    return { messages, moved };
  }

  /** Every record must come at or after its partition's position: a gap is a marker or an aborted record, less is a repeat. */
  function check(messages: readonly kafka.Message[]): void {
    let partition = -1;
    let next = 0;
    let bytes = 0;
    for (const message of messages) {
      if (message.partition !== partition) {
        if (partition >= 0) expected.set(partition, next);
        partition = message.partition;
        next = expected.get(partition) ?? Number.MAX_SAFE_INTEGER;
      }
      if (message.offset < next) {
        throw fault(
          'KafkaUnavailable',
          `${doing}: partition ${partition} handed out ${message.offset}, expected ${next}`,
        );
      }
      next = message.offset + 1;
      bytes += message.size;
    }
    if (partition < 0) return;
    expected.set(partition, next);
    batchRecords = Math.max(1, Math.floor((BATCH_BYTES * messages.length) / (bytes + 1)));
  }

  /** Takes over librdkafka's positions: they are past markers that have no record. Negative ones: nothing consumed yet. */
  function moveOverMarkers(): boolean {
    let moved = false;
    for (const { partition, offset } of consumer.position(toppars)) {
      if (offset > (expected.get(partition) ?? Number.MAX_SAFE_INTEGER)) {
        expected.set(partition, offset);
        moved = true;
      }
    }
    return moved;
  }

  function bounds(partition: number): Promise<kafka.WatermarkOffsets> {
    return new Promise((resolve, reject) => {
      consumer.queryWatermarkOffsets(topic, partition, CALL_TIMEOUT_MS, (error: unknown, found) => {
        if (error) reject(kafkaFault(error, `${doing}: asking for the bounds of partition ${partition}`));
        else resolve(found);
      });
    });
  }

  /** @throws Fault OffsetsExpired, ManifestConflict when a position is not within its partition's log */
  async function checkBounds(partitions: readonly number[]): Promise<void> {
    for (const partition of partitions) {
      const position = expected.get(partition) ?? 0;
      const { lowOffset, highOffset } = await bounds(partition);
      if (position < lowOffset) {
        throw fault(
          'OffsetsExpired',
          `${doing}: partition ${partition} begins at offset ${lowOffset} now, ${position} to ${lowOffset} expired or were ` +
            'deleted before they were landed; raise the retention, and use --accept-loss to land on without them',
        );
      }
      if (position > highOffset) {
        throw fault(
          'ManifestConflict',
          `${doing}: partition ${partition} ends at offset ${highOffset}, but ${position} was landed already: the log was ` +
            'cut short (unclean leader election?); land it to a new prefix',
        );
      }
    }
  }

  /** What was asked for ahead and not handed out is read again: `expected` has not moved over it. */
  async function end(): Promise<void> {
    await ahead?.catch(() => undefined);
    ahead = null;
    await disconnect(consumer);
  }

  async function reopen(): Promise<void> {
    await end();
    consumer = await openConsumer(settings, request, expected);
  }

  /** Now and then: those that stand still are asked for their bounds. */
  async function checkStalled(now: number): Promise<void> {
    if (now - lookedAt < STALL_CHECK_MS) return;
    await checkBounds(
      [...expected].filter(([partition, at]) => stoodAt.get(partition) === at).map(([partition]) => partition),
    );
    lookedAt = now;
    stoodAt = new Map(expected);
  }

  return {
    async read(maxRecords, timeoutMs): Promise<readonly LogRecord[]> {
      const deadline = performance.now() + timeoutMs;
      for (;;) {
        const { messages, moved } = await nextBatch(maxRecords).catch(async (error: unknown) => {
          ahead = null;
          const told = kafkaFault(error, doing);
          // Any other error names no partition: look which one is out of its log's bounds.
          if (told.code !== 'AccessDenied') await checkBounds([...expected.keys()]);
          throw told;
        });
        const now = performance.now();
        await checkStalled(now);
        if (messages.length > 0) return messages.map(toRecord);
        if (moved || now >= deadline) return [];
        await sleep(IDLE_PAUSE_MS);
      }
    },
    positions: () => expected,
    pause(partitions) {
      consumer.pause(partitions.map((partition) => ({ topic, partition })));
    },
    resume(partitions) {
      consumer.resume(partitions.map((partition) => ({ topic, partition })));
    },
    // A new consumer instead of librdkafka's seek: that one resets its own position from another thread, later.
    async seek(partition, offset) {
      expected.set(partition, offset);
      await reopen();
    },
    async commitLag(offsets) {
      const wanted = [...offsets].map(([partition, offset]) => ({ topic, partition, offset }));
      await new Promise<void>((resolve, reject) => {
        // The typings leave commitCb out; `commit` does not wait, and its outcome is of no other meaning than the lag shown.
        try {
          consumer.commit(wanted);
          resolve();
        } catch (error) {
          reject(kafkaFault(error, `committing the lag of group ${request.group}`));
        }
      });
    },
    close: end,
  };
}

/** A message in the form that the port has: as it stands in a batch, so that key and headers are found as there. */
function toRecord({ partition, offset, key, value, headers }: kafka.Message): LogRecord {
  const named = (headers ?? []).flatMap((header) => Object.entries(header as Record<string, Buffer>));
  const keyBytes = typeof key === 'string' ? Buffer.from(key) : (key ?? null);
  const keyPart = partBytes(keyBytes);
  const valuePart = partBytes(value);
  const bytes = Buffer.concat([keyPart, valuePart, headerBytes(named)]);
  const valueTo = value === null ? -1 : keyPart.length + valuePart.length;
  const valueFrom = value === null ? 0 : valueTo - value.length;
  const origin = named.find(([name]) => name === HEADER)?.[1];
  const originFrom = origin === undefined ? 0 : bytes.indexOf(origin, keyPart.length + valuePart.length);
  const originTo = origin === undefined ? -1 : originFrom + origin.length;
  return { partition, offset, bytes, at: 0, valueFrom, valueTo, originFrom, originTo };
}
