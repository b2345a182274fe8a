/**
 * From COPY's text format to Kafka records: the hot path of a replay. Guarantees, for a stream of chunks cut anywhere: a
 * row is offered once it is whole, in order, until it is taken; rows and checksum count taken rows only; no object is
 * made a row but the two views of the record's bytes.
 *
 * A row costs about a microsecond for product_sales' seven columns: bench/formats.ts prints it. What was rejected:
 * splitting into strings (three times slower), JSON.stringify of an object (five times), row_to_json in the server
 * (362,000 rows/s for a whole core of the database).
 */
import type { Key, TableShape } from '../contracts/columns.ts';
import { fault } from '../contracts/errors.ts';
import { appendNullField, canonicalWriter } from './canonical.ts';
import { BACKSLASH, isNull, NEWLINE, STOPS, TAB, unescape } from './copy-text.ts';
import { jsonWriter, type ValueWriter } from './json-values.ts';
import { jsonPrefix, keyWriter } from './key-json.ts';
import { md5First60, type Hash60 } from './md5.ts';
import { partitionOf } from './murmur2.ts';
import { createRunningSum } from './row-hash.ts';
import { append, appendAscii, createScratch, reserve, type Scratch } from './scratch.ts';

/** @returns false when the row was not taken: it will be offered again by `resume`. The buffers are valid during the call only. */
export type OnRow = (key: Buffer, value: Buffer, partition: number) => boolean;

export interface CopyRows {
  /**
   * Parses a chunk and offers its rows. The chunk must stay as it is until all of it is done.
   * @returns false when a row was not taken; call `resume` (and not `push`) once there is room
   * @throws Fault SourceChanged when a row has another number of columns, Unexpected when a time is not in UTC
   */
  push(chunk: Buffer, onRow: OnRow): boolean;
  /** Offers the row that was not taken again, and goes on with its chunk. @returns as push */
  resume(onRow: OnRow): boolean;
  /** To be called at the stream's end. @throws Fault SourceUnavailable when a row is cut off or none took the last row */
  finish(): void;
  /** Of the rows taken since the start or the last `resetSums`. */
  sums(): { rows: number; checksum: bigint };
  resetSums(): void;
  /** The last row taken, by the columns of `order`, as PostgreSQL prints them; null before the first. */
  lastKey(): Key | null;
}

interface ColumnCode {
  prefix: Buffer;
  json: ValueWriter;
  canonical: ValueWriter;
  /** Place in the order, or -1. */
  kept: number;
}

/** A row's values of the order's columns as printed, to be read when asked for. */
interface RawKey {
  text: Scratch;
  from: number[];
  to: number[];
}

/**
 * @param options.partitions that keys are hashed over
 * @param options.order columns that the rows come in the order of, the key's among them; absent: the key's
 */
export function createCopyRows(
  shape: TableShape,
  options: { partitions: number; order?: readonly string[] },
): CopyRows {
  const order = options.order ?? shape.key;
  const code: ColumnCode[] = shape.columns.map((column, i) => ({
    prefix: jsonPrefix(column.name, i),
    json: jsonWriter(column.type),
    canonical: canonicalWriter(column.type),
    kept: order.indexOf(column.name),
  }));
  const keyCode = shape.key.map((name, i) => {
    const column = shape.columns.find((candidate) => candidate.name === name);
    if (!column) throw fault('Unexpected', `key column "${name}" is not among the table's columns`);
    return { prefix: jsonPrefix(name, i), write: keyWriter(column.type), kept: order.indexOf(name) };
  });
  const columns = code.length;
  const value = createScratch(4096);
  const key = createScratch(256);
  const canonical = createScratch(4096);
  const plain = createScratch(4096); // a field without its escapes
  const tail = createScratch(65536); // the row that a chunk's end cut off
  const hash: Hash60 = { high: 0, low: 0 };
  const sum = createRunningSum();
  const newRawKey = (): RawKey => ({ text: createScratch(256), from: [], to: [] });
  let taken: RawKey | null = null;
  let current = newRawKey();
  let spare = newRawKey();

  let partition = 0;
  let offered = false; // the encoded row waits to be taken
  let rest: Buffer | null = null; // chunk that `resume` goes on with
  let restAt = 0;

  /** Encodes the row that begins at `start`. @returns the place behind its newline */
  function encodeRow(src: Buffer, start: number): number {
    value.at = canonical.at = 0;
    current.text.at = 0;
    let at = start;
    for (let i = 0; i < columns; i++) {
      const from = at;
      let escaped = false;
      while (STOPS[src[at] as number] === 0) at++;
      while (src[at] === BACKSLASH) {
        escaped = true;
        at += 2;
        while (STOPS[src[at] as number] === 0) at++;
      }
      if (src[at] !== (i === columns - 1 ? NEWLINE : TAB)) throw wrongColumns(shape, i, src[at] === TAB);
      encodeField(code[i] as ColumnCode, src, from, at, escaped);
      at++;
    }
    reserve(value, 1)[value.at++] = 0x7d;
    encodeKey();
    md5First60(canonical, canonical.at, hash);
    return at;
  }

  function encodeField(column: ColumnCode, src: Buffer, from: number, to: number, escaped: boolean): void {
    append(value, column.prefix, 0, column.prefix.length);
    if (!escaped) return encodeText(column, src, from, to);
    if (isNull(src, from, to)) {
      if (column.kept >= 0) throw nullKey(order[column.kept]);
      appendAscii(value, 'null');
      return appendNullField(canonical);
    }
    unescape(src, from, to, plain);
    encodeText(column, plain.bytes, 0, plain.at);
  }

  function encodeText(column: ColumnCode, src: Buffer, from: number, to: number): void {
    column.json(value, src, from, to);
    column.canonical(canonical, src, from, to);
    if (column.kept < 0) return;
    current.from[column.kept] = current.text.at;
    append(current.text, src, from, to);
    current.to[column.kept] = current.text.at;
  }

  function encodeKey(): void {
    key.at = 0;
    for (let i = 0; i < keyCode.length; i++) {
      const { prefix, write, kept } = keyCode[i] as (typeof keyCode)[number];
      append(key, prefix, 0, prefix.length);
      write(key, current.text.bytes, current.from[kept] as number, current.to[kept] as number);
    }
    reserve(key, 1)[key.at++] = 0x7d;
    partition = partitionOf(key.bytes, key.at, options.partitions);
  }

  /** @returns false when the encoded row was not taken */
  function offer(onRow: OnRow): boolean {
    offered = true;
    if (!onRow(key.bytes.subarray(0, key.at), value.bytes.subarray(0, value.at), partition)) return false;
    offered = false;
    sum.add(hash);
    const previous = taken;
    taken = current;
    current = previous ?? spare;
    spare = current;
    return true;
  }

  /** Offers the whole rows of src from `restAt` on, and keeps what follows the last newline. */
  function drain(onRow: OnRow): boolean {
    const chunk = rest;
    if (!chunk) return true;
    const end = chunk.lastIndexOf(NEWLINE) + 1;
    while (restAt < end) {
      restAt = encodeRow(chunk, restAt);
      if (!offer(onRow)) return false;
    }
    append(tail, chunk, restAt, chunk.length);
    rest = null;
    return true;
  }

  return {
    push(chunk, onRow) {
      if (offered || rest) throw fault('Unexpected', 'push was called where a row waits to be taken; call resume');
      rest = chunk;
      restAt = 0;
      if (tail.at === 0) return drain(onRow);
      // The cut-off row is completed in `tail`, so that a long row is not looked through again with every chunk.
      const newline = chunk.indexOf(NEWLINE);
      restAt = newline < 0 ? chunk.length : newline + 1;
      append(tail, chunk, 0, restAt);
      if (newline < 0) {
        rest = null;
        return true;
      }
      encodeRow(tail.bytes, 0);
      tail.at = 0;
      return offer(onRow) && drain(onRow);
    },
    resume: (onRow) => (!offered || offer(onRow)) && drain(onRow),
    finish() {
      if (offered || rest) throw fault('SourceUnavailable', 'the source was left with a row that was not taken');
      if (tail.at > 0) {
        throw fault(
          'SourceUnavailable',
          `the source's rows end in the middle of one (${tail.at} bytes); read it again`,
        );
      }
    },
    sums: () => ({ rows: sum.rows(), checksum: sum.total() }),
    resetSums: () => sum.reset(),
    lastKey() {
      const last = taken;
      return last && order.map((_, i) => last.text.bytes.toString('utf8', last.from[i], last.to[i]));
    },
  };
}

function nullKey(name = ''): Error {
  return fault('SourceChanged', `key column "${name}" holds a NULL; it was NOT NULL when the replay was planned`);
}

function wrongColumns(shape: TableShape, column: number, more: boolean): Error {
  return fault(
    'SourceChanged',
    `a row of the source has ${more ? 'more' : 'fewer'} than the ${shape.columns.length} columns planned ` +
      `(at "${shape.columns[column]?.name ?? ''}"): the table was changed while it was read; start a new replay`,
  );
}
