/** The odd cells, one after the other: most of them change something that all others need. */
import { afterAll, beforeAll, describe, test } from 'vitest';
import { ODD_CELLS } from './odd-cells.ts';
import { isPlanned } from './plan.ts';
import { noted } from './results.ts';
import { openStackSlot, type Slot } from './slot.ts';

const CELL_MS = 30 * 60_000;
const planned = ODD_CELLS.filter(({ name }) => isPlanned(name));
let slot: Slot;

beforeAll(async () => {
  slot = await openStackSlot();
});
afterAll(async () => slot.close());

describe.skipIf(planned.length === 0)('odd', () => {
  test.each([...planned])(
    '$name',
    async ({ name, work }) => {
      try {
        await noted(name, () => work(slot));
      } finally {
        await slot.clear(false);
      }
    },
    CELL_MS,
  );
});
