/**
 * Chooses what to load next. Guarantees: every partition goes on exactly where the ledger stands, over sealed cuts without
 * a hole; a hole is stepped over only where it is marked lost and accepted. Pure: the tests feed it every kind of hole.
 */
import { type Fault, fault } from '../contracts/errors.ts';
import type { LostRange, SealedCut } from './ports/load-store.ts';
import type { LedgerStep } from './ports/warehouse.ts';

/** The most that one transaction of the warehouse may take; a cut with more is loaded in parts. */
export const BATCH_MAX_ROWS = 1_000_000;

export interface BatchLimits {
  rows: number;
  bytes: number;
  /** Goes on over cuts that have expired. */
  skipExpired?: boolean;
}

/** An object, or a part of one where the ledger or a limit stands in its middle. */
export interface BatchObject {
  partition: number;
  object: string;
  fromOffset: number;
  toOffset: number;
}

export interface LoadBatch {
  steps: readonly LedgerStep[];
  objects: readonly BatchObject[];
  /** Null when no step holds rows: only the ledger moves. */
  schemaVersion: string | null;
  /** Of all objects. */
  form: SealedCut['form'];
  cuts: number;
  /** Rows by the manifest; absent where a cut is loaded in part, so that only reading tells. */
  expectedRows: number | undefined;
  /** Rows by the manifest, for the limits; a part counts as the whole. */
  rows: number;
}

/**
 * @param place next offset a partition
 * @param cuts sealed cuts by partition and start, from `place` on
 * @param lost ranges that could not be landed
 * @returns null when nothing can move
 * @throws Fault ManifestConflict for a hole that nobody accepted
 */
export function chooseBatch(
  place: ReadonlyMap<number, number>,
  cuts: readonly SealedCut[],
  lost: readonly LostRange[],
  limits: BatchLimits,
): LoadBatch | null {
  const ends = new Map<number, number>();
  const objects: BatchObject[] = [];
  const queues = new Map(
    [...place.keys()].map((partition) => [partition, cuts.filter((c) => c.partition === partition)]),
  );
  const batch = { rows: 0, bytes: 0, cuts: 0, partial: false };
  let schemaVersion: string | null = null;
  let form: SealedCut['form'] = { format: 'parquet', compression: 'zstd' };
  // A cut of each partition in turn, so that no partition's readers wait for another's backlog.
  while (queues.size > 0) {
    for (const [partition, queue] of queues) {
      const at = stepOver(ends.get(partition) ?? place.get(partition) ?? 0, partition, queue[0], lost);
      if (at > (place.get(partition) ?? 0)) ends.set(partition, at);
      const cut = queue.shift();
      if (cut === undefined) {
        queues.delete(partition);
        continue;
      }
      if (cut.expired) {
        if (limits.skipExpired !== true) throw expired(partition, at, cut);
        ends.set(partition, cut.end);
        continue;
      }
      const kind = cut.objects.length === 0 ? null : kindOf(cut.schemaVersion, cut.form);
      const fits =
        batch.rows === 0 || (batch.rows + cut.rows <= limits.rows && batch.bytes + cut.bytes <= limits.bytes);
      const sameKind = kind === null || schemaVersion === null || kind === kindOf(schemaVersion, form);
      if (!fits || !sameKind) {
        queues.delete(partition);
        continue;
      }
      // Offsets are at least as many as rows, so a piece of so many offsets holds no more rows than that.
      const end = cut.rows > BATCH_MAX_ROWS ? Math.min(cut.end, at + BATCH_MAX_ROWS) : cut.end;
      if (end < cut.end) queues.delete(partition);
      if (kind !== null) [schemaVersion, form] = [cut.schemaVersion, cut.form];
      for (const { name } of cut.objects) objects.push({ partition, object: name, fromOffset: at, toOffset: end });
      batch.rows += cut.rows;
      batch.bytes += cut.bytes;
      batch.cuts += end === cut.end ? 1 : 0;
      batch.partial ||= at > cut.start || end < cut.end;
      ends.set(partition, end);
    }
  }
  if (ends.size === 0) return null;
  const steps = [...ends].map(([partition, end]) => ({ partition, start: place.get(partition) ?? 0, end }));
  return {
    steps: steps.sort((a, b) => a.partition - b.partition),
    objects,
    schemaVersion,
    form,
    cuts: batch.cuts,
    expectedRows: batch.partial ? undefined : batch.rows,
    rows: batch.rows,
  };
}

function expired(partition: number, at: number, { end }: SealedCut): Fault {
  return fault(
    'ManifestConflict',
    `partition ${partition}: loading stands at offset ${at}, and the rows up to ${end} were loaded once and have expired from ` +
      'the lake since (lake.afterLoad): the table was made anew, or restored. headrace load FILE --skip-expired goes on ' +
      'without them; a new replay (headrace run) then brings what the source still has',
  );
}

function kindOf(schemaVersion: string | null, { format, compression, nullMarker }: SealedCut['form']): string {
  return JSON.stringify([schemaVersion, format, compression, nullMarker]);
}

/** Where loading goes on: at `at`, or behind accepted losses, up to the next cut if there is one. */
function stepOver(at: number, partition: number, next: SealedCut | undefined, lost: readonly LostRange[]): number {
  for (;;) {
    if (next !== undefined && next.start <= at) return at;
    const gap = lost.find((range) => range.partition === partition && range.start <= at && at < range.end);
    if (gap?.accepted === true) at = gap.end;
    else if (next === undefined) return at;
    else {
      throw fault(
        'ManifestConflict',
        `partition ${partition}: loading stands at offset ${at}, the next sealed cut begins at ${next.start}, and the range ` +
          (gap
            ? 'between is marked lost but not accepted; accept the loss'
            : 'between is neither landed nor marked lost; ') +
          (gap ? ' (land --accept-loss)' : 'restore the manifest (headrace.cut) of the control database from a backup'),
      );
    }
  }
}
