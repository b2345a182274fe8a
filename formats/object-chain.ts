/**
 * Puts a partition's objects in a row. Cuts of one manifest never overlap; objects in a bucket may: one that was put late,
 * after its intent was voided, or those of a control database that was restored from a backup and landed the same offsets
 * again with other bounds. Of overlapping objects those are taken that together cover the most offsets (an offset's rows are
 * the same in each, as they come from one topic); the others are set aside.
 */

/** Offsets [start, end). */
export interface Range {
  start: number;
  end: number;
}

export interface Gap extends Range {
  /** True: by the manifest that is lost, it was sealed without an object. False: nobody knows. */
  proven: boolean;
  /** Dead letters in it, as far as is known. */
  deadLetters: number;
}

/** Weighted interval scheduling, O(n log n). @returns both lists by start */
export function chooseChain<T extends Range>(objects: readonly T[]): { chain: T[]; aside: T[] } {
  const byEnd = [...objects].sort((a, b) => a.end - b.end || a.start - b.start);
  /** Most offsets covered by the first i objects. */
  const most = [0];
  const before = byEnd.map(({ start }) => countEndingBy(byEnd, start));
  byEnd.forEach((object, i) => {
    const taken = object.end - object.start + (most[before[i] ?? 0] ?? 0);
    most.push(Math.max(most[i] ?? 0, taken));
  });
  const chain: T[] = [];
  const aside: T[] = [];
  for (let i = byEnd.length; i > 0;) {
    const object = byEnd[i - 1] as T;
    if ((most[i] ?? 0) > (most[i - 1] ?? 0)) {
      chain.push(object);
      const next = before[i - 1] ?? 0;
      aside.push(...byEnd.slice(next, i - 1));
      i = next;
    } else {
      aside.push(object);
      i -= 1;
    }
  }
  return { chain: chain.reverse(), aside: aside.sort((a, b) => a.start - b.start || a.end - b.end) };
}

/** How many of them, sorted by end, end at or before the offset. */
function countEndingBy(byEnd: readonly Range[], offset: number): number {
  let low = 0;
  let high = byEnd.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((byEnd[middle]?.end ?? 0) <= offset) low = middle + 1;
    else high = middle;
  }
  return low;
}

export interface ChainLink extends Range {
  /** All from here to `start` was sealed without an object; absent: it does not say. */
  since?: number;
  sinceDeadLetters?: number;
}

/** @param lower where the row is to begin; at most the first object's start. @returns what lies between, in order */
export function gapsOf(chain: readonly ChainLink[], lower: number): Gap[] {
  const gaps: Gap[] = [];
  let at = lower;
  for (const { start, end, since = start, sinceDeadLetters = 0 } of chain) {
    const from = Math.min(start, Math.max(at, since));
    if (at < from) gaps.push({ start: at, end: from, proven: false, deadLetters: 0 });
    if (from < start) gaps.push({ start: from, end: start, proven: true, deadLetters: sinceDeadLetters });
    at = end;
  }
  return gaps;
}
