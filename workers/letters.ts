/** Dead letters looked at and settled in the command's own process: neither needs a worker or Temporal. */
import type { Letters } from '../activities/ports/letters.ts';
import { openLetters } from '../connectors/postgres/letter-store.ts';
import { openPool } from '../connectors/postgres/pool.ts';
import type { Settings } from '../contracts/settings.ts';

/** @throws Fault ControlUnavailable */
export async function withLetters<T>(settings: Settings, work: (letters: Letters) => Promise<T>): Promise<T> {
  const pool = openPool(settings.control, 'dead letters', 1);
  try {
    return await work(openLetters(pool));
  } finally {
    await pool.end();
  }
}
