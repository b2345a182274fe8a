import { describe, expect, it } from 'vitest';
import { bufferedRecord, createCutBuffer, type BufferedRecord } from '../../formats/cut-buffer.ts';
import { createSpareBuffers } from '../../formats/spare-buffers.ts';

const origin = (replay: string, chunk: string, schema: string) => Buffer.from(`${schema};${chunk};${replay}`);
const record = (offset: number, value: string | null, of: Buffer | null = origin('r1', '3', 'a1')): BufferedRecord =>
  bufferedRecord(offset, value === null ? null : Buffer.from(value), of);

describe('cut buffer', () => {
  it('keeps each record as a line, and where it came from', () => {
    const buffer = createCutBuffer(4);
    buffer.append(record(10, '{"a":1}'));
    buffer.append(record(12, '{"a":2}', origin('r1', '4', 'a1')));
    buffer.append(record(13, '{"a":3}'));
    buffer.append(record(14, 'foreign', null));
    const content = buffer.content();
    expect(content.lines.toString()).toBe('10\t0\t\t{"a":1}\n12\t1\t\t{"a":2}\n13\t0\t\t{"a":3}\n14\t2\t\tforeign\n');
    expect(content.lineages).toEqual([
      { replay: 'r1', chunk: 3 },
      { replay: 'r1', chunk: 4 },
      { replay: null, chunk: null },
    ]);
    expect([...content.starts]).toEqual([0, 14, 28, 42]);
    expect([buffer.firstOffset(), buffer.lastOffset(), buffer.records(), buffer.schemaVersion()]).toEqual([
      10,
      14,
      4,
      'a1',
    ]);
  });

  it('copies what it is given', () => {
    const buffer = createCutBuffer(0);
    const reused = record(1, '{"a":1}');
    buffer.append(reused);
    reused.bytes.fill(0x58);
    expect(buffer.content().lines.toString()).toBe('1\t0\t\t{"a":1}\n');
    expect(buffer.schemaVersion()).toBe('a1');
    buffer.append(record(2, '{}'));
    expect(buffer.content().lineages).toHaveLength(1);
  });

  it('holds no memory while empty, little with little in it, and leaves spares to those that need them', () => {
    const spares = createSpareBuffers(1 << 24);
    spares.giveBack(Buffer.alloc(1 << 20));
    const buffer = createCutBuffer(0, spares);
    expect(buffer.capacity()).toBe(0);
    expect(buffer.content().lines).toHaveLength(0);
    buffer.append(record(0, '{"a":1}'));
    expect(buffer.capacity()).toBeLessThan(5_000);
    for (let offset = 1; offset < 200; offset++) buffer.append(record(offset, 'x'.repeat(100)));
    expect(buffer.capacity()).toBeLessThan(2.5 * buffer.bytes());
    expect(spares.bytes()).toBe(1 << 20);
    buffer.append(record(200, 'x'.repeat(100_000)));
    expect([buffer.records(), spares.bytes()]).toEqual([201, 0]);
    buffer.dispose();
    expect(spares.bytes()).toBe(1 << 20);
    expect(buffer.capacity()).toBeLessThan(2_000);
  });

  it('does not fit a record of another schema version', () => {
    const buffer = createCutBuffer(0);
    const other = record(2, '{}', origin('r1', '3', 'b2'));
    expect(buffer.fits(other)).toBe(true);
    buffer.append(record(1, null, null));
    expect(buffer.fits(other)).toBe(true);
    buffer.append(record(2, '{}'));
    expect(buffer.fits(other)).toBe(false);
    expect(buffer.fits(record(3, null, null))).toBe(true);
    buffer.reset();
    expect(buffer.fits(other)).toBe(true);
  });

  it('gives raw records back byte by byte, whatever they look like', () => {
    const buffer = createCutBuffer(0);
    const values = ['{}', '', null, '{},"o":7\n12\t0\t{"a":1}', '\t\t\n', '\n'.repeat(50), 'x'.repeat(300_000), '\0'];
    values.forEach((value, i) => buffer.append(record(i * 3 + 5, value, origin('r', String(i), 's'))));
    values.forEach((value, i) => {
      const raw = buffer.rawRecord(i * 3 + 5);
      expect(raw).toEqual({
        offset: i * 3 + 5,
        replay: 'r',
        chunk: i,
        value: value === null ? null : Buffer.from(value),
      });
    });
    expect(buffer.rawRecord(6)).toBeNull();
    expect(buffer.rawRecord(1000)).toBeNull();
  });

  it('takes a foreign lineage for none', () => {
    const buffer = createCutBuffer(0);
    buffer.append(record(1, '{}', origin("x'\n", '12a', 's')));
    expect(buffer.content().lineages).toEqual([{ replay: null, chunk: null }]);
  });

  it('has one hash for the same records, another for any other', () => {
    const sum = (records: BufferedRecord[], askBetween = false) => {
      const buffer = createCutBuffer(0);
      for (const each of records) {
        buffer.append(each);
        if (askBetween) buffer.sha256();
      }
      return buffer.sha256();
    };
    const base = [record(1, '{}'), record(2, 'x'.repeat(300_000)), record(3, '')];
    const expected = sum(base);
    expect(expected).toMatch(/^[0-9a-f]{64}$/);
    expect(sum(base)).toBe(expected);
    expect(sum(base, true)).toBe(expected);
    const others = [
      [...base.slice(0, 2), record(3, null)],
      [record(0, '{}'), ...base.slice(1)],
      [record(1, '{}', origin('r1', '4', 'a1')), ...base.slice(1)],
      base.slice(0, 2),
      [record(1, `{}\n2\t0\t${'x'.repeat(300_000)}`), record(3, '')],
    ].map((records) => sum(records));
    expect(new Set([expected, ...others]).size).toBe(6);
    const buffer = createCutBuffer(0);
    buffer.append(record(77, 'before'));
    buffer.sha256();
    buffer.reset();
    for (const each of base) buffer.append(each);
    expect(buffer.sha256()).toBe(expected);
  });
});
