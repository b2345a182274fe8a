/**
 * Hashes of rows and sums of them. A row's hash is the first 60 bits of the md5 of its canonical form; a set of rows is
 * told from another by count and sum, which does not hang on order or on how the set is cut.
 */
import type { Column } from '../contracts/columns.ts';
import { appendNullField, canonicalWriter } from './canonical.ts';
import { md5First60, type Hash60 } from './md5.ts';
import { createScratch } from './scratch.ts';

/** A running sum of 60-bit hashes as two sums of 30-bit halves: exact in doubles for 2^23 rows, then carried over. */
export interface RunningSum {
  add(hash: Hash60): void;
  rows(): number;
  total(): bigint;
  reset(): void;
}

const CARRY_AFTER_ROWS = 2 ** 22;

export function createRunningSum(): RunningSum {
  let rows = 0;
  let pending = 0;
  let high = 0;
  let low = 0;
  let carried = 0n;
  const carry = () => {
    carried += (BigInt(high) << 30n) + BigInt(low);
    high = low = pending = 0;
  };
  return {
    add(hash) {
      high += hash.high;
      low += hash.low;
      rows++;
      if (++pending === CARRY_AFTER_ROWS) carry();
    },
    rows: () => rows,
    total() {
      carry();
      return carried;
    },
    reset() {
      rows = pending = high = low = 0;
      carried = 0n;
    },
  };
}

export function hash60ToBigint(hash: Hash60): bigint {
  return (BigInt(hash.high) << 30n) | BigInt(hash.low);
}

/**
 * For rows that are at hand as texts (the few that SQL cannot hash): the same hash as everywhere.
 * @returns a function of a row's values as PostgreSQL prints them, null for NULL, in the columns' order
 */
export function createTextRowHash(columns: readonly Column[]): (texts: readonly (string | null)[]) => bigint {
  const writers = columns.map((column) => canonicalWriter(column.type));
  const canonical = createScratch(1024);
  const hash: Hash60 = { high: 0, low: 0 };
  return (texts) => {
    canonical.at = 0;
    writers.forEach((write, i) => {
      const text = texts[i];
      if (text === null || text === undefined) return appendNullField(canonical);
      const bytes = Buffer.from(text);
      write(canonical, bytes, 0, bytes.length);
    });
    md5First60(canonical, canonical.at, hash);
    return hash60ToBigint(hash);
  };
}
