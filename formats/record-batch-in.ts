/**
 * Takes Kafka record batches (magic 2, KIP-98) apart where they lie. Guarantees: committed records only, in offset order, each
 * from the wanted offset on; markers and aborted records are passed over, and the position moves past them; a batch whose
 * checksum is wrong is refused.
 *
 * Which batches are aborted follows Kafka's own consumer (CompletedFetch.java): the list of aborted transactions comes with
 * each answer and is whole for it, so nothing is carried from one answer to the next. A producer's batches are aborted from
 * its transaction's first offset to its abort marker. (kafkajs and @platformatic/kafka leak aborted records here: one does not
 * sort the list, both forget the producer at the first marker of any kind, or mix answers.)
 */
import { crc32c } from '@node-rs/crc32';
import { fault, messageOf } from '../contracts/errors.ts';
import { HEADER } from '../contracts/messages.ts';

export interface AbortedTransaction {
  producerId: bigint;
  firstOffset: number;
}

/** A record as places in bytes. `valueTo` is -1 for a null value, `originTo` for a record without our header. */
export interface BatchRecord {
  partition: number;
  offset: number;
  bytes: Buffer;
  /** Where the key's length stands, from which the record goes on as KIP-98 has it; for `recordDetails`. */
  at: number;
  valueFrom: number;
  valueTo: number;
  originFrom: number;
  originTo: number;
}

export interface BatchReader {
  /** Next offset: past everything handed out or passed over. */
  position(): number;
  /** The next record; null when the bytes are used up. */
  next(): BatchRecord | null;
}

/** Packed records as they were before; throws on bytes that are none. */
export type Unpack = (codec: number, bytes: Buffer) => Buffer;

const HEAD_BYTES = 61;
/** Offset and length: without them nothing is known of a batch. */
const LENGTH_BYTES = 12;
const CODEC = 0x07;
const TRANSACTIONAL = 0x10;
const CONTROL = 0x20;
const ABORT_MARKER = 0;
const NAME = Buffer.from(HEADER);

/** The offset behind the last whole batch of an answer, or `from` where there is none: where the next answer is to begin. */
export function endOfBatches(bytes: Buffer, from: number): number {
  let end = from;
  for (let at = 0; at + HEAD_BYTES <= bytes.length;) {
    const length = LENGTH_BYTES + bytes.readInt32BE(at + 8);
    if (length < HEAD_BYTES || at + length > bytes.length) break;
    end = Math.max(end, offsetAt(bytes, at) + bytes.readInt32BE(at + 23) + 1);
    at += length;
  }
  return end;
}

/**
 * @param bytes of one partition in one answer; a last batch that is cut off is left out
 * @param from offset of the first record wanted; the first batch may begin before it
 * @param doing for errors
 */
export function createBatchReader(
  partition: number,
  bytes: Buffer,
  from: number,
  aborted: readonly AbortedTransaction[],
  unpack: Unpack,
  doing: string,
): BatchReader {
  const comingAborts = [...aborted].sort((a, b) => a.firstOffset - b.firstOffset);
  const abortedProducers = new Set<bigint>();
  let position = from;
  /** The batch looked at, and the one behind it. */
  let current = 0;
  let batchAt = 0;
  /** The batch whose records are handed out. */
  let records: Buffer = bytes;
  let at = 0;
  let left = 0;
  let baseOffset = 0;
  let batchEnd = from;

  const broken = (what: string): Error =>
    fault('KafkaUnavailable', `${doing}: the batch at offset ${offsetAt(bytes, current)} ${what}`);

  /** Goes to the next batch that has records for us. @returns false at the end of the bytes */
  function nextBatch(): boolean {
    for (;;) {
      if (batchAt + HEAD_BYTES > bytes.length) return false;
      current = batchAt;
      const length = LENGTH_BYTES + bytes.readInt32BE(batchAt + 8);
      if (bytes[batchAt + 16] !== 2)
        throw broken(`is of the form ${String(bytes[batchAt + 16])}, older than Kafka 0.11`);
      if (length < HEAD_BYTES) throw broken('is too short');
      if (batchAt + length > bytes.length) return false;
      const start = current;
      const end = start + length;
      baseOffset = offsetAt(bytes, start);
      batchEnd = baseOffset + bytes.readInt32BE(start + 23) + 1;
      const wanted = batchEnd > position && !isAborted(start, end);
      if (!wanted) {
        position = Math.max(position, batchEnd);
        batchAt = end;
        continue;
      }
      if (crc32c(bytes.subarray(start + 21, end)) !== bytes.readUInt32BE(start + 17))
        throw broken('has a wrong checksum');
      const codec = bytes.readInt16BE(start + 21) & CODEC;
      left = bytes.readInt32BE(start + 57);
      const packed = bytes.subarray(start + HEAD_BYTES, end);
      records = codec === 0 ? packed : unpacked(codec, packed);
      at = 0;
      batchAt = end;
      return true;
    }
  }

  /** The checksum was right, so that no other answer would have it better: a person must look. */
  function unpacked(codec: number, packed: Buffer): Buffer {
    try {
      return unpack(codec, packed);
    } catch (error) {
      const what = `${doing}: the batch at offset ${offsetAt(bytes, current)} cannot be unpacked: ${messageOf(error)}`;
      const remedy = 'delete the log up to behind it, and land on with --accept-loss';
      throw fault('TopicUnsuited', `${what}; ${remedy}`, error);
    }
  }

  /** True for markers and for batches of aborted transactions. */
  function isAborted(start: number, end: number): boolean {
    const attributes = bytes.readInt16BE(start + 21);
    if ((attributes & TRANSACTIONAL) === 0) return (attributes & CONTROL) !== 0;
    const producerId = bytes.readBigInt64BE(start + 43);
    while (comingAborts[0] && comingAborts[0].firstOffset < batchEnd) {
      const begun = comingAborts.shift();
      if (begun) abortedProducers.add(begun.producerId);
    }
    if ((attributes & CONTROL) === 0) return abortedProducers.has(producerId);
    if (markerType(bytes.subarray(start + HEAD_BYTES, end)) === ABORT_MARKER) abortedProducers.delete(producerId);
    return true;
  }

  /** The zigzag varint at `at`. */
  function varint(): number {
    let byte = records[at++] as number;
    let value = byte & 0x7f;
    for (let shift = 7; byte >= 0x80; shift += 7) {
      if (shift > 28 || at >= records.length) throw broken('holds a length that is none');
      byte = records[at++] as number;
      value |= (byte & 0x7f) << shift;
    }
    return (value >>> 1) ^ -(value & 1);
  }

  function readRecord(): BatchRecord {
    const length = varint();
    const end = at + length;
    if (!(length > 0 && end <= records.length)) throw broken('holds a record that is longer than the batch');
    at += 1;
    while ((records[at++] as number) >= 0x80); // time
    const offset = baseOffset + varint();
    const record: BatchRecord = {
      partition,
      offset,
      bytes: records,
      at,
      valueFrom: 0,
      valueTo: -1,
      originFrom: 0,
      originTo: -1,
    };
    const keyLength = varint();
    if (keyLength > 0) at += keyLength;
    const valueLength = varint();
    if (valueLength >= 0) {
      record.valueFrom = at;
      at += valueLength;
      record.valueTo = at;
    }
    for (let headers = varint(); headers > 0 && at < end; headers--) {
      const nameLength = varint();
      const nameAt = at;
      at += nameLength;
      const size = varint();
      if (size >= 0 && record.originTo < 0 && isOurs(nameAt, nameLength)) {
        record.originFrom = at;
        record.originTo = at + size;
      }
      if (size > 0) at += size;
    }
    if (at !== end) throw broken(`holds a record (offset ${offset}) whose parts do not fill it`);
    return record;
  }

  function isOurs(nameAt: number, length: number): boolean {
    if (length !== NAME.length) return false;
    for (let i = 0; i < length; i++) if (records[nameAt + i] !== NAME[i]) return false;
    return true;
  }

  return {
    position: () => position,
    next() {
      for (;;) {
        if (left === 0) {
          position = Math.max(position, batchEnd);
          if (!nextBatch()) return null;
          continue;
        }
        left -= 1;
        const record = readRecord();
        if (record.offset < position) continue; // the batch begins before what is wanted
        position = record.offset + 1;
        return record;
      }
    },
  };
}

/** A record as a whole, with what the fast way passes over. Buffers are views. */
export function recordDetails(record: Pick<BatchRecord, 'bytes' | 'at'>): {
  key: Buffer | null;
  value: Buffer | null;
  headers: [string, Buffer][];
} {
  const { bytes } = record;
  let at = record.at;
  const varint = (): number => {
    let value = 0;
    for (let shift = 0; ; shift += 7) {
      const byte = bytes[at++] as number;
      value |= (byte & 0x7f) << shift;
      if (byte < 0x80) return (value >>> 1) ^ -(value & 1);
    }
  };
  const part = (): Buffer | null => {
    const length = varint();
    if (length < 0) return null;
    at += length;
    return bytes.subarray(at - length, at);
  };
  const key = part();
  const value = part();
  const headers: [string, Buffer][] = [];
  for (let left = varint(); left > 0; left--) {
    const name = part()?.toString() ?? '';
    headers.push([name, part() ?? Buffer.alloc(0)]);
  }
  return { key, value, headers };
}

function offsetAt(bytes: Buffer, at: number): number {
  return bytes.readUInt32BE(at) * 2 ** 32 + bytes.readUInt32BE(at + 4);
}

/** The one record of a control batch has a key of version and type (KIP-98): 0 abort, 1 commit. */
function markerType(record: Buffer): number {
  const { key } = recordDetails({ bytes: record, at: afterVarints(record) });
  return key && key.length >= 4 ? key.readInt16BE(2) : -1;
}

function afterVarints(record: Buffer): number {
  let at = 0;
  const skip = (): void => {
    while ((record[at++] as number) >= 0x80);
  };
  skip(); // length
  at += 1; // attributes
  skip(); // time
  skip(); // offset
  return at;
}
