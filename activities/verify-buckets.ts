/**
 * Sums by bucket: added up, compared, and the buckets that differ dealt into groups that fit in memory. Pure.
 */
import type { HashSum } from './ports/lake-files.ts';

/** Rows a bucket, about: so much is read where one row differs. */
const BUCKET_ROWS = 1_000;
/** At so many, the maps take a few MiB; a bucket of a thousand million rows then holds 60,000. */
const BUCKETS_MOST = 16_384;
/** Rows of a side held at a time when it comes down to keys: some 300 bytes each. */
const GROUP_ROWS = 150_000;

export type Sums = ReadonlyMap<number, HashSum>;

export function bucketCount(rows: number): number {
  return Math.max(1, Math.min(BUCKETS_MOST, Math.ceil(rows / BUCKET_ROWS)));
}

export function addSums<K>(into: Map<K, HashSum>, from: ReadonlyMap<K, HashSum>): void {
  for (const [bucket, { rows, sum }] of from) {
    const known = into.get(bucket);
    if (known) into.set(bucket, { rows: known.rows + rows, sum: known.sum + sum });
    else into.set(bucket, { rows, sum });
  }
}

export function rowsOf(sums: { values(): Iterable<HashSum> }): number {
  let rows = 0;
  for (const each of sums.values()) rows += each.rows;
  return rows;
}

/** Whether two sums are the same; one that is not there is of no rows. */
export function isSame(left: HashSum | undefined, right: HashSum | undefined): boolean {
  return (left?.rows ?? 0) === (right?.rows ?? 0) && (left?.sum ?? 0n) === (right?.sum ?? 0n);
}

/** All buckets as one. */
export function totalOf(sums: Iterable<HashSum>): HashSum {
  const total: HashSum = { rows: 0, sum: 0n };
  for (const { rows, sum } of sums) {
    total.rows += rows;
    total.sum += sum;
  }
  return total;
}

/** Buckets whose rows or sums are not the same, in order. */
export function differing(left: Sums, right: Sums): number[] {
  const numbers = new Set([...left.keys(), ...right.keys()]);
  return [...numbers].filter((bucket) => !isSame(left.get(bucket), right.get(bucket))).sort((a, b) => a - b);
}

/** Whether these rows are what the buckets' sums say. */
export function isSumOf(sums: Sums, buckets: readonly number[], rows: readonly { hash: bigint }[]): boolean {
  const found = totalOf(rows.map(({ hash }) => ({ rows: 1, sum: hash })));
  return isSame(totalOf(buckets.flatMap((bucket) => sums.get(bucket) ?? [])), found);
}

/** @param sides sums of every side, so that no side's rows of a group are more than fit */
export function groups(buckets: readonly number[], sides: readonly Sums[]): number[][] {
  const result: number[][] = [];
  let rows = 0;
  for (const bucket of buckets) {
    const most = Math.max(...sides.map((side) => side.get(bucket)?.rows ?? 0));
    const last = result.at(-1);
    if (last === undefined || rows + most > GROUP_ROWS) {
      result.push([bucket]);
      rows = most;
    } else {
      last.push(bucket);
      rows += most;
    }
  }
  return result;
}
