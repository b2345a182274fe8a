/**
 * Between which keys a replay reads, found before its first chunk and never changed: the largest key is the end (a growing
 * table ends), a limit's last row is, and a window's first and last row are where an index of the event time finds them, so
 * that a day of a large table is not looked for in all of its chunks.
 */
import type { Key } from '../contracts/columns.ts';
import type { ReplayScope } from '../contracts/replay.ts';
import type { Source, SourceTable } from './ports/source.ts';

export interface KeyBounds {
  /** Exclusive; null: from the first key. */
  afterKey: Key | null;
  /** Inclusive; null: no row is in scope. */
  upperKey: Key | null;
  /** Rows in scope where that is known; else null. */
  rows: number | null;
}

/** Of a window with more of the table than this, the index saves nothing: it is read twice. */
const WINDOW_SHARE = 0.2;

/** @param estimatedRows of the table */
export async function findBounds(
  source: Source,
  table: SourceTable,
  scope: ReplayScope,
  estimatedRows: number,
): Promise<KeyBounds> {
  const whole = {
    afterKey: null,
    upperKey: await source.upperKey(table, scope.keys),
    rows: scope.keys?.length ?? null,
  };
  if (whole.upperKey === null) return whole;
  const bounds = await windowOf(source, table, scope, whole, estimatedRows);
  if (scope.limit === undefined || bounds.upperKey === null) return bounds;
  const range = { after: bounds.afterKey, upTo: bounds.upperKey, scope };
  const last = await source.keyAt(table, range, scope.limit - 1);
  return last === null ? bounds : { ...bounds, upperKey: last, rows: scope.limit };
}

async function windowOf(
  source: Source,
  table: SourceTable,
  { from, to }: ReplayScope,
  whole: KeyBounds,
  estimatedRows: number,
): Promise<KeyBounds> {
  // Chunks of event time are bounded by it already, but for where they begin.
  if (from === undefined && to === undefined) return whole;
  const window = { ...(from === undefined ? {} : { from }), ...(to === undefined ? {} : { to }) };
  const { index, rows } = await source.lookAtWindow(table, window);
  if (index === null || rows === null || rows > estimatedRows * WINDOW_SHARE) return whole;
  const found = await source.windowBounds(table, window);
  if (found === null) return { ...whole, upperKey: null };
  const before = { after: null, upTo: found.first, scope: {} };
  return { ...whole, afterKey: await source.keyAt(table, before, 1, 'last'), upperKey: found.last };
}
