/** What is gathered as bytes comes out as it went in, whatever its characters and its size, and is not written over later. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { createLineBytes } from '../../formats/line-bytes.ts';
import { createPackedMessages } from '../../formats/packed-messages.ts';

// Long enough that the first buffers must grow, and outside of ASCII, where a character has up to three bytes a unit.
const text = fc.oneof(
  fc.string({ unit: 'grapheme', maxLength: 50 }),
  fc.integer({ min: 1, max: 9_000 }).map((count) => '€ä'.repeat(count)),
);

test('lines', () => {
  fc.assert(
    fc.property(fc.array(fc.array(text, { maxLength: 40 }), { maxLength: 4 }), (batches) => {
      const lines = createLineBytes();
      const taken = batches.map((batch) => {
        for (const line of batch) lines.add(line);
        return lines.take();
      });
      expect(taken.map(String)).toEqual(batches.map((batch) => batch.join('')));
    }),
    { numRuns: 60, seed: 6 },
  );
});

test('messages', () => {
  fc.assert(
    fc.property(fc.array(fc.array(fc.tuple(text, text), { maxLength: 40 }), { maxLength: 4 }), (batches) => {
      const packed = createPackedMessages();
      const taken = batches.map((batch) => {
        for (const [key, value] of batch) {
          expect(packed.add(key, value)).toBe(Buffer.byteLength(key) + Buffer.byteLength(value));
        }
        expect(packed.count()).toBe(batch.length);
        return packed.take();
      });
      expect(taken.map((each) => [...each].map(({ key, value }) => [String(key), String(value)]))).toEqual(batches);
    }),
    { numRuns: 60, seed: 6 },
  );
});
