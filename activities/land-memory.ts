/**
 * The budget of a worker's landing buffers, shared by all of its land activities. Guarantees: bytes held stay within the
 * budget plus one batch of records, and a buffer that alone exceeds it still passes: the largest is cut, and reading waits
 * until enough was encoded.
 */

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
  /** Whether an emptied buffer's memory may be kept for the next: empty ones never hold more than half of the budget. */
  mayKeep(bytes: number): boolean;
  /** Whether reading must wait; asks the largest open buffer to be cut if what is under way would not make the room. */
  full(): boolean;
}

/** @param budget bytes */
export function createLandMemory(budget: number): LandMemory {
  const buffers = new Set<OpenBuffer>();
  let closing = 0;
  const held = () => {
    let sum = closing;
    for (const buffer of buffers) sum += buffer.held();
    return sum;
  };
  return {
    held,
    add: (buffer) => void buffers.add(buffer),
    remove: (buffer) => void buffers.delete(buffer),
    close: (bytes) => void (closing += bytes),
    release: (bytes) => void (closing -= bytes),
    mayKeep: (bytes) => held() + bytes <= budget / 2,
    full() {
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
