/**
 * Collects the records of one cut: a growing buffer into which each value is copied at once, so that the client's small
 * buffers die young (kept alive, they cost a fifth of the landing's speed to the garbage collector).
 *
 * A record is one line: `<offset> TAB <lineage index> TAB TAB <value> NEWLINE`, the value's bytes untouched (the empty
 * field is for the encoder: the values that the lake's typed columns cannot hold). Of our own
 * messages no value holds a raw tab or newline (JSON escapes them), so the lines are a table that DuckDB reads in bulk. A
 * foreign value may hold some and look like several lines; it is not searched for here (a pass over every byte), but
 * it cannot pass: it makes more lines than there are records, which the encoder notices, and then judges each record by
 * `starts`, alone.
 */
import { createHash } from 'node:crypto';
import { createSpareBuffers, type SpareBuffers } from './spare-buffers.ts';
import { createLineages, type Lineage, type OriginPlace } from './record-headers.ts';

/** What a consumed record must offer; the topic's port has the same. */
export interface BufferedRecord extends OriginPlace {
  offset: number;
  valueFrom: number;
  /** Negative for a null value. */
  valueTo: number;
}

/** A record as it came, for the dead letters. */
export interface RawRecord extends Lineage {
  offset: number;
  value: Buffer | null;
}

export interface CutBuffer {
  readonly partition: number;
  records(): number;
  /** Bytes of content. */
  bytes(): number;
  /** Bytes of memory held, which may be more than the content. */
  capacity(): number;
  /** Null while empty. */
  firstOffset(): number | null;
  lastOffset(): number | null;
  /** Schema version of the first record that names one. */
  schemaVersion(): string | null;
  /** False when the record is of another schema version than those here: cut first (reason 'schema'). */
  fits(record: BufferedRecord): boolean;
  /** Offsets must rise. The record's buffers are copied. */
  append(record: BufferedRecord): void;
  /** For the encoder. Views of the buffer's memory: valid until the next append or reset. */
  content(): { lines: Buffer; records: number; starts: Uint32Array; lineages: readonly Lineage[]; partition: number };
  /** Hex SHA-256 of offsets, values and lineage: the same whoever reads the same offsets. */
  sha256(): string;
  /** @returns a copy; null when no record of that offset is here */
  rawRecord(offset: number): RawRecord | null;
  /** Forgets the records; keeps the memory. */
  reset(): void;
  /** Gives the memory to the spares: the end of the buffer. */
  dispose(): void;
}

/** A record of its parts, where it does not come from a log. @param origin the value of our header, null without one */
export function bufferedRecord(offset: number, value: Buffer | null, origin: Buffer | null): BufferedRecord {
  const bytes = Buffer.concat([value ?? NO_BYTES, origin ?? NO_BYTES]);
  const valueTo = value === null ? -1 : value.length;
  const originFrom = Math.max(0, valueTo);
  return { offset, bytes, valueFrom: 0, valueTo, originFrom, originTo: origin === null ? -1 : bytes.length };
}

const NO_BYTES = Buffer.alloc(0);
/** Of a buffer with its first record: a worker may hold hundreds of them, and what they hold counts against `worker.landMemory`. */
const FIRST_BYTES = 4 * 1024;
const FIRST_RECORDS = 64;
/** Spares are for buffers beyond this: the largest that is kept would be wasted on a small one. */
const SMALL_BYTES = 64 * 1024;
/** Up to here memory doubles; beyond, it grows by as much, so that a large buffer does not hold twice what it needs. */
const DOUBLE_UP_TO_BYTES = 32 * 1024 * 1024;
/** An offset and a lineage index, the longest there are, with their separators. */
const PREFIX_BYTES = 40;
/** The hash is fed in pieces of about this size while records come in, so that the end of a cut is no long pause. */
const HASH_STEP_BYTES = 256 * 1024;
const TAB = 0x09;
const NEWLINE = 0x0a;

/** @param spares where memory is taken from as the buffer grows */
export function createCutBuffer(partition: number, spares: SpareBuffers = createSpareBuffers(0)): CutBuffer {
  let lines: Buffer = NO_BYTES; // none is taken before the first record
  let at = 0;
  let starts = new Uint32Array(0);
  let records = 0;
  let first: number | null = null;
  let last: number | null = null;
  let schema: string | null = null;
  let nulls = new Set<number>(); // offsets of records without a value
  let hash = createHash('sha256');
  let hashed = 0;
  const lineages = createLineages();

  function makeRoom(needed: number): void {
    let size = Math.max(lines.length, FIRST_BYTES);
    while (size < needed) size += Math.min(size, DOUBLE_UP_TO_BYTES);
    const larger = size > SMALL_BYTES ? spares.take(size) : Buffer.allocUnsafeSlow(size);
    lines.copy(larger, 0, 0, at);
    if (lines.length > SMALL_BYTES) spares.giveBack(lines);
    lines = larger;
  }

  function appendDigits(value: number): void {
    if (value < 10) lines[at++] = 0x30 + value;
    else at += lines.write(String(value), at, 'latin1');
  }

  /** The line's place in `starts`, by binary search over offsets. */
  function find(offset: number): number {
    let low = 0;
    let high = records - 1;
    while (low <= high) {
      const middle = (low + high) >>> 1;
      const found = parseInt(lines.toString('latin1', starts[middle], (starts[middle] as number) + 20), 10);
      if (found === offset) return middle;
      if (found < offset) low = middle + 1;
      else high = middle - 1;
    }
    return -1;
  }

  return {
    partition,
    records: () => records,
    bytes: () => at,
    capacity: () => lines.length + starts.byteLength,
    firstOffset: () => first,
    lastOffset: () => last,
    schemaVersion: () => schema,
    fits(record) {
      const version = lineages.schemaOf(record);
      return schema === null || version === null || version === schema;
    },
    append(record) {
      const { offset, bytes, valueFrom, valueTo } = record;
      const lineage = lineages.indexOf(record);
      schema ??= lineages.schemaOf(record);
      const size = valueTo < 0 ? 0 : valueTo - valueFrom;
      if (at + size + PREFIX_BYTES > lines.length) makeRoom(at + size + PREFIX_BYTES);
      if (records === starts.length) {
        const longer = new Uint32Array(Math.max(FIRST_RECORDS, records * 2));
        longer.set(starts);
        starts = longer;
      }
      starts[records++] = at;
      appendDigits(offset);
      lines[at++] = TAB;
      appendDigits(lineage);
      lines[at++] = TAB;
      lines[at++] = TAB;
      if (valueTo < 0) nulls.add(offset);
      else bytes.copy(lines, at, valueFrom, valueTo);
      at += size;
      lines[at++] = NEWLINE;
      first ??= offset;
      last = offset;
      if (at - hashed >= HASH_STEP_BYTES) {
        hash.update(lines.subarray(hashed, at));
        hashed = at;
      }
    },
    content: () => ({
      lines: lines.subarray(0, at),
      records,
      starts: starts.subarray(0, records),
      lineages: lineages.list(),
      partition,
    }),
    sha256() {
      if (at > hashed) hash.update(lines.subarray(hashed, at));
      hashed = at;
      // Without the places of the lines a value could pass for two; without the nulls, one for an empty value.
      const rest = JSON.stringify([partition, records, lineages.list(), [...nulls]]);
      return hash.copy().update(starts.subarray(0, records)).update(rest).digest('hex');
    },
    rawRecord(offset) {
      const index = find(offset);
      if (index < 0) return null;
      const start = starts[index] as number;
      const end = (index + 1 < records ? (starts[index + 1] as number) : at) - 1;
      const tab = lines.indexOf(TAB, start) + 1;
      const from = lines.indexOf(TAB, tab) + 2;
      const source = lineages.list()[Number(lines.toString('latin1', tab, from - 2))] ?? { replay: null, chunk: null };
      return { offset, ...source, value: nulls.has(offset) ? null : Buffer.from(lines.subarray(from, end)) };
    },
    reset() {
      at = records = hashed = 0;
      first = last = schema = null;
      lineages.reset();
      nulls = new Set();
      hash = createHash('sha256');
    },
    dispose() {
      this.reset();
      if (lines.length > SMALL_BYTES) spares.giveBack(lines);
      lines = NO_BYTES;
    },
  };
}
