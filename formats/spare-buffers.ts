/**
 * Memory that is used again: buffers of megabytes, which come and go by the dozen a second. Guarantees: what is kept stays
 * within its bound; a buffer is kept by one user at a time.
 *
 * V8 marks its whole heap (40 ms of processor time) for every 64 MB that are taken outside of it, and fresh memory costs page
 * faults: landing a million rows made 19 such rounds, publishing them 8; with spare buffers 11, and 0 to 5.
 */
export interface SpareBuffers {
  /** The largest that is kept, with any content, if it has so many bytes; else just so many new ones. */
  take(bytes: number): Buffer;
  /** Once nobody reads it any longer. */
  giveBack(buffer: Buffer): void;
  /** That are kept. */
  bytes(): number;
  /** Lets go of the smallest ones until no more than so many bytes are kept. */
  shrink(bytes: number): void;
}

/** @param most bytes that are kept */
export function createSpareBuffers(most: number): SpareBuffers {
  /** The smallest first. */
  const kept: Buffer[] = [];
  let sum = 0;
  const self: SpareBuffers = {
    take(bytes) {
      const largest = kept.at(-1);
      if (!largest || largest.length < bytes) return Buffer.allocUnsafeSlow(bytes);
      kept.pop();
      sum -= largest.length;
      return largest;
    },
    giveBack(buffer) {
      if (buffer.length > most) return;
      const place = kept.findIndex(({ length }) => length > buffer.length);
      kept.splice(place < 0 ? kept.length : place, 0, buffer);
      sum += buffer.length;
      self.shrink(most);
    },
    bytes: () => sum,
    shrink(bytes) {
      while (sum > bytes) sum -= kept.shift()?.length ?? 0;
    },
  };
  return self;
}
