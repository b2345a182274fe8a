/** What of a window or of a pace by event time makes the source work harder than it needs to. Pure. */
import type { ReplayScope } from '../contracts/replay.ts';
import type { SourceTable, WindowLook } from './ports/source.ts';

/** In the source's own SQL. */
export interface TableWords {
  table: string;
  /** Makes an index of the event time. */
  indexSql: string;
}

export function windowWarnings(
  { eventTime = '' }: SourceTable,
  { from, to, limit, where }: ReplayScope,
  speed: number | undefined,
  { index }: WindowLook,
  { table, indexSql }: TableWords,
): string[] {
  const remedy = `an index that begins with ${eventTime} mends it: ${indexSql}`;
  const found: string[] = [];
  if (index === null && (from !== undefined || to !== undefined))
    found.push(
      `no index of ${table} begins with ${eventTime}: all of its rows are read to find the window's; ${remedy}`,
    );
  if (index === null && speed !== undefined)
    found.push(
      `no index of ${table} begins with ${eventTime}: each chunk of a replay with a speed sorts the table; ${remedy}`,
    );
  if (limit !== undefined && where !== undefined)
    found.push('the limit is found by reading rows in the order of the key until the filter has let so many through');
  return found;
}
