/** The requests of a transaction (KIP-98, KIP-447), as requests.ts has those about topics. */
import { APIS } from './apis.ts';
import type { KafkaRequest } from './connection.ts';

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
    const errors = input.array(() => {
      input.string();
      return input.array(() => {
        input.int32();
        return input.int16();
      });
    });
    // 55, "not attempted", stands beside the error that is the reason.
    const failed = errors.flat().filter((error) => error !== 0);
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

export interface GroupOffset {
  topic: string;
  partition: number;
  offset: number;
  metadata: string;
}

export const commitOffsetInTransaction = (
  { transactionalId, producerId, epoch }: ProducerIdentity,
  group: string,
  { topic, partition, offset, metadata }: GroupOffset,
): KafkaRequest<{ error: number }> => ({
  ...APIS.commitOffsetInTransaction,
  write(out) {
    out.string(transactionalId);
    out.string(group);
    out.bigint(producerId);
    out.int16(epoch);
    out.array([topic], (name) => {
      out.string(name);
      out.array([partition], (number) => {
        out.int32(number);
        out.int64(offset);
        out.int32(-1);
        out.string(metadata);
      });
    });
  },
  read(input) {
    input.int32();
    const errors = input.array(() => {
      input.string();
      return input.array(() => {
        input.int32();
        return input.int16();
      });
    });
    return { error: errors.flat().find((error) => error !== 0) ?? 0 };
  },
});

/**
 * The committed offset of one partition, or error 88 as long as a transaction that holds one is not wholly ended
 * (`require_stable`, KIP-447): without it the answer may be the one before.
 */
export const fetchOffset = (
  group: string,
  topic: string,
  partition: number,
): KafkaRequest<{ error: number; offset: number; metadata: string }> => ({
  ...APIS.fetchOffset,
  write(out) {
    out.compactString(group);
    out.compactArray([topic], (name) => {
      out.compactString(name);
      out.compactArray([partition], (number) => out.int32(number));
      out.tags();
    });
    out.bool(true);
    out.tags();
  },
  read(input) {
    input.int32();
    const topics = input.compactArray(() => {
      input.compactString();
      const partitions = input.compactArray(() => {
        input.int32();
        const offset = input.int64();
        input.int32();
        const found = { offset, metadata: input.compactString() ?? '', error: input.int16() };
        input.tags();
        return found;
      });
      input.tags();
      return partitions;
    });
    const error = input.int16();
    const found = topics.flat()[0];
    if (error !== 0 || !found) return { error: error === 0 ? -1 : error, offset: -1, metadata: '' };
    return found;
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

/** @param batches one a partition; acknowledged by all replicas in sync */
export const produce = (
  transactionalId: string,
  topic: string,
  batches: readonly { partition: number; bytes: Buffer }[],
  timeoutMs: number,
): KafkaRequest<{ partition: number; error: number }[]> => ({
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
