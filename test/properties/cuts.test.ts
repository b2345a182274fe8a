/** For any course of a partition's log: cuts are ranges without a hole, no record is in two, and every rule closes its cut. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { createLandMemory } from '../../activities/land-memory.ts';
import { type ClosedCut, createLandingPartition } from '../../activities/land-partition.ts';
import type { Claim } from '../../activities/ports/manifest.ts';
import type { LogRecord } from '../../activities/ports/topic.ts';
import { bufferedRecord, createCutBuffer } from '../../formats/cut-buffer.ts';
import { writeOrigin } from '../../contracts/messages.ts';

const SCHEMAS = ['s1', 's2', null] as const;
const step = fc.oneof(
  {
    weight: 8,
    arbitrary: fc.record({
      kind: fc.constant('record' as const),
      gap: fc.nat(3),
      value: fc.option(fc.uint8Array({ maxLength: 30 })),
      schema: fc.constantFrom(...SCHEMAS),
    }),
  },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('markers' as const), count: fc.nat(4) }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('wait' as const), ms: fc.nat(60) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('end' as const) }) },
);
const rotate = fc.record({
  records: fc.integer({ min: 1, max: 6 }),
  bytes: fc.integer({ min: 1, max: 90 }),
  ageMs: fc.integer({ min: 1, max: 100 }),
});

const origin = (schema: string | null) =>
  schema === null ? null : Buffer.from(writeOrigin({ schema, chunk: 1, replay: 'r' }));
const PARTITION = 3;
const claim: Claim = { id: '1', token: 't', partition: PARTITION, next: 0, open: null };

test('ranges are contiguous, each record is in one, records, bytes, schema, age and end are honoured', () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 80 }), rotate, fc.nat(1_000), (steps, rules, start) => {
      const landing = createLandingPartition(
        { ...claim, next: start },
        start,
        rules,
        createLandMemory(1 << 20),
        undefined,
      );
      const cuts: (Omit<ClosedCut, 'buffer'> & { offsets: number[]; bytes: number; schemas: Set<string> })[] = [];
      const sent = new Map<number, { value: Uint8Array | null; schema: string | null }>();
      let now = 0;
      let oldest: number | null = null;
      let open = 0; // records in the open buffer
      const take = (cut: ClosedCut): void => {
        const { lines, starts } = cut.buffer.content();
        const offsets = [...starts].map((at) => parseInt(lines.toString('latin1', at, at + 20), 10));
        for (const offset of offsets) {
          const value = sent.get(offset)?.value;
          const found = cut.buffer.rawRecord(offset)?.value;
          expect(found).toEqual(value == null ? null : Buffer.from(value));
        }
        const schemas = new Set(offsets.flatMap((offset) => sent.get(offset)?.schema ?? []));
        cuts.push({
          start: cut.start,
          end: cut.end,
          reason: cut.reason,
          held: cut.held,
          offsets,
          schemas,
          bytes: cut.buffer.bytes(),
        });
        landing.giveBack(cut);
        oldest = null;
        open = 0;
      };
      for (const each of steps) {
        if (each.kind === 'record') {
          const offset = landing.position + each.gap;
          sent.set(offset, each);
          const value = each.value === null ? null : Buffer.from(each.value);
          const record = { ...bufferedRecord(offset, value, origin(each.schema)), partition: PARTITION, at: 0 };
          landing.position = offset + 1;
          const closed = landing.take(record satisfies LogRecord, now);
          for (const cut of closed) take(cut);
          open = cuts.at(-1)?.offsets.includes(offset) === true ? 0 : open + 1;
          if (open === 1) oldest = now;
        } else if (each.kind === 'markers') landing.position += each.count;
        else if (each.kind === 'wait') {
          now += each.ms;
          const cut = landing.due(now, undefined);
          if (oldest !== null && now - oldest >= rules.ageMs) expect(cut?.reason).toBe('age');
          if (cut) take(cut);
        } else {
          const wanted = landing.position;
          const cut = landing.due(now, wanted);
          expect(cut === null).toBe(wanted === (cuts.at(-1)?.end ?? start));
          if (cut) take(cut);
        }
      }
      const rest = landing.closeAll('end');
      if (rest) take(rest);

      let at = start;
      for (const cut of cuts) {
        expect(cut.start).toBe(at);
        expect(cut.end).toBeGreaterThan(cut.start);
        at = cut.end;
        for (const offset of cut.offsets) expect(offset >= cut.start && offset < cut.end).toBe(true);
        expect(cut.offsets.length).toBeLessThanOrEqual(rules.records);
        if (cut.reason === 'records') expect(cut.offsets.length).toBe(rules.records);
        if (cut.reason === 'bytes') expect(cut.bytes).toBeGreaterThanOrEqual(rules.bytes);
        else if (cut.reason !== 'records') expect(cut.bytes).toBeLessThan(rules.bytes);
        expect(cut.reason === 'empty').toBe(cut.offsets.length === 0);
        expect(cut.schemas.size).toBeLessThanOrEqual(1);
      }
      expect(at).toBe(landing.position);
      expect(cuts.flatMap(({ offsets }) => offsets)).toEqual([...sent.keys()]);
    }),
    { numRuns: 400 },
  );
});

test('a buffer gives back every record as it came, and its hash tells any difference', () => {
  const records = fc.array(fc.option(fc.uint8Array({ maxLength: 40 })), { minLength: 1, maxLength: 30 });
  const filled = (values: readonly (Uint8Array | null)[], shift: number) => {
    const buffer = createCutBuffer(PARTITION);
    values.forEach((value, i) =>
      buffer.append(bufferedRecord(shift + i, value === null ? null : Buffer.from(value), origin('s'))),
    );
    return buffer;
  };
  fc.assert(
    fc.property(records, records, fc.nat(2 ** 40), (values, others, shift) => {
      const buffer = filled(values, shift);
      values.forEach((value, i) => {
        expect(buffer.rawRecord(shift + i)?.value).toEqual(value === null ? null : Buffer.from(value));
      });
      expect(buffer.rawRecord(shift + values.length)).toBeNull();
      expect(filled(values, shift).sha256()).toBe(buffer.sha256());
      const same = JSON.stringify(values) === JSON.stringify(others);
      expect(filled(others, shift).sha256() === buffer.sha256()).toBe(same);
      expect(filled(values, shift + 1).sha256()).not.toBe(buffer.sha256());
    }),
    { numRuns: 200 },
  );
});
