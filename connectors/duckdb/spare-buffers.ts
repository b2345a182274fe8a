/**
 * Keeps a few buffers for the next cut. Fresh memory costs 0.1 s of processor time a million rows more, in page faults, both
 * where it is filled and where the file is written from it.
 */
export interface SpareBuffers {
  /** With any content. */
  take(bytes: number): Buffer;
  /** Once nobody reads it any longer. */
  giveBack(buffer: Buffer): void;
}

/** As many cuts as are encoded side by side. */
const MAX_KEPT = 2;
/** Larger ones are few, and their memory is better free. */
const MAX_KEPT_BYTES = 16 * 1024 * 1024;
/** So that the next cut, a little larger, has room in it too. */
const STEP_BYTES = 1024 * 1024;

export function createSpareBuffers(): SpareBuffers {
  const kept: Buffer[] = [];
  return {
    take(bytes) {
      const found = kept.findIndex((buffer) => buffer.length >= bytes);
      const [spare] = kept.splice(Math.max(found, 0), 1); // too small a one makes way for a larger one
      if (found >= 0 && spare) return spare;
      return Buffer.allocUnsafeSlow(Math.ceil((bytes + 1) / STEP_BYTES) * STEP_BYTES);
    },
    giveBack(buffer) {
      if (kept.length < MAX_KEPT && buffer.length <= MAX_KEPT_BYTES) kept.push(buffer);
    },
  };
}
