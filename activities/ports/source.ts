/**
 * Port to the source table. Reads are key ranges through the key's index, each one short statement; an adapter holds no
 * transaction open between calls. Every error is a Fault.
 */
import type { Key, TableName, TableShape } from '../../contracts/columns.ts';
import type { ReplayScope } from '../../contracts/replay.ts';

/** A table with what is needed to read it by key ranges. */
export interface SourceTable {
  name: TableName;
  shape: TableShape;
  eventTime?: string;
  /** Columns that ranges are of, in this order; absent: the key. Rows in which one of them is NULL are in no range. */
  order?: readonly string[];
}

/** How a source would read a window. */
export interface WindowLook {
  /** The server's own guess of the rows in the scope; null where it makes none. */
  rows: number | null;
  /** An index that begins with the event time; null: every row is looked at. */
  index: string | null;
}

export interface CopyRange {
  /** Exclusive; null: from the first key. */
  after: Key | null;
  /** Inclusive. */
  upTo: Key;
  scope: ReplayScope;
  /** At most so many rows; absent: the whole range. */
  limit?: number;
}

export interface KeyRange {
  /** Exclusive; null: from the first key. */
  after: Key | null;
  /** Inclusive; null: to the last key. */
  upTo: Key | null;
  scope: ReplayScope;
}

/** COPY's text format (UTF-8, ISO dates, UTC), in key order, columns as in the shape. */
export interface CopyStream extends AsyncIterable<Buffer> {
  /** Ends the statement on the server early. Safe to call at any time. */
  cancel(): Promise<void>;
}

export interface Source {
  /**
   * Catalogue facts; every fault of the table in one Fault.
   * @param columns those to read, beside the key and the event time; absent: all
   * @throws Fault TableMissing, TableUnsuited
   */
  describe(
    name: TableName,
    key?: readonly string[],
    eventTime?: string,
    columns?: readonly string[],
  ): Promise<{ shape: TableShape; estimatedRows: number }>;
  /** The database's present snapshot, as text: `pg_current_snapshot()`. */
  snapshot(): Promise<string>;
  /** Checks that the scope's expressions can be evaluated. @throws Fault ConfigInvalid */
  checkScope(table: SourceTable, scope: ReplayScope): Promise<void>;
  /** The largest key, or the largest of these that are there; null where there is none. */
  upperKey(table: SourceTable, keys?: readonly Key[]): Promise<Key | null>;
  /**
   * The key `rows` keys after `after`, or `upper` if fewer are left; null when no key is left up to `upper`.
   * @param keys only these are counted
   */
  chunkEnd(table: SourceTable, after: Key | null, upper: Key, rows: number, keys?: readonly Key[]): Promise<Key | null>;
  /**
   * The key of the row that is `skip` rows from the first in range and scope, or from the last; null where there are not so
   * many. Without an index that helps, it looks at every row of the range.
   */
  keyAt(table: SourceTable, range: KeyRange, skip: number, from?: 'first' | 'last'): Promise<Key | null>;
  /** The first and the last key of a window, read through the index of its event time; null where it holds no row. */
  windowBounds(table: SourceTable, window: Pick<ReplayScope, 'from' | 'to'>): Promise<{ first: Key; last: Key } | null>;
  lookAtWindow(table: SourceTable, scope: ReplayScope): Promise<WindowLook>;
  /** @param scope which rows; absent: all */
  countNullEventTime(table: SourceTable, scope?: ReplayScope): Promise<number>;
  copy(table: SourceTable, range: CopyRange): Promise<CopyStream>;
  close(): Promise<void>;
}

/** Connects by the connection's name. @throws Fault ConnectionUnknown */
export type OpenSource = (connection: string) => Source;
