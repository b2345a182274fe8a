/** What of a window or of a pace by event time makes the source work harder than it needs to. Pure. */
import type { ReplayScope } from '../contracts/replay.ts';
import type { SourceTable, WindowLook } from './ports/source.ts';

export function windowWarnings(
  { eventTime = '' }: SourceTable,
  { from, to, limit, where }: ReplayScope,
  speed: number | undefined,
  { index, shown: table }: WindowLook & { shown: string },
): string[] {
  const remedy = `an index that begins with ${eventTime} mends it: CREATE INDEX ON ${table} (${eventTime})`;
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
