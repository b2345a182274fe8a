import { expect, test } from 'vitest';
import { createSpareBuffers } from '../../formats/spare-buffers.ts';

test('gives the largest that is kept, each to one user, and new memory where none is large enough', () => {
  const spares = createSpareBuffers(100);
  const [small, large] = [Buffer.alloc(10), Buffer.alloc(40)];
  spares.giveBack(large);
  spares.giveBack(small);
  expect(spares.take(5)).toBe(large);
  expect(spares.take(20)).toHaveLength(20);
  expect(spares.take(10)).toBe(small);
  expect(spares.bytes()).toBe(0);
});

test('keeps no more than its bound, the largest first', () => {
  const spares = createSpareBuffers(100);
  for (const bytes of [40, 101, 10, 30, 25]) spares.giveBack(Buffer.alloc(bytes));
  expect(spares.bytes()).toBe(95);
  spares.shrink(80);
  expect([spares.take(0).length, spares.take(0).length, spares.bytes()]).toEqual([40, 30, 0]);
});
