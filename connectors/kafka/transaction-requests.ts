/** The requests of a transaction (KIP-98), as requests.ts has those about topics. */
import { APIS } from './apis.ts';
import type { KafkaRequest } from './connection.ts';
import { type In, type Out, partitionErrors } from './wire.ts';

/** Whom a transaction belongs to. */
export interface ProducerIdentity {
  transactionalId: string;
  producerId: bigint;
  epoch: number;
}

function writeIdentity(out: Out, { transactionalId, producerId, epoch }: ProducerIdentity): void {
  out.string(transactionalId);
  out.bigint(producerId);
  out.int16(epoch);
}

/** The throttle time, which the broker keeps to by itself, and the error. */
function readError(input: In): { error: number } {
  input.int32();
  return { error: input.int16() };
}

export const initProducerId = (
  transactionalId: string,
  timeoutMs: number,
): KafkaRequest<{ error: number; producerId: bigint; epoch: number }> => ({
  ...APIS.initProducerId,
  write(out) {
    out.string(transactionalId);
    out.int32(timeoutMs);
  },
  read(input) {
    input.int32();
    return { error: input.int16(), producerId: input.bigint(), epoch: input.int16() };
  },
});

export const addPartitions = (
  producer: ProducerIdentity,
  topic: string,
  partitions: readonly number[],
): KafkaRequest<{ error: number }> => ({
  ...APIS.addPartitions,
  write(out) {
    writeIdentity(out, producer);
    out.array([topic], (name) => {
      out.string(name);
      out.array(partitions, (partition) => out.int32(partition));
    });
  },
  read(input) {
    input.int32();
    const errors = partitionErrors(input);
    // 55, "not attempted", stands beside the error that is the reason.
    const failed = errors.filter((error) => error !== 0);
    return { error: failed.find((error) => error !== 55) ?? failed[0] ?? 0 };
  },
});

export const addOffsets = (producer: ProducerIdentity, group: string): KafkaRequest<{ error: number }> => ({
  ...APIS.addOffsets,
  write(out) {
    writeIdentity(out, producer);
    out.string(group);
  },
  read: readError,
});

export const endTransaction = (producer: ProducerIdentity, commit: boolean): KafkaRequest<{ error: number }> => ({
  ...APIS.endTransaction,
  write(out) {
    writeIdentity(out, producer);
    out.bool(commit);
  },
  read: readError,
});

export interface ProduceAnswer {
  partition: number;
  error: number;
}

/** @param batches one a partition; acknowledged by all replicas in sync */
export const produce = (
  transactionalId: string,
  topic: string,
  batches: readonly { partition: number; bytes: Buffer }[],
  timeoutMs: number,
): KafkaRequest<ProduceAnswer[]> => ({
  ...APIS.produce,
  write(out) {
    out.string(transactionalId);
    out.int16(-1);
    out.int32(timeoutMs);
    out.array([topic], (name) => {
      out.string(name);
      out.array(batches, ({ partition, bytes }) => {
        out.int32(partition);
        out.bytes(bytes);
      });
    });
  },
  read(input) {
    const topics = input.array(() => {
      input.string();
      return input.array(() => {
        const answer = { partition: input.int32(), error: input.int16() };
        for (let field = 0; field < 3; field++) input.bigint();
        return answer;
      });
    });
    return topics.flat();
  },
});
