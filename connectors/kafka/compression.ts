/**
 * How batches are packed: we write lz4; read whatever a broker or another producer has made of it (gzip, snappy, lz4, zstd).
 *
 * lz4 frames are walked here and only their blocks go to the library: its own frame reader takes memory for the largest
 * block each time (359 MB/s against 2,400 MB/s for blocks, on batches of 1 MB). Ours say how long they are unpacked, so that
 * no more is taken than that: V8 marks its whole heap for every 64 MB that are taken outside of it.
 */
import { decompress as unzstd } from 'fzstd';
import { compress as lz4Block, uncompressSync as unlz4Block } from 'lz4-napi';
import { uncompressSync as unsnappy } from 'snappy';
import * as zlib from 'node:zlib';
import type { Unpack } from '../../formats/record-batch-in.ts';
import type { Packing } from '../../formats/record-batch-out.ts';

const [GZIP, SNAPPY, LZ4, ZSTD] = [1, 2, 3, 4];
/** A batch unpacked. Brokers bound the packed size only: 4 MB of gzip can be 900 MB, which would end the worker. */
export const MOST_UNPACKED_BYTES = 256 * 1024 * 1024;

const LZ4_MAGIC = 0x184d2204;
const LZ4_BLOCK_BYTES = 1024 * 1024;
/** Version 1, blocks stand alone, with the content's size; blocks of 1 MiB. */
const LZ4_DESCRIPTOR = [0x68, 0x60];
const LZ4_CONTENT_SIZE = 0x08;
const LZ4_END = Buffer.alloc(4);
const LZ4_STORED = 0x80000000;
/** By the descriptor's block size code. */
const LZ4_BLOCK_SIZES: Record<number, number> = { 4: 64 * 1024, 5: 256 * 1024, 6: 1024 * 1024, 7: 4 * 1024 * 1024 };

export const lz4: Packing = {
  bits: LZ4,
  async pack(bytes) {
    const head = lz4Head(bytes.length);
    const parts: Buffer[] = [head];
    let size = head.length + LZ4_END.length;
    for (let at = 0; at < bytes.length; at += LZ4_BLOCK_BYTES) {
      const raw = bytes.subarray(at, at + LZ4_BLOCK_BYTES);
      // The library puts the unpacked size in front: its four bytes are where the frame wants the packed one.
      const block = await lz4Block(raw);
      const stored = block.length - 4 >= raw.length;
      const length = stored ? Buffer.alloc(4) : block.subarray(0, 4);
      length.writeUInt32LE(stored ? LZ4_STORED + raw.length : block.length - 4, 0);
      parts.push(...(stored ? [length, raw] : [block]));
      size += stored ? 4 + raw.length : block.length;
    }
    parts.push(LZ4_END);
    return size < bytes.length ? parts : null;
  },
};

/** Magic, descriptor, size, and the descriptor's checksum: the second byte of its xxHash32. */
function lz4Head(contentBytes: number): Buffer {
  const head = Buffer.alloc(15);
  head.writeUInt32LE(LZ4_MAGIC, 0);
  head.set(LZ4_DESCRIPTOR, 4);
  head.writeUInt32LE(contentBytes, 6); // of 8 bytes
  head[14] = (xxHash32(head.subarray(4, 14)) >>> 8) & 0xff;
  return head;
}

/** Of fewer than 16 bytes, with seed 0 (https://github.com/Cyan4973/xxHash, xxhash_spec.md). */
export function xxHash32(bytes: Buffer): number {
  const [first, second, third, fourth, fifth] = [0x9e3779b1, 0x85ebca77, 0xc2b2ae3d, 0x27d4eb2f, 0x165667b1];
  const rotated = (value: number, by: number): number => (value << by) | (value >>> (32 - by));
  let sum = (fifth + bytes.length) | 0;
  let at = 0;
  for (; at + 4 <= bytes.length; at += 4) {
    sum = Math.imul(rotated((sum + Math.imul(bytes.readInt32LE(at), third)) | 0, 17), fourth);
  }
  for (; at < bytes.length; at++) sum = Math.imul(rotated((sum + Math.imul(bytes[at] ?? 0, fifth)) | 0, 11), first);
  sum = Math.imul(sum ^ (sum >>> 15), second);
  sum = Math.imul(sum ^ (sum >>> 13), third);
  return (sum ^ (sum >>> 16)) >>> 0;
}

/** @throws Error on bytes that are none of the codec, or too many */
export const unpack: Unpack = (codec, bytes) => {
  if (codec === LZ4) return unlz4(bytes);
  if (codec === GZIP) return zlib.gunzipSync(bytes, { maxOutputLength: MOST_UNPACKED_BYTES });
  if (codec === SNAPPY) return unsnappyFrames(bytes);
  if (codec === ZSTD) return unzstdWith(bytes);
  throw new Error(`codec ${codec} is none that Kafka 4 knows`);
};

function requireBounded(size: number): void {
  if (size > MOST_UNPACKED_BYTES) throw new Error(`it is larger than ${MOST_UNPACKED_BYTES} bytes`);
}

function unlz4(bytes: Buffer): Buffer {
  if (bytes.readUInt32LE(0) !== LZ4_MAGIC) throw new Error('not an lz4 frame');
  const flags = bytes[4] ?? 0;
  const blockBytes = LZ4_BLOCK_SIZES[((bytes[5] ?? 0) >> 4) & 7];
  if (flags >> 6 !== 1 || blockBytes === undefined) throw new Error('an lz4 frame of another version');
  if ((flags & 0x20) === 0) throw new Error('an lz4 frame of linked blocks, which Kafka does not allow');
  const sized = (flags & LZ4_CONTENT_SIZE) !== 0;
  const size = sized ? Number(bytes.readBigUInt64LE(6)) : Infinity;
  let at = 7 + (sized ? 8 : 0) + ((flags & 0x01) === 0 ? 0 : 4);
  const checksum = (flags & 0x10) === 0 ? 0 : 4;
  const blocks: Buffer[] = [];
  let unpacked = 0;
  for (;;) {
    const packed = bytes.readUInt32LE(at);
    at += 4;
    if (packed === 0) break;
    const stored = packed >= LZ4_STORED;
    const length = stored ? packed - LZ4_STORED : packed;
    if (at + length > bytes.length) throw new Error('an lz4 frame is cut off');
    const most = Math.min(blockBytes, size - unpacked);
    const block = stored ? bytes.subarray(at, at + length) : unlz4BlockAt(bytes, at, length, most);
    requireBounded((unpacked += block.length));
    blocks.push(block);
    at += length + checksum;
  }
  return blocks.length === 1 ? (blocks[0] as Buffer) : Buffer.concat(blocks);
}

/** The library wants the unpacked size in front: it is put, for so long, where the frame has the packed one. */
function unlz4BlockAt(bytes: Buffer, at: number, length: number, most: number): Buffer {
  bytes.writeUInt32LE(most, at - 4);
  try {
    return unlz4Block(bytes.subarray(at - 4, at + length));
  } finally {
    bytes.writeUInt32LE(length, at - 4);
  }
}

const XERIAL = Buffer.from([0x82, 0x53, 0x4e, 0x41, 0x50, 0x50, 0x59, 0]);

/** Java's form (xerial): magic, two versions, then blocks with their lengths; others send one bare block. */
function unsnappyFrames(bytes: Buffer): Buffer {
  if (!bytes.subarray(0, 8).equals(XERIAL)) return unsnappyBlock(bytes);
  const blocks: Buffer[] = [];
  let unpacked = 0;
  for (let at = 16; at < bytes.length;) {
    const length = bytes.readInt32BE(at);
    const block = unsnappyBlock(bytes.subarray(at + 4, at + 4 + length));
    requireBounded((unpacked += block.length));
    blocks.push(block);
    at += 4 + length;
  }
  return Buffer.concat(blocks);
}

/** A block begins with its unpacked length, as a varint. */
function unsnappyBlock(block: Buffer): Buffer {
  let size = 0;
  for (let i = 0; i < 5; i++) {
    const byte = block[i] ?? 0;
    size += (byte & 0x7f) * 2 ** (7 * i);
    if (byte < 0x80) break;
  }
  requireBounded(size);
  return asBuffer(unsnappy(block));
}

/** Node has zstd from 22.15 on; before, a pure JavaScript one (about 10 times slower). */
function unzstdWith(bytes: Buffer): Buffer {
  if ('zstdDecompressSync' in zlib && typeof zlib.zstdDecompressSync === 'function') {
    const native = zlib.zstdDecompressSync as (bytes: Buffer, options: { maxOutputLength: number }) => Buffer;
    return asBuffer(native(bytes, { maxOutputLength: MOST_UNPACKED_BYTES }));
  }
  requireBounded(zstdSize(bytes));
  return asBuffer(unzstd(bytes));
}

function asBuffer(bytes: string | Uint8Array): Buffer {
  if (typeof bytes === 'string') return Buffer.from(bytes);
  return Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

/** What a zstd frame says of its unpacked size (RFC 8878, 3.1.1.1); 0 where it does not. */
function zstdSize(bytes: Buffer): number {
  const descriptor = bytes[4] ?? 0;
  const single = (descriptor & 0x20) !== 0;
  const dictionary = [0, 1, 2, 4][descriptor & 3] ?? 0;
  const at = 5 + (single ? 0 : 1) + dictionary;
  switch (descriptor >> 6) {
    case 0:
      return single ? (bytes[at] ?? 0) : 0;
    case 1:
      return bytes.readUInt16LE(at) + 256;
    case 2:
      return bytes.readUInt32LE(at);
    default:
      return Number(bytes.readBigUInt64LE(at));
  }
}
