/** The budget's arithmetic: reading waits when it is spent, the largest buffer is cut, and waiting always ends. */
import { expect, test } from 'vitest';
import { createLandMemory, type OpenBuffer } from '../../activities/land-memory.ts';

interface TestBuffer extends OpenBuffer {
  asked: boolean;
}
const buffer = (held: number, content = held): TestBuffer => {
  const self: TestBuffer = {
    asked: false,
    held: () => held,
    content: () => content,
    cutEarly: () => void (self.asked = true),
  };
  return self;
};

test('within the budget nothing waits and nothing is cut', () => {
  const memory = createLandMemory(100);
  const one = buffer(60);
  memory.add(one);
  memory.close(40);
  expect(memory.full()).toBe(false);
  expect(one.asked).toBe(false);
});

test('beyond it, the largest by content is cut', () => {
  const memory = createLandMemory(100);
  const [wide, filled] = [buffer(90, 10), buffer(40, 40)];
  memory.add(wide);
  memory.add(filled);
  expect(memory.full()).toBe(true);
  expect([wide.asked, filled.asked]).toEqual([false, true]);
});

test('with half of it under way, reading waits for that instead of cutting more', () => {
  const memory = createLandMemory(100);
  const one = buffer(60);
  memory.add(one);
  memory.close(50);
  expect(memory.full()).toBe(true);
  expect(one.asked).toBe(false);
  memory.release(50);
  expect(memory.full()).toBe(false);
});

test('where nothing can be cut and nothing is under way, nothing waits', () => {
  const memory = createLandMemory(10);
  memory.add(buffer(60, 0));
  expect(memory.full()).toBe(false);
  memory.close(5);
  expect(memory.full()).toBe(true);
});

test('spare memory is half of the budget at most, makes way for what is filled, and a quarter while nothing is landed', () => {
  const memory = createLandMemory(100);
  const one = buffer(40);
  memory.add(one);
  for (const bytes of [30, 10, 20]) memory.spares.giveBack(Buffer.alloc(bytes));
  expect(memory.held()).toBe(90); // the smallest went: 60 were more than half
  memory.close(20);
  expect(memory.full()).toBe(false);
  expect(memory.held()).toBe(90); // 20 + 40 + the largest spare
  expect(one.asked).toBe(false);
  memory.release(20);
  memory.remove(one);
  expect(memory.held()).toBe(0); // 30 are more than a quarter
});
