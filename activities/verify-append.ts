/**
 * Verify of load mode `append`, where every record is a row and nothing in the table says of which replay. Two proofs in the
 * place of one:
 * - the table holds the lake's records up to the ledger, each as often as it came: rows and sum, then row by row. Not those
 *   that a load refused and a re-drive has read anew: that one's record stands for them;
 * - this replay's records up to the ledger are what the source holds now, key by key, as in mode `upsert`. For a key of its
 *   dead letters, what their re-drives brought; what these brought for letters of other replays proves nothing of this one.
 * Memory is bounded as there: by the number of buckets and by a group of differing ones.
 */
import type { HashSum, KeyedHash } from './ports/lake-files.ts';
import type { WarehouseRow } from './ports/verify.ts';
import { keyOf } from './redrive-plan.ts';
import { bucketCount, differing, groups, rowsOf, type Sums } from './verify-buckets.ts';
import { type AllSums, lookUp, type Scan } from './verify-differences.ts';
import { judgeKeys, type KeyFindings, note } from './verify-keys.ts';
import { lakeRows, type LakePorts, type LakeRequest, sumLake } from './verify-lake.ts';
import { sourceRows, sumSource } from './verify-source.ts';

/** @param sums of one bucket, the lake's of every record */
export async function judgeAppended(ports: LakePorts, scan: Scan, sums: AllSums, into: KeyFindings): Promise<void> {
  if (differing(sums.lake.buckets, sums.warehouse.all).length > 0) await judgeRows(ports, scan, sums, into);
  const landed = new Map([[0, total(sums.lake.landed)]]);
  const source = new Map([[0, total(sums.source)]]);
  const whole = isLoaded(scan) && keysOf(scan).size === 0;
  if (!whole || differing(landed, source).length > 0) await judgeReplay(ports, scan, sums, into);
}

/** What landed is in the table, up to the replay's ends: else the sums of what landed prove nothing of it. */
function isLoaded({ replay, lake }: Scan): boolean {
  return Object.entries(replay.ends).every(([partition, end]) => (lake.ledger.get(Number(partition)) ?? 0) >= end);
}

function keysOf({ lake }: Scan): ReadonlySet<string> {
  return lake.redriven?.keys ?? new Set();
}

/** Lake against warehouse: as many of each row on both sides. */
async function judgeRows(ports: LakePorts, scan: Scan, rough: AllSums, into: KeyFindings): Promise<void> {
  const { view, signal } = scan;
  const buckets = bucketCount(Math.max(rowsOf(rough.lake.buckets), rowsOf(rough.warehouse.all)));
  const [lake, warehouse] = await Promise.all([
    sumLake(ports, scan.lake, buckets, signal),
    view?.sums(buckets) ?? { all: new Map<number, HashSum>() },
  ]);
  const sides: Sums[] = [lake.buckets, warehouse.all];
  for (const numbers of groups(differing(lake.buckets, warehouse.all), sides)) {
    const wanted = { buckets, numbers };
    const [landed, loaded] = await Promise.all([
      lakeRows(ports, scan.lake, wanted, signal),
      view?.rows(wanted) ?? ([] as WarehouseRow[]),
    ]);
    compareRows(landed, loaded, scan, into);
  }
}

/** A row that is there too often is extra, one too seldom missing; a key that has both has a row that differs. Pure. */
export function compareRows(
  landed: readonly KeyedHash[],
  loaded: readonly Pick<WarehouseRow, 'key' | 'lakeHash'>[],
  { otherRows, discarded }: Pick<Scan, 'otherRows' | 'discarded'>,
  into: KeyFindings,
): void {
  const left = new Map<string, { key: string; count: number }>();
  const count = (key: string, hash: bigint, by: 1 | -1): void => {
    const name = `${hash}/${key}`;
    const known = left.get(name);
    if (known) known.count += by;
    else left.set(name, { key, count: by });
  };
  for (const { key, hash } of landed) count(key, hash, 1);
  for (const { key, lakeHash } of loaded) count(key, lakeHash, -1);
  const byKey = new Map<string, { missing: number; extra: number }>();
  for (const each of left.values()) {
    if (each.count === 0) continue;
    const sums = byKey.get(each.key) ?? { missing: 0, extra: 0 };
    if (each.count > 0) sums.missing += each.count;
    else sums.extra -= each.count;
    byKey.set(each.key, sums);
  }
  for (const [key, { missing, extra }] of byKey) {
    const both = otherRows ? 0 : Math.min(missing, extra);
    for (let row = 0; row < missing; row++) {
      if (discarded.has(key)) into.discarded.add(key);
      else note(into, row < both ? 'different' : 'missing', key);
    }
    for (let row = both; row < extra && !otherRows; row++) note(into, 'extra', key);
  }
}

/** The replay's records in the lake, in the place of a warehouse that holds nothing else, against the source. */
async function judgeReplay(ports: LakePorts, scan: Scan, rough: AllSums, into: KeyFindings): Promise<void> {
  const { replay, signal } = scan;
  const keys = keysOf(scan);
  const own: LakeRequest = { ...scan.lake, shape: replay.shape, records: 'replay' };
  const anew: LakeRequest = { ...own, records: 'redrives' };
  const buckets = bucketCount(Math.max(rowsOf(rough.lake.landed), rowsOf(rough.source)));
  const [{ buckets: lake }, { buckets: redriven }, source] = await Promise.all([
    sumLake(ports, own, buckets, signal),
    keys.size === 0 ? { buckets: new Map<number, HashSum>() } : sumLake(ports, anew, buckets, signal),
    sumSource(scan, buckets),
  ]);
  const doubtful = [...new Set([...differing(lake, source), ...redriven.keys()])].sort((a, b) => a - b);
  for (const numbers of groups(doubtful, [lake, redriven, source])) {
    const wanted = { buckets, numbers };
    const [first, second, now] = await Promise.all([
      lakeRows(ports, own, wanted, signal),
      redriven.size === 0 ? [] : lakeRows(ports, anew, wanted, signal),
      sourceRows(scan, wanted),
    ]);
    const landed = [...first, ...second.filter(({ key }) => keys.has(key))];
    const warehouse = landed.map(({ key, hash }) => {
      const values = keyOf({ key: Buffer.from(key) }, replay.shape) ?? [];
      return { key, hash, lakeHash: hash, values, inScope: true, beyond: false };
    });
    const told = { otherRows: false, scopeIsCertain: false, discarded: scan.discarded };
    const sides = { lake: landed, warehouse, source: now, ...told };
    await judgeKeys(sides, (unknown) => lookUp(scan, unknown), into);
  }
}

function total(sums: ReadonlyMap<number, HashSum>): HashSum {
  let sum = 0n;
  for (const each of sums.values()) sum += each.sum;
  return { rows: rowsOf(sums), sum };
}
