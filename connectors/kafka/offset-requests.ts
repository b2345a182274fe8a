/** The requests about coordinators and the offsets that groups keep, as requests.ts has those about topics. */
import { APIS } from './apis.ts';
import type { KafkaRequest } from './connection.ts';
import type { BrokerAddress } from './requests.ts';
import { partitionErrors } from './wire.ts';
import type { ProducerIdentity } from './transaction-requests.ts';

export type CoordinatorOf = 'group' | 'transaction';

export const findCoordinator = (
  of: CoordinatorOf,
  key: string,
): KafkaRequest<{ error: number; message: string | null; broker: BrokerAddress }> => ({
  ...APIS.findCoordinator,
  write(out) {
    out.string(key);
    out.int8(of === 'group' ? 0 : 1);
  },
  read(input) {
    input.int32();
    const [error, message] = [input.int16(), input.string()];
    return { error, message, broker: { id: input.int32(), host: input.string() ?? '', port: input.int32() } };
  },
});

/** Outside of any group's membership: for the lag that tools show. */
export const commitOffsets = (
  group: string,
  topic: string,
  offsets: ReadonlyMap<number, number>,
): KafkaRequest<{ error: number }> => ({
  ...APIS.commitOffsets,
  write(out) {
    out.string(group);
    out.int32(-1);
    out.string('');
    out.string(null);
    out.array([topic], (name) => {
      out.string(name);
      out.array([...offsets], ([partition, offset]) => {
        out.int32(partition);
        out.int64(offset);
        out.int32(-1);
        out.string('');
      });
    });
  },
  read(input) {
    input.int32();
    return { error: partitionErrors(input).find((error) => error !== 0) ?? 0 };
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
    return { error: partitionErrors(input).find((error) => error !== 0) ?? 0 };
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
