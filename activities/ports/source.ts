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

/** COPY's text format (UTF-8, ISO dates, UTC), in key order, columns as in the shape. */
export interface CopyStream extends AsyncIterable<Buffer> {
  /** Ends the statement on the server early. Safe to call at any time. */
  cancel(): Promise<void>;
}

export interface Source {
  /**
   * Catalogue facts; every fault of the table in one Fault.
   * @throws Fault TableMissing, TableUnsuited
   */
  describe(
    name: TableName,
    key?: readonly string[],
    eventTime?: string,
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
  countNullEventTime(table: SourceTable): Promise<number>;
  copy(table: SourceTable, range: CopyRange): Promise<CopyStream>;
  close(): Promise<void>;
}

/** Connects by the connection's name. @throws Fault ConnectionUnknown */
export type OpenSource = (connection: string) => Source;
