/**
 * Sends a lane's batches to their leaders. Guarantees: a partition's batches go out in order, each once; the first failure
 * is kept, and from then on nothing more goes out.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { fault, messageOf } from '../../contracts/errors.ts';
import { type BatchBuilder, giveBack, sealBatch } from '../../formats/record-batch-out.ts';
import type { Cluster } from './cluster.ts';
import { lz4 } from './compression.ts';
import { kafkaFault, NONE } from './error-codes.ts';
import { type ProduceAnswer, produce, type ProducerIdentity } from './transaction-requests.ts';

export interface BatchSender {
  /** Takes the builder's records as one batch. */
  add(partition: number, builder: BatchBuilder): void;
  /** Bytes on their way or waiting. */
  bytes(): number;
  /** Resolves when every batch was acknowledged. @throws what failed first */
  settled(): Promise<void>;
  /** Batches that were sent and not answered. */
  unanswered(): number;
  /** @throws what failed first */
  check(): void;
}

interface SenderOptions {
  /** For errors. */
  lane: string;
  topic: string;
  producer: ProducerIdentity;
  leaders: ReadonlyMap<number, number>;
  /** Epoch milliseconds, for the records. */
  now: () => number;
  /** Resolves when the transaction has the partition. */
  join: (partition: number) => Promise<void>;
}

interface Batch {
  partition: number;
  /** As it goes out. */
  bytes: Promise<Buffer>;
  /** Its bytes: unpacked until it is packed. */
  size: number;
}

interface Queue {
  waiting: Batch[];
  /** Not answered yet. */
  requests: number;
  /** Settles when the latest request was written to its connection, or never will be. */
  written: Promise<unknown>;
}

/** How long the leader may wait for the other replicas. */
const REPLICAS_TIMEOUT_MS = 20_000;
/** Requests to one leader at a time: while one is answered, the next is already there. */
const REQUESTS_AT_ONCE = 2;
const SETTLE_PAUSE_MS = 1;

export function openBatchSender(
  cluster: Cluster,
  { lane, topic, producer, leaders, now, join }: SenderOptions,
): BatchSender {
  const sequences = new Map<number, number>();
  const queues = new Map<number, Queue>();
  let failure: Error | undefined;
  let bytes = 0;
  let open = 0;
  let lost = 0;

  function fail(error: unknown): void {
    failure ??= error instanceof Error ? error : fault('Unexpected', messageOf(error), error);
  }

  /** Several are packed at a time, on other threads; until then all of their bytes are counted. */
  function pack(partition: number, raw: Buffer): Batch {
    const sealing = sealBatch(raw, lz4);
    const batch: Batch = { partition, bytes: sealing, size: raw.length };
    bytes += raw.length;
    sealing.then(
      (sealed) => {
        if (sealed !== raw) giveBack(raw);
        bytes += sealed.length - batch.size;
        batch.size = sealed.length;
      },
      () => undefined, // `write` hears of it
    );
    return batch;
  }

  function pump(leader: number): void {
    const queue = queues.get(leader);
    while (queue && !failure && queue.waiting.length > 0 && queue.requests < REQUESTS_AT_ONCE) {
      // One batch a partition is all that a request may hold.
      const batches: Batch[] = [];
      for (const batch of queue.waiting) {
        if (!batches.some(({ partition }) => partition === batch.partition)) batches.push(batch);
      }
      queue.waiting = queue.waiting.filter((batch) => !batches.includes(batch));
      queue.requests += 1;
      const written = write(leader, batches, queue.written);
      void answered(written, batches).finally(() => {
        queue.requests -= 1;
        pump(leader);
      });
      queue.written = written.catch(() => undefined);
    }
  }

  /**
   * @param earlier the leader's request before: one that waits for a new partition, or for the connection, must not be
   *   overtaken by the next, whose partitions are all known (tried: 4 of 10 transactions of large rows out of sequence)
   * @returns null where something failed before
   */
  async function write(
    leader: number,
    batches: readonly Batch[],
    earlier: Promise<unknown>,
  ): Promise<{ answers: Promise<ProduceAnswer[]> } | null> {
    await Promise.all(batches.map(({ partition }) => join(partition)));
    const packed = await Promise.all(batches.map(async ({ partition, bytes }) => ({ partition, bytes: await bytes })));
    await earlier;
    const broker = await cluster.broker(leader);
    if (failure) return null;
    return { answers: broker.send(produce(producer.transactionalId, topic, packed, REPLICAS_TIMEOUT_MS)) };
  }

  async function answered(written: ReturnType<typeof write>, batches: readonly Batch[]): Promise<void> {
    const doing = `${lane}: sending to topic ${topic}`;
    let sent = false;
    try {
      const request = await written;
      if (!request) return;
      sent = true;
      const answers = await request.answers;
      sent = false;
      for (const { partition } of batches) {
        const answer = answers.find((each) => each.partition === partition);
        if (!answer) throw fault('KafkaUnavailable', `${doing}: no answer about partition ${partition}`);
        if (answer.error !== NONE)
          throw kafkaFault(answer.error, `${doing}, partition ${partition}`, sizeOf(batches, partition));
      }
    } catch (error) {
      if (sent) lost += batches.length;
      fail(error);
    } finally {
      open -= batches.length;
      for (const { size } of batches) bytes -= size;
    }
  }

  return {
    add(partition, builder) {
      const leader = leaders.get(partition) ?? -1;
      const sequence = sequences.get(partition) ?? 0;
      // Sequence numbers wrap around to 0 behind 2^31 - 1 (KIP-98).
      sequences.set(partition, (sequence + builder.records()) % 2 ** 31);
      const owner = { id: producer.producerId, epoch: producer.epoch };
      const batch = pack(partition, builder.take(owner, sequence, now()));
      open += 1;
      const queue = queues.get(leader) ?? { waiting: [], requests: 0, written: Promise.resolve() };
      queues.set(leader, queue);
      queue.waiting.push(batch);
      pump(leader);
    },
    bytes: () => bytes,
    async settled() {
      while (open > 0 && !failure) await sleep(SETTLE_PAUSE_MS);
      // After a failure: what was sent before it is still waited for, so that `unanswered` is final.
      while ([...queues.values()].some(({ requests }) => requests > 0)) await sleep(SETTLE_PAUSE_MS);
      if (failure) throw failure;
    },
    unanswered: () => lost,
    check() {
      if (failure) throw failure;
    },
  };
}

function sizeOf(batches: readonly Batch[], partition: number): string {
  const batch = batches.find((each) => each.partition === partition);
  return `a batch of ${batch?.size ?? 0} bytes`;
}
