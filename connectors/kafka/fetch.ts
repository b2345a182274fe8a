/** The fetch request (KIP-98, KIP-74), and what it brings a partition. */
import type { AbortedTransaction } from '../../formats/record-batch-in.ts';
import { APIS } from './apis.ts';
import type { KafkaRequest } from './connection.ts';

export interface FetchedPartition {
  partition: number;
  error: number;
  aborted: AbortedTransaction[];
  /** Batches; the last one may be cut off. */
  records: Buffer;
}

export interface FetchBounds {
  /** How long the broker waits for a first byte. */
  waitMs: number;
  bytes: number;
  partitionBytes: number;
}

/** @param from partition → first offset wanted; those named first are filled first, so turn the order */
export const fetchCommitted = (
  topic: string,
  from: readonly (readonly [number, number])[],
  bounds: FetchBounds,
): KafkaRequest<{ error: number; partitions: FetchedPartition[] }> => ({
  ...APIS.fetch,
  write(out) {
    out.int32(-1);
    out.int32(bounds.waitMs);
    out.int32(1);
    out.int32(bounds.bytes);
    out.int8(1); // read_committed
    out.int32(0); // no session
    out.int32(-1);
    out.array([topic], (name) => {
      out.string(name);
      out.array(from, ([partition, offset]) => {
        out.int32(partition);
        out.int32(-1);
        out.int64(offset);
        out.int64(-1);
        out.int32(bounds.partitionBytes);
      });
    });
    out.array([], () => undefined);
    out.string('');
  },
  read(input) {
    input.int32();
    const error = input.int16();
    input.int32();
    const partitions = input.array(() => {
      input.string();
      return input.array((): FetchedPartition => {
        const [partition, problem] = [input.int32(), input.int16()];
        for (let field = 0; field < 3; field++) input.bigint(); // high watermark, last stable offset, log start
        const aborted = input.array(() => ({ producerId: input.bigint(), firstOffset: input.int64() }));
        input.int32();
        return { partition, error: problem, aborted, records: input.bytes() ?? Buffer.alloc(0) };
      });
    });
    return { error, partitions: partitions.flat() };
  },
});
