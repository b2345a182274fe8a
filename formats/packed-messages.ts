/**
 * Keys and values gathered in one run of bytes until they are sent. Guarantees: what `take` gives is not written to again. Not a
 * Buffer each: 40,000 small ones that wait for a transaction outlive the young generation, and collecting them took a sixth of
 * the time.
 */
export interface PackedMessages {
  count(): number;
  /** @returns bytes of both */
  add(key: string, value: string): number;
  /** The messages in order, views of one buffer; gathering begins anew. */
  take(): Iterable<{ key: Buffer; value: Buffer }>;
}

const FIRST_BYTES = 16 * 1024;
/** UTF-8 of one UTF-16 unit. */
const MOST_BYTES_A_UNIT = 3;

export function createPackedMessages(): PackedMessages {
  let bytes = Buffer.allocUnsafeSlow(FIRST_BYTES);
  let ends: number[] = [];
  let end = 0;

  function put(text: string): void {
    end += bytes.write(text, end);
    ends.push(end);
  }

  return {
    count: () => ends.length / 2,
    add(key, value) {
      const begin = end;
      const most = end + (key.length + value.length) * MOST_BYTES_A_UNIT;
      if (most > bytes.length) {
        const grown = Buffer.allocUnsafeSlow(Math.max(most, bytes.length * 2));
        bytes.copy(grown, 0, 0, end);
        bytes = grown;
      }
      put(key);
      put(value);
      return end - begin;
    },
    take() {
      const taken = views(bytes, ends);
      // As large as it had to be this time; a small batch (live) gives the memory back.
      bytes = Buffer.allocUnsafeSlow(Math.max(FIRST_BYTES, Math.min(bytes.length, end * 2)));
      ends = [];
      end = 0;
      return taken;
    },
  };
}

function* views(bytes: Buffer, ends: readonly number[]): Generator<{ key: Buffer; value: Buffer }, void, undefined> {
  let begin = 0;
  for (let index = 0; index < ends.length; index += 2) {
    const middle = ends[index] as number;
    const end = ends[index + 1] as number;
    yield { key: bytes.subarray(begin, middle), value: bytes.subarray(middle, end) };
    begin = end;
  }
}
