/**
 * What became of each key of some buckets: the lake (what must be there), the warehouse (what is), the source (what is now).
 * Pure, but for the question put to the source about keys that only the warehouse has.
 *
 * A row of the warehouse beyond the first of its key (its table may have lost its constraint) is extra. Else a key counts
 * once, by the first that holds:
 * - missing:   the lake has it and the warehouse has not, though the source still has; or the source has it, and neither has, without proof of a change
 * - different: the warehouse's row is not the lake's last; or not the source's, without proof of a change; or the lake has
 *              two last records of the key, in two partitions, so that nobody can tell what the warehouse must hold
 * - extra:     no lake record explains it, and it is not certain to be outside of the replay's scope; or it is in the scope
 *              and the source has it not (whether the key lies above the replay's upper one or not), or has it outside the
 *              scope without proof of a change
 * Not counted is a missing or different key that has a discarded dead letter: somebody said that its row is not to arrive.
 * - skipped:   the source has it, nothing proves a change, and it would be missing or different; its chunk was skipped
 * - changedSince: the source's row is not the warehouse's, and was written after the replay began, provably
 */
import type { Key } from '../contracts/columns.ts';
import { type Fault, fault } from '../contracts/errors.ts';
import type { VerifyExamples } from '../contracts/temporal.ts';
import type { KeyedHash } from './ports/lake-files.ts';
import type { SourceFinding, SourceRow, WarehouseRow } from './ports/verify.ts';

export const EXAMPLES_MOST = 20;

export interface KeyFindings {
  /** Keys of extra rows, if they are wanted: not those of rows beyond the first of a key. */
  extraKeys?: Key[];
  missing: number;
  extra: number;
  different: number;
  changedSince: number;
  skipped: number;
  /** Keys that would be missing or different, had they no discarded dead letter. */
  discarded: Set<string>;
  examples: VerifyExamples;
}

export function noFindings(): KeyFindings {
  const examples = { missing: [], extra: [], different: [], changedSince: [], skipped: [] };
  return { missing: 0, extra: 0, different: 0, changedSince: 0, skipped: 0, discarded: new Set(), examples };
}

export interface Sides {
  lake: readonly KeyedHash[];
  warehouse: readonly WarehouseRow[];
  /** In the replay's scope, up to its upper key. */
  source: readonly SourceRow[];
  /** The warehouse may hold rows that the lake cannot explain: those are judged by the source alone. */
  otherRows: boolean;
  /** `inScope` says it for certain. False with a filter: it is the source's own SQL, which may mean another thing here. */
  scopeIsCertain: boolean;
  /** Keys that have a discarded dead letter. */
  discarded: ReadonlySet<string>;
  /** Which of the lake's keys the source has no more: a warehouse without them is right (`verify --prune` deletes them). */
  gone?: (keys: readonly string[]) => Promise<ReadonlySet<string>>;
}

/**
 * @param find asks the source for keys without the scope, in the given order
 * @throws Fault TableUnsuited when a key comes more than once in the source
 */
export async function judgeKeys(
  sides: Sides,
  find: (rows: readonly WarehouseRow[]) => Promise<readonly SourceFinding[]>,
  into: KeyFindings,
): Promise<void> {
  const tell = (kind: keyof VerifyExamples, key: string): void => {
    if ((kind === 'missing' || kind === 'different') && sides.discarded.has(key)) into.discarded.add(key);
    else note(into, kind, key);
  };
  const extra = ({ key, values }: WarehouseRow): void => {
    tell('extra', key);
    into.extraKeys?.push(values);
  };
  const lake = new Map<string, bigint>();
  for (const row of sides.lake) {
    if (lake.has(row.key)) tell('different', row.key);
    lake.set(row.key, row.hash);
  }
  const source = new Map<string, SourceRow>();
  for (const row of sides.source) {
    if (source.has(row.key)) throw notUnique(row.key);
    source.set(row.key, row);
  }
  const warehouse = new Set<string>();
  const unknown: WarehouseRow[] = [];
  for (const row of sides.warehouse) {
    const landed = lake.get(row.key);
    const now = source.get(row.key);
    // A key that neither lake nor scope knows, in a row outside of the scope: none of what this replay is asked about.
    if (sides.scopeIsCertain && !row.inScope && landed === undefined && now === undefined) continue;
    // Beyond the replay the source alone decides, in judgeBeyond.
    if (row.beyond && row.inScope) {
      if (landed === undefined) continue;
    } else if (warehouse.has(row.key)) {
      tell('extra', row.key);
      continue;
    }
    warehouse.add(row.key);
    if (landed === undefined && !sides.otherRows) extra(row);
    else if (landed !== undefined && landed !== row.lakeHash) tell('different', row.key);
    else if (now !== undefined) {
      if (now.hash !== row.hash) tell(because(now, 'different'), row.key);
    } else if (row.inScope && !row.beyond) unknown.push(row);
  }
  const absent = [...lake.keys()].filter((key) => !warehouse.has(key));
  const doubtful = absent.filter((key) => !source.has(key));
  const gone = doubtful.length > 0 ? await sides.gone?.(doubtful) : undefined;
  for (const key of absent) if (gone?.has(key) !== true) tell('missing', key);
  for (const [key, row] of source) {
    if (!warehouse.has(key) && !lake.has(key)) tell(because(row, 'missing'), key);
  }
  const findings = await find(unknown);
  unknown.forEach((row, place) => {
    const finding = findings[place];
    if (finding?.exists !== true) extra(row);
    else if (!finding.beyond) tell(finding.changedSince ? 'changedSince' : 'extra', row.key);
  });
}

/** What is to be said of a row of the source that did not arrive as it is. */
function because(row: SourceRow, otherwise: 'missing' | 'different'): keyof VerifyExamples {
  if (row.changedSince) return 'changedSince';
  return row.skipped === true ? 'skipped' : otherwise;
}

/** Warehouse rows of the scope above the replay's upper key: another replay's, if the source has them. */
export function judgeBeyond(
  rows: readonly { key: string; values: Key; copies: number }[],
  found: readonly SourceFinding[],
  into: KeyFindings,
): void {
  rows.forEach((row, place) => {
    const rightly = found[place]?.exists === true ? 1 : 0;
    if (rightly === 0) into.extraKeys?.push(row.values);
    for (let copy = rightly; copy < row.copies; copy++) note(into, 'extra', row.key);
  });
}

function notUnique(key: string): Fault {
  const text = `the source has the key ${key} more than once; verify, like a load, needs a key that is unique: give the source table a unique constraint on it`;
  return fault('TableUnsuited', text);
}

export function note(into: KeyFindings, kind: keyof VerifyExamples, key: string): void {
  into[kind] += 1;
  if (into.examples[kind].length < EXAMPLES_MOST) into.examples[kind].push(key);
}
