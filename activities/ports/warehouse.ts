/**
 * Port to the warehouse. What an adapter guarantees: rows and the ledger that says which offsets they came from change in
 * one transaction, and only from the place in the ledger where the loader believed it to be (compare and set). That takes
 * the place of locks and of owners: of two loaders with the same cuts one wins, and the other is told so.
 * Every error is a Fault; WarehouseUnavailable says nothing about the outcome: read the ledger again.
 */
import type { Key, TableName, TableShape } from '../../contracts/columns.ts';
import type { PartitionEnds } from '../../contracts/replay.ts';

export interface WarehouseTable {
  name: TableName;
  /** Columns that are loaded, and the key that a later record replaces an earlier one by; an empty key: each record is a row. */
  shape: TableShape;
  /** An existing table is given the columns that it lacks. Absent: it is refused. */
  addColumns?: boolean;
  /** Columns that the source has had and has no more. An existing table that still has one is refused: new rows would hold NULL there. */
  gone?: readonly string[];
}

/** An upsert table belongs to one pipeline and topic, or two streams would overwrite each other. */
export interface TableOwner {
  pipeline: string;
  topic: string;
}

/** What `ensureTable` would do; changes nothing. */
export interface TablePlan {
  exists: boolean;
  /** Statements that would be run: the table, the columns it lacks, the ledger. */
  ddl: readonly string[];
  /** What each column is made as, in the server's own words; none for a type that it cannot hold. */
  types: Readonly<Record<string, string>>;
  /** Why the table cannot be loaded into: each names what was found and the remedy. */
  faults: readonly string[];
}

/** Move of one partition's ledger row; `start` is compared, `end` is set. */
export interface LedgerStep {
  partition: number;
  start: number;
  end: number;
}

/** Rows copied to the warehouse's side, in the table's types, visible to nobody, holding no lock and no transaction. */
export interface StagedRows {
  readonly rows: number;
  /** More rows, of other keys. @param csvPath as stage takes it */
  add(csvPath: string, signal?: AbortSignal): Promise<void>;
  /**
   * One short transaction: ledger from `start` to `end` for every step, rows in where they differ. May be called once.
   * @returns rows written (inserted or changed)
   * @throws Fault LedgerMoved when a step's row is not at its start: nothing was changed, another loader was there
   * @throws Fault RowsRefused when the table's own constraints refuse a row
   */
  apply(topicId: string, steps: readonly LedgerStep[]): Promise<{ written: number }>;
  /**
   * As apply, and the rows whose keys are not staged go: the table holds what is staged, and nothing else. Readers see the old
   * rows until the commit, and wait for nothing. May be called once, in apply's place.
   * @returns rows written, and rows that went
   * @throws Fault LedgerMoved, RowsRefused (a row of another table refers to one that would go, for instance)
   */
  replace(topicId: string, steps: readonly LedgerStep[]): Promise<{ written: number; gone: number }>;
  /** Lets the staged rows go. Safe at any time, once or more. */
  release(): Promise<void>;
}

export interface RefusedRow {
  partition: number;
  offset: number;
  reason: string;
}

export interface Warehouse {
  /** How the CSV that `stage` reads says NULL: an unquoted field of this text. */
  readonly csvNull: string;
  planTable(table: WarehouseTable, owner: TableOwner): Promise<TablePlan>;
  /**
   * Creates schema, table and ledger where they are missing, columns where the table says so, and enters the owner. Safe to
   * repeat and to race.
   * A table that it creates starts with an empty ledger, whatever a table of that name had loaded before.
   * @returns statements that gave an existing table columns
   * @throws Fault TableUnsuited with every fault of an existing table, TableOwned
   */
  ensureTable(table: WarehouseTable, owner: TableOwner): Promise<readonly string[]>;
  /** Next offset a partition; empty where nothing was loaded. */
  ledger(name: TableName, topicId: string): Promise<ReadonlyMap<number, number>>;
  /** Enters partitions that the ledger does not know at these offsets; known ones keep their place. */
  startLedger(name: TableName, topicId: string, starts: PartitionEnds): Promise<void>;
  /**
   * @param csvPath as LakeFiles.exportForLoad writes it; at most one row a key, where there is a key
   * @throws Fault RowsRefused when a value does not fit its column
   */
  stage(table: WarehouseTable, csvPath: string, signal?: AbortSignal): Promise<StagedRows>;
  /**
   * Tries each row alone, and changes nothing: which of them would the table refuse, and why. Slow; for batches that were refused.
   * @param csvPath as exportForLoad writes it with the rows' places
   */
  judge(table: WarehouseTable, csvPath: string, signal?: AbortSignal): Promise<readonly RefusedRow[]>;
  /** Moves the ledger over offsets that hold no rows. @throws Fault LedgerMoved */
  advance(name: TableName, topicId: string, steps: readonly LedgerStep[]): Promise<void>;
  /**
   * Deletes rows, of these keys those that `stillGone` gives back. It is asked while no load of the table can come in.
   * @returns rows deleted
   */
  prune(
    table: WarehouseTable,
    topicId: string,
    keys: readonly Key[],
    stillGone: (keys: readonly Key[]) => Promise<readonly Key[]>,
  ): Promise<number>;
  close(): Promise<void>;
}

/** Connects by the connection's name. @throws Fault ConnectionUnknown */
export type OpenWarehouse = (connection: string) => Warehouse;
