/** What a record's header says of where it comes from, read without making strings a record. */
import { type Origin, readOrigin } from '../contracts/messages.ts';

/** Where the value of our header stands in a record's bytes; `originTo` is negative where there is none. */
export interface OriginPlace {
  bytes: Buffer;
  originFrom: number;
  originTo: number;
}

/** Where a record comes from; null where its header does not say (a foreign record). */
export interface Lineage {
  replay: string | null;
  chunk: number | null;
}

/** The lineages met so far, each with an index. */
export interface Lineages {
  indexOf(record: OriginPlace): number;
  /** Null for a foreign record. */
  schemaOf(record: OriginPlace): string | null;
  list(): readonly Lineage[];
  reset(): void;
}

const NO_BYTES = Buffer.alloc(0);

export function createLineages(): Lineages {
  // Of the record looked at last; most records share it.
  let bytes: Buffer = NO_BYTES;
  let origin: Origin | null = null;
  let current = -1;
  let list: Lineage[] = [];
  let indexByName = new Map<string, number>();

  function look(record: OriginPlace): void {
    if (isSame(bytes, record)) return;
    const { originFrom, originTo } = record;
    bytes = originTo < 0 ? NO_BYTES : Buffer.from(record.bytes.subarray(originFrom, originTo));
    origin = readOrigin(bytes.toString('latin1'));
    current = -1;
  }

  return {
    indexOf(record) {
      look(record);
      if (current >= 0) return current;
      const lineage: Lineage = { replay: origin?.replay ?? null, chunk: origin?.chunk ?? null };
      const name = JSON.stringify(lineage);
      current = indexByName.get(name) ?? list.length;
      if (current === list.length) {
        indexByName.set(name, current);
        list.push(lineage);
      }
      return current;
    },
    schemaOf(record) {
      look(record);
      return origin?.schema ?? null;
    },
    list: () => list,
    reset() {
      current = -1;
      list = [];
      indexByName = new Map();
    },
  };
}

/** For a few bytes a loop is faster than Buffer.equals (30 ns against 60). */
function isSame(known: Buffer, { bytes, originFrom, originTo }: OriginPlace): boolean {
  if (known.length !== Math.max(0, originTo - originFrom)) return false;
  for (let i = 0; i < known.length; i++) if (known[i] !== bytes[originFrom + i]) return false;
  return true;
}
