/**
 * Kafka's primitive types as bytes (https://kafka.apache.org/protocol#protocol_types), in and out. Guarantees: reading past
 * the end of an answer throws, so that a broken answer cannot pass for a short one.
 */
import { fault } from '../../contracts/errors.ts';

/** Collects a request's bytes. */
export interface Out {
  int8(value: number): void;
  int16(value: number): void;
  int32(value: number): void;
  int64(value: number): void;
  bigint(value: bigint): void;
  bool(value: boolean): void;
  string(value: string | null): void;
  /** Length, then the bytes. */
  bytes(value: Buffer): void;
  array<T>(items: readonly T[], write: (item: T) => void): void;
  /** The same in the newer, "flexible" versions: lengths are varints of length + 1. */
  compactString(value: string | null): void;
  compactArray<T>(items: readonly T[] | null, write: (item: T) => void): void;
  uuid(value: Buffer): void;
  /** No tagged fields. */
  tags(): void;
  /** Bytes so far. */
  length(): number;
  /** What follows one another, in the order written. Large bytes are those that were given, not copies. */
  parts(): Buffer[];
}

const FIRST_BYTES = 512;
/** Copying a batch of records three times while a request grows was as many megabytes outside of V8's heap. */
const LARGE_BYTES = 4096;

export function createOut(): Out {
  const ended: Buffer[] = [];
  let endedBytes = 0;
  let buffer = Buffer.allocUnsafe(FIRST_BYTES);
  let at = 0;
  const room = (bytes: number): void => {
    if (at + bytes <= buffer.length) return;
    const larger = Buffer.allocUnsafe(Math.max(buffer.length * 2, at + bytes));
    buffer.copy(larger, 0, 0, at);
    buffer = larger;
  };
  const end = (part: Buffer): void => {
    ended.push(buffer.subarray(0, at), part);
    endedBytes += at + part.length;
    buffer = buffer.subarray(at);
    at = 0;
  };
  const varint = (value: number): void => {
    room(5);
    let left = value;
    while (left >= 0x80) {
      buffer[at++] = (left & 0x7f) | 0x80;
      left >>>= 7;
    }
    buffer[at++] = left;
  };
  const raw = (text: string, length: number): void => {
    room(length);
    at += buffer.write(text, at, 'utf8');
  };
  return {
    int8(value) {
      room(1);
      at = buffer.writeInt8(value, at);
    },
    int16(value) {
      room(2);
      at = buffer.writeInt16BE(value, at);
    },
    int32(value) {
      room(4);
      at = buffer.writeInt32BE(value, at);
    },
    int64(value) {
      room(8);
      at = buffer.writeBigInt64BE(BigInt(value), at);
    },
    bigint(value) {
      room(8);
      at = buffer.writeBigInt64BE(value, at);
    },
    bool(value) {
      room(1);
      buffer[at++] = value ? 1 : 0;
    },
    string(value) {
      const length = value === null ? -1 : Buffer.byteLength(value);
      this.int16(length);
      if (value !== null) raw(value, length);
    },
    bytes(value) {
      this.int32(value.length);
      if (value.length >= LARGE_BYTES) return end(value);
      room(value.length);
      at += value.copy(buffer, at);
    },
    array(items, write) {
      this.int32(items.length);
      for (const item of items) write(item);
    },
    compactString(value) {
      if (value === null) return varint(0);
      const length = Buffer.byteLength(value);
      varint(length + 1);
      raw(value, length);
    },
    compactArray(items, write) {
      varint(items === null ? 0 : items.length + 1);
      for (const item of items ?? []) write(item);
    },
    uuid(value) {
      room(16);
      at += value.copy(buffer, at, 0, 16);
    },
    tags: () => varint(0),
    length: () => endedBytes + at,
    parts: () => [...ended, buffer.subarray(0, at)],
  };
}

/** Takes an answer apart. */
export interface In {
  int8(): number;
  int16(): number;
  int32(): number;
  /** @throws Fault KafkaUnavailable beyond 2^53, which no offset reaches */
  int64(): number;
  /** As it is; for ids that use all 64 bits. */
  bigint(): bigint;
  bool(): boolean;
  string(): string | null;
  bytes(): Buffer | null;
  array<T>(read: () => T): T[];
  compactString(): string | null;
  compactArray<T>(read: () => T): T[];
  uuid(): Buffer;
  tags(): void;
}

/** @param bytes kept: what `bytes()` and `uuid()` give are views of it */
export function createIn(bytes: Buffer): In {
  let at = 0;
  const take = (length: number): number => {
    const from = at;
    if (length < 0 || from + length > bytes.length) throw fault('KafkaUnavailable', 'an answer of Kafka is cut short');
    at += length;
    return from;
  };
  const varint = (): number => {
    let value = 0;
    for (let shift = 0; shift < 35; shift += 7) {
      const byte = bytes[take(1)] as number;
      value |= (byte & 0x7f) << shift;
      if (byte < 0x80) return value >>> 0;
    }
    throw fault('KafkaUnavailable', 'an answer of Kafka holds a length that is none');
  };
  const text = (length: number): string => bytes.toString('utf8', take(length), at);
  const many = <T>(count: number, read: () => T): T[] => {
    const items: T[] = [];
    for (let i = 0; i < count; i++) items.push(read());
    return items;
  };
  return {
    int8: () => bytes.readInt8(take(1)),
    int16: () => bytes.readInt16BE(take(2)),
    int32: () => bytes.readInt32BE(take(4)),
    int64() {
      const value = Number(bytes.readBigInt64BE(take(8)));
      if (!Number.isSafeInteger(value)) throw fault('KafkaUnavailable', `an answer of Kafka holds the number ${value}`);
      return value;
    },
    bigint: () => bytes.readBigInt64BE(take(8)),
    bool: () => bytes[take(1)] !== 0,
    string() {
      const length = this.int16();
      return length < 0 ? null : text(length);
    },
    bytes() {
      const length = this.int32();
      return length < 0 ? null : bytes.subarray(take(length), at);
    },
    array(read) {
      return many(this.int32(), read);
    },
    compactString() {
      const length = varint();
      return length === 0 ? null : text(length - 1);
    },
    compactArray: (read) => many(varint() - 1, read),
    uuid: () => bytes.subarray(take(16), at),
    tags() {
      for (let left = varint(); left > 0; left--) {
        varint();
        take(varint());
      }
    },
  };
}

/** The form that many answers have: topics, their partitions, an error each. */
export function partitionErrors(input: In): number[] {
  const topics = input.array(() => {
    input.string();
    return input.array(() => {
      input.int32();
      return input.int16();
    });
  });
  return topics.flat();
}
