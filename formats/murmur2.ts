/**
 * murmur2 as Kafka's Java client computes it (org.apache.kafka.common.utils.Utils.murmur2), so that a record lands in the
 * partition where Java's default partitioner would put its key.
 */
const SEED = 0x9747b28c | 0;
const M = 0x5bd1e995;

/** @returns a signed 32-bit integer */
export function murmur2(bytes: Uint8Array, length: number): number {
  let h = SEED ^ length;
  const whole = length & ~3;
  let i = 0;
  for (; i < whole; i += 4) {
    let k =
      (bytes[i] as number) |
      ((bytes[i + 1] as number) << 8) |
      ((bytes[i + 2] as number) << 16) |
      ((bytes[i + 3] as number) << 24);
    k = Math.imul(k, M);
    k ^= k >>> 24;
    h = Math.imul(h, M) ^ Math.imul(k, M);
  }
  const rest = length - whole;
  if (rest === 3) h ^= (bytes[i + 2] as number) << 16;
  if (rest >= 2) h ^= (bytes[i + 1] as number) << 8;
  if (rest >= 1) h = Math.imul(h ^ (bytes[i] as number), M);
  h ^= h >>> 13;
  h = Math.imul(h, M);
  h ^= h >>> 15;
  return h | 0;
}

/** The partition of a key: Java's toPositive(murmur2(key)) % partitions. */
export function partitionOf(key: Uint8Array, length: number, partitions: number): number {
  return (murmur2(key, length) & 0x7fffffff) % partitions;
}
