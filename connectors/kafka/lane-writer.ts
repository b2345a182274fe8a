/**
 * A lane's transactional producer. Guarantees: opening fences and finishes every older producer of the lane; a commit that
 * resolves holds every record and the progress.
 *
 * Nothing is ever sent twice. Whatever goes wrong (an answer lost, a leader moved, a broker gone) fails the writer; the lane is
 * then opened anew, which aborts what was under way, and asked for its outcome (activities/publish-chunk.ts). So the whole of
 * an idempotent producer's retries, where clients lose and double rows, is not needed here.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type { LaneCommitted, LaneRequest, LaneWriter, OpenLane } from '../../activities/ports/topic.ts';
import { fault } from '../../contracts/errors.ts';
import { HEADER, MAX_MESSAGE_BYTES, writeOrigin } from '../../contracts/messages.ts';
import type { KafkaSettings } from '../../contracts/settings.ts';
import { type BatchBuilder, createBatchBuilder, headerBytes } from '../../formats/record-batch-out.ts';
import { steadyClock } from '../../formats/steady-clock.ts';
import { openBatchSender } from './batch-sender.ts';
import { type Cluster, openCluster } from './cluster.ts';
import { commitOffsetInTransaction, fetchOffset } from './offset-requests.ts';
import {
  addOffsets,
  addPartitions,
  endTransaction,
  initProducerId,
  type ProducerIdentity,
} from './transaction-requests.ts';

/** A dead worker's open transaction holds back readers no longer than this, even if nobody takes the lane over. */
const TRANSACTION_TIMEOUT_MS = 30_000;
/** A batch goes out when it has so many bytes, unpacked: half of what a topic takes by default (max.message.bytes)… */
const BATCH_BYTES = 512 * 1024;
/** …or fewer where there are many partitions, so that all batches of a lane together stay within this. */
const BATCHES_BYTES = 16 * 1024 * 1024;
/** What may be on its way or waiting before `send` says full. */
const QUEUE_BYTES = 8 * 1024 * 1024;
/** Batch, record and header take some bytes themselves. */
const MOST_RECORD_BYTES = MAX_MESSAGE_BYTES - 1_024;
const DRAIN_PAUSE_MS = 1;
const MOST_METADATA_BYTES = 4_096;

export function openLaneWith(settings: KafkaSettings): OpenLane {
  return async (request) => {
    const cluster = openCluster(settings);
    try {
      const doing = `lane ${request.laneId}: fencing older producers`;
      const { producerId, epoch } = await cluster.ask(
        doing,
        () => cluster.coordinator('transaction', request.laneId),
        initProducerId(request.laneId, TRANSACTION_TIMEOUT_MS),
      );
      const topic = await cluster.topic(request.topic);
      if (!topic) throw fault('KafkaUnavailable', `lane ${request.laneId}: there is no topic ${request.topic}`);
      return createWriter(cluster, request, { transactionalId: request.laneId, producerId, epoch }, topic.leaders);
    } catch (error) {
      cluster.close();
      throw error;
    }
  };
}

function createWriter(
  cluster: Cluster,
  { topic, laneId, replayId, schemaVersion, now }: LaneRequest,
  producer: ProducerIdentity,
  leaders: ReadonlyMap<number, number>,
): LaneWriter {
  const lane = `lane ${laneId}`;
  const batchBytes = Math.min(BATCH_BYTES, Math.ceil(BATCHES_BYTES / leaders.size));
  const sender = openBatchSender(cluster, { lane, topic, producer, leaders, now: steadyClock(now), join });
  const builders = new Map<number, BatchBuilder>();
  /** Partitions that the open transaction has; the coordinator must know of each before its first batch. */
  let joined = new Map<number, Promise<void>>();
  let headersOf = -1;
  let headers: Buffer = Buffer.alloc(0);

  const coordinator = () => cluster.coordinator('transaction', laneId);

  /** All partitions that have records are added at once: the coordinator takes one such request after the other. */
  function join(partition: number): Promise<void> {
    const known = joined.get(partition);
    if (known) return known;
    const waiting = [...builders].filter(([number, { records }]) => !joined.has(number) && records() > 0);
    const partitions = [...new Set([partition, ...waiting.map(([number]) => number)])];
    const earlier = Promise.all(joined.values());
    const adding = earlier.then(async () => {
      const request = addPartitions(producer, topic, partitions);
      await cluster.ask(`${lane}: adding partitions of topic ${topic}`, coordinator, request);
    });
    adding.catch(() => undefined); // the sender hears of it
    for (const each of partitions) joined.set(each, adding);
    return adding;
  }

  function builderOf(partition: number): BatchBuilder {
    let builder = builders.get(partition);
    if (!builder) {
      if (!leaders.has(partition)) throw fault('Unexpected', `${lane}: topic ${topic} has no partition ${partition}`);
      builder = createBatchBuilder(batchBytes);
      builders.set(partition, builder);
    }
    return builder;
  }

  function append(partition: number, key: Buffer | null, value: Buffer | null, headers: Buffer): boolean {
    const builder = builderOf(partition);
    const bytes = (key?.length ?? 0) + (value?.length ?? 0);
    if (bytes > MOST_RECORD_BYTES) throw tooLarge(lane, topic, key, bytes);
    // A batch is larger than its measure only where one record is.
    if (builder.records() > 0 && builder.bytes() + bytes > batchBytes) sender.add(partition, builder);
    builder.append(key, value, headers);
    return true;
  }

  return {
    async committed(): Promise<LaneCommitted> {
      const doing = `${lane}: reading its progress in topic ${topic}`;
      const group = () => cluster.coordinator('group', laneId);
      const { offset, metadata } = await cluster.ask(doing, group, fetchOffset(laneId, topic, 0));
      return offset > 0 ? { seq: offset, metadata } : { seq: 0, metadata: '' };
    },
    begin() {
      sender.check();
      joined = new Map();
      return Promise.resolve();
    },
    send(partition, key, value, chunk) {
      sender.check();
      if (sender.bytes() >= QUEUE_BYTES) return false;
      if (chunk !== headersOf) {
        headersOf = chunk;
        headers = headerBytes([[HEADER, Buffer.from(writeOrigin({ schema: schemaVersion, chunk, replay: replayId }))]]);
      }
      return append(partition, key, value, headers);
    },
    sendRecord(partition, key, value, own) {
      sender.check();
      return sender.bytes() < QUEUE_BYTES && append(partition, key, value, headerBytes(own));
    },
    async drain() {
      await sleep(DRAIN_PAUSE_MS);
      sender.check();
    },
    async commit(seq, metadata) {
      if (Buffer.byteLength(metadata) > MOST_METADATA_BYTES)
        throw fault('TableUnsuited', `${lane}: its progress does not fit ${MOST_METADATA_BYTES} bytes`);
      for (const [partition, builder] of builders) if (builder.records() > 0) sender.add(partition, builder);
      const doing = `${lane}: adding its progress in topic ${topic}`;
      // The group's place is made while the last batches are on their way.
      const offsets = Promise.all(joined.values()).then(async () => {
        await cluster.ask(doing, coordinator, addOffsets(producer, laneId));
        const progress = { topic, partition: 0, offset: seq, metadata };
        const request = commitOffsetInTransaction(producer, laneId, progress);
        await cluster.ask(doing, () => cluster.coordinator('group', laneId), request);
      });
      // Both are waited for, whichever fails: nothing of this transaction may be on its way when it is ended.
      for (const each of await Promise.allSettled([sender.settled(), offsets])) {
        if (each.status === 'rejected') throw each.reason;
      }
      await cluster.ask(`${lane}: committing`, coordinator, endTransaction(producer, true));
    },
    async abort() {
      for (const builder of builders.values()) builder.clear();
      await sender.settled().catch(() => undefined);
      // A batch whose answer is lost may still arrive, after the abort and so outside of any transaction: then the next
      // opening of the lane has to end it, whose new epoch shuts such a batch out.
      if (sender.unanswered() > 0 || joined.size === 0) return;
      await cluster.ask(`${lane}: aborting`, coordinator, endTransaction(producer, false));
    },
    close() {
      cluster.close();
      return Promise.resolve();
    },
  };
}

function tooLarge(lane: string, topic: string, key: Buffer | null, bytes: number): Error {
  const shown = key?.toString('utf8', 0, 200) ?? 'null';
  return fault(
    'TopicUnsuited',
    `${lane}: the record of key ${shown} has ${bytes} bytes, more than the ${MOST_RECORD_BYTES} that Headrace sends to ${topic}; ` +
      'leave the row out with a filter, or its large column out of the table',
  );
}
