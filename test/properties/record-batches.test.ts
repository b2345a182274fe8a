/** For any records: what the builder writes the reader gives back, packed or not, cut off at any byte, from any offset on. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { lz4, unpack } from '../../connectors/kafka/compression.ts';
import { createBatchReader, endOfBatches, recordDetails } from '../../formats/record-batch-in.ts';
import { createBatchBuilder, headerBytes, sealBatch } from '../../formats/record-batch-out.ts';

const bytes = (maxLength: number) => fc.uint8Array({ maxLength }).map((array) => Buffer.from(array));
const record = fc.record({
  key: bytes(40),
  value: fc.oneof(
    bytes(300),
    fc.nat(1_000).map((length) => Buffer.alloc(length, 'ab')),
  ),
  headers: fc.array(fc.tuple(fc.string({ unit: 'grapheme', maxLength: 20 }), bytes(20)), { maxLength: 4 }),
});
const batch = fc.record({ records: fc.array(record, { minLength: 1, maxLength: 20 }), packed: fc.boolean() });
const log = fc.array(batch, { minLength: 1, maxLength: 5 });
type Log = typeof log extends fc.Arbitrary<infer T> ? T : never;

/** The batches one behind another, offsets from 0 on. @returns where each ends, too */
async function written(batches: Log): Promise<{ bytes: Buffer; ends: number[]; offsets: number[] }> {
  const parts: Buffer[] = [];
  const ends: number[] = [];
  const offsets: number[] = [];
  let offset = 0;
  for (const { records, packed } of batches) {
    const builder = createBatchBuilder();
    for (const { key, value, headers } of records) builder.append(key, value, headerBytes(headers));
    const made = await sealBatch(builder.take({ id: 1n, epoch: 0 }, 0, 0), packed ? lz4 : null);
    made.writeBigInt64BE(BigInt(offset), 0); // as a broker does; the checksum begins behind it
    parts.push(made);
    offset += records.length;
    offsets.push(offset);
    ends.push((ends.at(-1) ?? 0) + made.length);
  }
  return { bytes: Buffer.concat(parts), ends, offsets };
}

const hex = (part: Buffer | null) => part?.toString('hex') ?? null;
const plain = (of: {
  offset: number;
  key: Buffer | null;
  value: Buffer | null;
  headers: readonly [string, Buffer][];
}) => [...[of.offset, hex(of.key), hex(of.value)], of.headers.map(([name, part]) => [name, hex(part)])];

function read(log: Buffer, from: number) {
  const reader = createBatchReader(0, log, from, [], unpack, 'test');
  const found: { offset: number; key: Buffer | null; value: Buffer | null; headers: [string, Buffer][] }[] = [];
  for (let next = reader.next(); next; next = reader.next()) {
    const details = recordDetails(next);
    // The fast way and the whole record say the same.
    expect(details.value?.equals(next.bytes.subarray(next.valueFrom, next.valueTo))).toBe(true);
    found.push({ offset: next.offset, ...details });
  }
  return { found, position: reader.position() };
}

test('every record comes back, from any offset on', async () => {
  await fc.assert(
    fc.asyncProperty(log, fc.nat(100), async (batches, start) => {
      const { bytes: all } = await written(batches);
      const records = batches.flatMap((each) => each.records).map((each, offset) => ({ offset, ...each }));
      const from = start % (records.length + 1);
      const { found, position } = read(all, from);
      // Texts: comparing thousands of bytes one by one takes seconds.
      expect(JSON.stringify(found.map(plain))).toBe(JSON.stringify(records.slice(from).map(plain)));
      expect(position).toBe(records.length);
    }),
    { numRuns: 150 },
  );
});

test('cut off at any byte, the whole batches before it come back and nothing else', async () => {
  await fc.assert(
    fc.asyncProperty(log, fc.nat(), async (batches, place) => {
      const { bytes: all, ends, offsets } = await written(batches);
      const cut = place % (all.length + 1);
      const whole = ends.filter((end) => end <= cut).length;
      const next = whole === 0 ? 0 : (offsets[whole - 1] ?? 0);
      const { found, position } = read(all.subarray(0, cut), 0);
      expect(found.length).toBe(next);
      expect(position).toBe(next);
      expect(endOfBatches(all.subarray(0, cut), 0)).toBe(next);
    }),
    { numRuns: 300 },
  );
});

test('with any byte behind a batch’s head changed, it is refused, not read', async () => {
  await fc.assert(
    fc.asyncProperty(batch, fc.nat(), fc.integer({ min: 1, max: 255 }), async (one, place, change) => {
      const { bytes: all } = await written([one]);
      const at = 21 + (place % (all.length - 21)); // from the checksum's range on
      all[at] = (all[at] ?? 0) ^ change;
      let found = 0;
      try {
        found = read(all, 0).found.length;
      } catch (error) {
        expect(error).toMatchObject({ code: 'KafkaUnavailable' });
      }
      // Changed to a marker or to an older range it is passed over; its records are never taken for right.
      expect(found).toBe(0);
    }),
    { numRuns: 300 },
  );
});

test('lz4: what is packed is smaller, and unpacks to itself', async () => {
  const content = fc
    .array(fc.tuple(bytes(50), fc.nat(3_000)), { maxLength: 60 })
    .map((parts) => Buffer.concat(parts.map(([part, times]) => Buffer.alloc(part.length === 0 ? 0 : times, part))));
  await fc.assert(
    fc.asyncProperty(content, fc.boolean(), async (part, large) => {
      const raw = large ? Buffer.concat([part, Buffer.alloc(1_048_576), part]) : part; // more than a block
      const parts = await lz4.pack(raw);
      if (parts === null) return;
      const packed = Buffer.concat(parts);
      expect(packed.length).toBeLessThan(raw.length);
      expect(unpack(lz4.bits, packed).equals(raw)).toBe(true);
    }),
    { numRuns: 150 },
  );
});
