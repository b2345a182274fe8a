/**
 * From sums that differ down to keys: only buckets that differ are read, in groups that fit in memory, and keys that only
 * the warehouse has are looked up in the source.
 */
import type { LakePorts, LakeRequest, LakeSums } from './verify-lake.ts';
import type { Key } from '../contracts/columns.ts';
import type { HashSum } from './ports/lake-files.ts';
import { keyOf } from './redrive-plan.ts';
import type { SourceFinding, WarehouseSums, WarehouseView } from './ports/verify.ts';
import { bucketCount, differing, groups, isSumOf, rowsOf } from './verify-buckets.ts';
import { type KeyFindings, judgeBeyond, judgeKeys } from './verify-keys.ts';
import { lakeRows, sumLake } from './verify-lake.ts';
import { type SourceScan, sourceRows, sumSource } from './verify-source.ts';

/** Keys put to the source in one question. */
const FIND_KEYS = 1_000;

export interface Scan extends SourceScan {
  lake: LakeRequest;
  /** Null where the warehouse has no such table. */
  view: WarehouseView | null;
  /** Whether warehouse rows that the lake cannot explain are nobody's fault that can be told. */
  otherRows: boolean;
  /** Keys that have a discarded dead letter. */
  discarded: ReadonlySet<string>;
}

export interface AllSums {
  lake: LakeSums;
  warehouse: WarehouseSums;
  source: Map<number, HashSum>;
}

/** The three scans side by side. */
export async function sumAll(ports: LakePorts, scan: Scan, buckets: number): Promise<AllSums> {
  const none: WarehouseSums = { all: new Map(), inScope: new Map() };
  const [lake, warehouse, source] = await Promise.all([
    sumLake(ports, scan.lake, buckets, scan.signal),
    scan.view?.sums(buckets) ?? none,
    sumSource(scan, buckets),
  ]);
  return { lake, warehouse, source };
}

/** Buckets in which the sides differ, in order. */
export function unequalBuckets(scan: Scan, { lake, warehouse, source }: AllSums): number[] {
  const landed = scan.lake.shape === null ? [] : differing(lake.buckets, warehouse.all);
  return [...new Set([...landed, ...differing(source, warehouse.inScope)])].sort((a, b) => a - b);
}

/** @param rough sums of one bucket, for the number of rows */
export async function findKeys(ports: LakePorts, scan: Scan, rough: AllSums, findings: KeyFindings): Promise<void> {
  const rows = Math.max(...[rough.lake.buckets, rough.warehouse.all, rough.source].map(rowsOf));
  const buckets = bucketCount(rows);
  const sums = await sumAll(ports, scan, buckets);
  const sides = [sums.lake.buckets, sums.warehouse.all, sums.source];
  for (const numbers of groups(unequalBuckets(scan, sums), sides)) {
    const wanted = { buckets, numbers };
    const [lake, warehouse, source] = await Promise.all([
      lakeRows(ports, scan.lake, wanted, scan.signal),
      scan.view?.rows(wanted) ?? [],
      sourceRows(scan, wanted),
    ]);
    // Lake and warehouse stand still, so these rows must be the ones that were summed up. Were they not, sums that differ
    // would go without a key to explain them: a difference without a name, never none.
    const whole =
      isSumOf(sums.lake.buckets, numbers, lake) &&
      isSumOf(
        sums.warehouse.all,
        numbers,
        warehouse.map((row) => ({ hash: row.lakeHash })),
      );
    if (!whole) findings.different += 1;
    const gone = (keys: readonly string[]): Promise<ReadonlySet<string>> => goneKeys(scan, keys);
    const { otherRows, discarded } = scan;
    const scopeIsCertain = scan.replay.scope.where === undefined;
    const sidesOfGroup = { lake, warehouse, source, otherRows, scopeIsCertain, discarded, gone };
    await judgeKeys(sidesOfGroup, (unknown) => lookUp(scan, unknown), findings);
  }
}

/**
 * Rows of the scope above the replay's upper key: none of this replay's, unless the source does not have them at all. Their
 * sums are not compared, or every row inserted since would bring its bucket down to keys.
 */
export async function findBeyond(scan: Scan, findings: KeyFindings): Promise<void> {
  for (let after: Key | null = null; scan.view !== null;) {
    scan.signal.throwIfAborted();
    const rows = await scan.view.beyond(after, FIND_KEYS);
    const last = rows.at(-1);
    if (last === undefined) return;
    judgeBeyond(rows, await lookUp(scan, rows), findings);
    after = last.values;
  }
}

/** @param keys as JSON */
async function goneKeys(scan: Scan, keys: readonly string[]): Promise<ReadonlySet<string>> {
  const known = keys.flatMap((key) => {
    const values = keyOf({ key: Buffer.from(key) }, scan.replay.shape);
    return values === null ? [] : [{ key, values }];
  });
  const found = await lookUp(scan, known);
  return new Set(known.flatMap(({ key }, place) => (found[place]?.exists === false ? [key] : [])));
}

/** @returns one finding a row, in order */
export async function lookUp(scan: Scan, rows: readonly { values: Key }[]): Promise<SourceFinding[]> {
  const found: SourceFinding[] = [];
  const keys = rows.map(({ values }) => values);
  const { upperKey, sourceSnapshot } = scan.replay;
  for (let from = 0; from < keys.length; from += FIND_KEYS) {
    found.push(...(await scan.hashes.find(scan.table, keys.slice(from, from + FIND_KEYS), upperKey, sourceSnapshot)));
  }
  return found;
}
