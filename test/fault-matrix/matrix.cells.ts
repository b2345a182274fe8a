/** The matrix itself: each cell is one test. What cannot hurt the others runs beside them; what kills a service runs alone. */
import { afterAll, beforeAll, describe, test } from 'vitest';
import { killAllWorkers } from '../e2e/commands.ts';
import { unique } from '../replay/setting.ts';
import { type Cell, cellName, isAlone } from './cells.ts';
import { plannedCells, sideBySide } from './plan.ts';
import { noted } from './results.ts';
import { runCell } from './run-cell.ts';
import { makeNamespaces, openSlot, type Slot } from './slot.ts';
import { startTemporalServer, type TemporalServer } from './temporal-server.ts';

/** Cells wait for their slot; what bounds one is in run-cell.ts. */
const CELL_MS = 24 * 60 * 60 * 1000;

const cells = plannedCells();
const alone = cells.filter(isAlone);
const together = cells.filter((cell) => !isAlone(cell));
const free: Slot[] = [];
const waiting: ((slot: Slot) => void)[] = [];
let loneSlot: Slot;
let temporal: TemporalServer;

beforeAll(async () => {
  temporal = await startTemporalServer();
  const names = Array.from({ length: Math.min(sideBySide(), together.length) }, () =>
    unique('cell').replaceAll('_', '-'),
  );
  await makeNamespaces(temporal.address, names);
  for (const namespace of names) free.push(await openSlot({ address: temporal.address, namespace }));
  const lone = unique('alone').replaceAll('_', '-');
  await makeNamespaces(temporal.address, [lone]);
  loneSlot = await openSlot({ address: temporal.address, namespace: lone });
}, 120_000);

afterAll(async () => {
  await killAllWorkers();
  await Promise.all([...free, loneSlot].map((slot) => slot.close()));
  await temporal.stop();
}, 120_000);

async function withSlot(work: (slot: Slot) => Promise<void>): Promise<void> {
  const slot = free.pop() ?? (await new Promise<Slot>((resolve) => waiting.push(resolve)));
  try {
    await work(slot);
  } finally {
    const next = waiting.shift();
    if (next) next(slot);
    else free.push(slot);
  }
}

const tryCell = (slot: Slot, cell: Cell): Promise<void> => noted(cellName(cell), () => runCell(slot, cell, temporal));

describe.skipIf(together.length === 0).concurrent('side by side', () => {
  test.each(together.map((cell) => ({ name: cellName(cell), cell })))(
    '$name',
    async ({ cell }) => withSlot((slot) => tryCell(slot, cell)),
    CELL_MS,
  );
});

describe.skipIf(alone.length === 0)('alone', () => {
  test.each(alone.map((cell) => ({ name: cellName(cell), cell })))(
    '$name',
    async ({ cell }) => tryCell(loneSlot, cell),
    CELL_MS,
  );
});
