/** Record batches: what the builder writes the reader gives back; what is aborted, cut off or broken never passes. */
import { crc32c } from '@node-rs/crc32';
import { createHash } from 'node:crypto';
import { gzipSync } from 'node:zlib';
import { expect, test } from 'vitest';
import {
  type AbortedTransaction,
  createBatchReader,
  endOfBatches,
  recordDetails,
} from '../../formats/record-batch-in.ts';
import { createBatchBuilder, giveBack, headerBytes, sealBatch } from '../../formats/record-batch-out.ts';
import { lz4, MOST_UNPACKED_BYTES, unpack, xxHash32 } from '../../connectors/kafka/compression.ts';

const COMMIT = 1;
const ABORT = 0;

/** Sets what a broker sets, and the checksum over what was changed. */
function placed(batch: Buffer, offset: number, attributes = 0): Buffer {
  batch.writeBigInt64BE(BigInt(offset), 0);
  batch.writeInt16BE(batch.readInt16BE(21) | attributes, 21);
  batch.writeUInt32BE(crc32c(batch.subarray(21)), 17);
  return batch;
}

async function batchOf(offset: number, producer: number, values: readonly string[], packed = false): Promise<Buffer> {
  const builder = createBatchBuilder();
  const headers = headerBytes([
    ['a', Buffer.from('1')],
    ['headrace', Buffer.from('s;1;r')],
  ]);
  for (const value of values) builder.append(Buffer.from(`key of ${value.slice(0, 5)}`), Buffer.from(value), headers);
  const batch = builder.take({ id: BigInt(producer), epoch: 0 }, 0, 1_700_000_000_000);
  return placed(await sealBatch(batch, packed ? lz4 : null), offset);
}

async function markerOf(offset: number, producer: number, type: number): Promise<Buffer> {
  const builder = createBatchBuilder();
  builder.append(Buffer.from([0, 0, 0, type]), Buffer.alloc(6), headerBytes([]));
  return placed(await sealBatch(builder.take({ id: BigInt(producer), epoch: 0 }, 0, 0), null), offset, 0x20);
}

function read(bytes: Buffer, from = 0, aborted: AbortedTransaction[] = []): { values: string[]; position: number } {
  const reader = createBatchReader(0, bytes, from, aborted, unpack, 'test');
  const values: string[] = [];
  for (let record = reader.next(); record; record = reader.next()) {
    values.push(record.bytes.toString('utf8', record.valueFrom, record.valueTo));
  }
  return { values, position: reader.position() };
}

test.each([false, true])('gives back keys, values and headers, also long ones (packed: %s)', async (packed) => {
  const values = ['', 'a', 'ü'.repeat(40), 'x'.repeat(63), 'y'.repeat(64), 'z'.repeat(10_000), '0'.repeat(3_000_000)];
  const many = Array.from({ length: 20_000 }, (_, i) => `value ${i}`);
  const bytes = await batchOf(5, 1, [...values, ...many], packed);
  const reader = createBatchReader(3, bytes, 0, [], unpack, 'test');
  [...values, ...many].forEach((value, i) => {
    const record = reader.next();
    if (!record) throw new Error('a record is missing');
    expect([record.partition, record.offset]).toEqual([3, 5 + i]);
    expect(record.bytes.subarray(record.valueFrom, record.valueTo).equals(Buffer.from(value))).toBe(true);
    expect(record.bytes.toString('utf8', record.originFrom, record.originTo)).toBe('s;1;r');
    if (i > 20) return;
    const { key, headers } = recordDetails(record);
    expect([String(key), headers.map(([name, bytes]) => [name, String(bytes)])]).toEqual([
      `key of ${value.slice(0, 5)}`,
      [
        ['a', '1'],
        ['headrace', 's;1;r'],
      ],
    ]);
  });
  expect(reader.next()).toBeNull();
  expect(reader.position()).toBe(5 + values.length + many.length);
});

test('begins where it is told, inside a batch and behind it; a batch that is cut off is left for the next answer', async () => {
  const [a, b] = [await batchOf(10, 1, ['0', '1', '2']), await batchOf(20, 1, ['3', '4'])];
  const both = Buffer.concat([a, b]);
  expect(read(both, 11)).toEqual({ values: ['1', '2', '3', '4'], position: 22 });
  expect(read(both, 13)).toEqual({ values: ['3', '4'], position: 22 });
  expect(endOfBatches(both, 11)).toBe(22);
  for (const length of [a.length + 1, a.length + 11, a.length + 60, both.length - 1]) {
    expect(read(both.subarray(0, length), 10)).toEqual({ values: ['0', '1', '2'], position: 13 });
    expect(endOfBatches(both.subarray(0, length), 10)).toBe(13);
  }
  expect(endOfBatches(both.subarray(0, 50), 10)).toBe(10);
});

test('passes over aborted transactions and markers, whatever their order', async () => {
  const bytes = Buffer.concat(
    await Promise.all([
      batchOf(0, 1, ['one']), // aborted
      batchOf(1, 2, ['two']),
      batchOf(2, 1, ['one']), // aborted
      markerOf(3, 1, ABORT),
      batchOf(4, 1, ['three']),
      batchOf(5, 3, ['four']), // aborted
      markerOf(6, 2, COMMIT),
      markerOf(7, 1, COMMIT),
      batchOf(8, 1, ['five']), // aborted, the second time for this producer
      markerOf(9, 3, ABORT),
      markerOf(10, 1, ABORT),
      batchOf(11, 3, ['six']),
      markerOf(12, 3, COMMIT),
    ]),
  );
  const aborted = [
    { producerId: 1n, firstOffset: 8 },
    { producerId: 3n, firstOffset: 5 },
    { producerId: 1n, firstOffset: 0 },
  ];
  expect(read(bytes, 0, aborted)).toEqual({ values: ['two', 'three', 'six'], position: 13 });
  // An answer that begins in the middle of an aborted transaction lists it too.
  const later = Buffer.concat(
    await Promise.all([batchOf(2, 1, ['one']), markerOf(3, 1, ABORT), batchOf(4, 1, ['three'])]),
  );
  expect(read(later, 2, [{ producerId: 1n, firstOffset: 0 }])).toEqual({ values: ['three'], position: 5 });
});

test('a batch with a wrong checksum, or with records that do not add up, is refused', async () => {
  const bytes = await batchOf(0, 1, ['value', 'other']);
  const flipped = Buffer.from(bytes);
  flipped[flipped.length - 3] = (flipped.at(-3) ?? 0) ^ 1;
  expect(() => read(flipped)).toThrow(/offset 0 has a wrong checksum/);
  const longer = Buffer.from(bytes);
  longer[61] = 0x7e; // the first record's length
  expect(() => read(placed(longer, 0))).toThrow(/batch at offset 0/);
  const old = Buffer.from(bytes);
  old[16] = 1;
  expect(() => read(old)).toThrow(/older than Kafka 0.11/);
});

test('packs what can be packed, and leaves the rest as it is', async () => {
  const text = Buffer.from('{"a":1,"b":"some text"}'.repeat(100_000));
  const packed = Buffer.concat((await lz4.pack(text)) ?? []);
  expect(packed.length).toBeLessThan(text.length / 5);
  expect(unpack(3, packed).equals(text)).toBe(true);
  const noise = Buffer.concat(Array.from({ length: 40 }, (_, i) => createHash('sha256').update(String(i)).digest()));
  expect(await lz4.pack(noise)).toBeNull();
  const codecs = ['gzip', 'snappy', 'lz4', 'zstd', 'none'].map((_, i) => i + 1);
  for (const codec of codecs) expect(() => unpack(codec, Buffer.from('not packed at all'))).toThrow();
});

test('a small batch that unpacks to very much is refused, by name, before it takes the memory', async () => {
  const bomb = gzipSync(Buffer.alloc(MOST_UNPACKED_BYTES + 1));
  const batch = Buffer.concat([(await batchOf(7, 1, ['x'])).subarray(0, 61), bomb]);
  batch.writeInt32BE(batch.length - 12, 8);
  placed(batch, 7, 1);
  const reading = () => read(batch, 7);
  expect(reading).toThrow(/batch at offset 7 cannot be unpacked/);
  expect(reading).toThrow(expect.objectContaining({ code: 'TopicUnsuited' }) as Error);
});

test('batches that are packed while the next ones are made keep their own records, in memory that is given back', async () => {
  const builder = createBatchBuilder(150_000);
  const valueOf = (batch: number, record: number) => `batch ${batch}, record ${record} `.repeat(30);
  const memory = new Set<ArrayBufferLike>();
  const sealed: Promise<Buffer>[] = [];
  for (let batch = 0; batch < 60; batch++) {
    for (let record = 0; record < 200; record++) {
      builder.append(null, Buffer.from(valueOf(batch, record)), headerBytes([]));
    }
    const raw = builder.take({ id: 1n, epoch: 0 }, 0, 0);
    memory.add(raw.buffer);
    const sealing = sealBatch(raw, lz4);
    sealed.push(sealing);
    void sealing.then(() => giveBack(raw));
    if (batch % 3 === 0) await sealing;
  }
  for (const [batch, bytes] of (await Promise.all(sealed)).entries()) {
    expect(read(placed(bytes, 0)).values).toEqual(Array.from({ length: 200 }, (_, record) => valueOf(batch, record)));
  }
  expect(memory.size).toBeLessThan(60);
});

test('an lz4 frame says how long it is unpacked, as the frame format has it; a wrong size is told', async () => {
  // From xxhash_spec.md's implementation: of nothing, of "abc", and of the descriptor that has no size.
  expect([Buffer.alloc(0), Buffer.from('abc')].map(xxHash32)).toEqual([0x02cc5d05, 0x32d153ff]);
  expect((xxHash32(Buffer.from([0x60, 0x60])) >>> 8) & 0xff).toBe(0x51);
  const raw = Buffer.from('some record '.repeat(200_000)); // three blocks
  const packed = Buffer.concat((await lz4.pack(raw)) ?? []);
  const before = Buffer.from(packed);
  expect(Number(packed.readBigUInt64LE(6))).toBe(raw.length);
  expect(unpack(3, packed)).toEqual(raw);
  expect(packed).toEqual(before); // what was fetched is read again after a seek
  packed.writeUInt32LE(1_000_000, 6);
  expect(() => unpack(3, packed)).toThrow();
});
