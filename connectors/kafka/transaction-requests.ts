/** The requests of a transaction (KIP-98), as requests.ts has those about topics. */
import { APIS } from './apis.ts';
import type { KafkaRequest } from './connection.ts';
import { partitionErrors } from './wire.ts';

/** Whom a transaction belongs to. */
export interface ProducerIdentity {
  transactionalId: string;
  producerId: bigint;
  epoch: number;
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
  { transactionalId, producerId, epoch }: ProducerIdentity,
  topic: string,
  partitions: readonly number[],
): KafkaRequest<{ error: number }> => ({
  ...APIS.addPartitions,
  write(out) {
    out.string(transactionalId);
    out.bigint(producerId);
    out.int16(epoch);
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

export const addOffsets = (
  { transactionalId, producerId, epoch }: ProducerIdentity,
  group: string,
): KafkaRequest<{ error: number }> => ({
  ...APIS.addOffsets,
  write(out) {
    out.string(transactionalId);
    out.bigint(producerId);
    out.int16(epoch);
    out.string(group);
  },
  read(input) {
    input.int32();
    return { error: input.int16() };
  },
});

export const endTransaction = (
  { transactionalId, producerId, epoch }: ProducerIdentity,
  commit: boolean,
): KafkaRequest<{ error: number }> => ({
  ...APIS.endTransaction,
  write(out) {
    out.string(transactionalId);
    out.bigint(producerId);
    out.int16(epoch);
    out.bool(commit);
  },
  read(input) {
    input.int32();
    return { error: input.int16() };
  },
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
