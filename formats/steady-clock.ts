/** A clock that nobody sets: it goes on from a time, however the machine's own is moved meanwhile. */

/**
 * @param startsAt epoch milliseconds now; absent: this machine's clock, read once
 * @returns epoch milliseconds, whole
 */
export function steadyClock(startsAt = Date.now()): () => number {
  const origin = startsAt - performance.now();
  return () => Math.floor(origin + performance.now());
}
