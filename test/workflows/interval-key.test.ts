/** Whoever starts an interval, by schedule, by hand or late, means the same one until the next step is reached. */
import { expect, test } from 'vitest';
import { instantId, intervalEnd } from '../../contracts/intervals.ts';

const MINUTE_MS = 60_000;
const at = (iso: string): number => Date.parse(iso);

test.each([
  [5, '2026-03-01T10:05:00.000Z', '2026-03-01T10:05:00.000Z'],
  [5, '2026-03-01T10:05:00.001Z', '2026-03-01T10:05:00.000Z'],
  [5, '2026-03-01T10:08:00.000Z', '2026-03-01T10:05:00.000Z'],
  [5, '2026-03-01T10:09:59.999Z', '2026-03-01T10:05:00.000Z'],
  [5, '2026-03-01T10:10:00.000Z', '2026-03-01T10:10:00.000Z'],
  [60, '2026-03-01T10:59:59.999Z', '2026-03-01T10:00:00.000Z'],
  [24 * 60, '2026-03-01T23:59:59.999Z', '2026-03-01T00:00:00.000Z'],
  [7 * 60, '1970-01-01T20:59:59.999Z', '1970-01-01T14:00:00.000Z'],
])('a step of %d min, scheduled at %s: the interval that ends at %s', (minutes, scheduled, end) => {
  const found = intervalEnd(at(scheduled), minutes * MINUTE_MS);
  expect(new Date(found).toISOString()).toBe(end);
  expect(instantId(new Date(found).toISOString())).toBe(instantId(end));
});
