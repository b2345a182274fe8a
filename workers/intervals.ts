/** Intervals looked at in the command's own process. */
import type { Intervals } from '../activities/ports/intervals.ts';
import { openIntervals } from '../connectors/postgres/interval-store.ts';
import { openPool } from '../connectors/postgres/pool.ts';
import type { Settings } from '../contracts/settings.ts';

/** @throws Fault ControlUnavailable */
export async function withIntervals<T>(settings: Settings, work: (intervals: Intervals) => Promise<T>): Promise<T> {
  const pool = openPool(settings.control, 'intervals', 1);
  try {
    return await work(openIntervals(pool));
  } finally {
    await pool.end();
  }
}
