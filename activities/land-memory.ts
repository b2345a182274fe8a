/**
 * The budget of a worker's landing buffers, shared by all of its land activities. Guarantees: bytes held stay within the
 * budget plus one batch of records, and a buffer that alone exceeds it still passes: the largest is cut, and reading waits
 * until enough was encoded.
 */
import { createSpareBuffers, type SpareBuffers } from '../formats/spare-buffers.ts';

/** A partition's buffer that is being filled. */
export interface OpenBuffer {
  /** Bytes of memory, which may be more than the content. */
  held(): number;
  /** Bytes of content. */
  content(): number;
  /** Asks its owner to cut it at the next opportunity. */
  cutEarly(): void;
}

export interface LandMemory {
  held(): number;
  add(buffer: OpenBuffer): void;
  remove(buffer: OpenBuffer): void;
  /** So many bytes became a cut under way… */
  close(bytes: number): void;
  /** …and are free again. */
  release(bytes: number): void;
  /** What buffers grow by and give back: at most half of the budget (a quarter while nothing is landed), let go where it is wanted. */
  readonly spares: SpareBuffers;
  /** Whether reading must wait; asks the largest open buffer to be cut if what is under way would not make the room. */
  full(): boolean;
}

/** @param budget bytes */
export function createLandMemory(budget: number): LandMemory {
  const buffers = new Set<OpenBuffer>();
  const spares = createSpareBuffers(budget / 2);
  let closing = 0;
  const held = () => {
    let sum = closing + spares.bytes();
    for (const buffer of buffers) sum += buffer.held();
    return sum;
  };
  return {
    held,
    add: (buffer) => void buffers.add(buffer),
    remove(buffer) {
      buffers.delete(buffer);
      if (buffers.size === 0) spares.shrink(budget / 4); // for the landing after this one
    },
    close: (bytes) => void (closing += bytes),
    release: (bytes) => void (closing -= bytes),
    spares,
    full() {
      if (held() <= budget) return false;
      spares.shrink(Math.max(0, spares.bytes() - (held() - budget)));
      if (held() <= budget) return false;
      let largest: OpenBuffer | undefined;
      for (const buffer of buffers) {
        if (buffer.content() > (largest?.content() ?? 0)) largest = buffer;
      }
      if (closing < budget / 2) largest?.cutEarly();
      // Where nothing can be cut and nothing is under way, waiting would never end: the budget is below the least.
      return largest !== undefined || closing > 0;
    },
  };
}
