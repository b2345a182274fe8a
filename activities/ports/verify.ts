/**
 * Ports of verify: tables read as hashes, and what the control database says was published. Reads only, everywhere.
 * Row and key hashes are those of formats/row-hash.ts, whoever computes them; a bucket is the key's hash modulo `buckets`.
 */
import type { Key, TableName, TableShape } from '../../contracts/columns.ts';
import type { Chunk, PartitionEnds, ReplayScope } from '../../contracts/replay.ts';
import type { HashSum, KeyedHash } from './lake-files.ts';
import type { SkippedChunk } from '../../contracts/temporal.ts';
import type { PlannedReplay } from './replays.ts';
import type { SourceTable } from './source.ts';

/** Rows of the source with a key in (after, upTo] that are in the scope. */
export interface ScanRange extends Chunk {
  scope: ReplayScope;
}

/** Which buckets of how many. */
export interface Wanted {
  buckets: number;
  numbers: readonly number[];
}

export interface SourceRow extends KeyedHash {
  /** Proof that the row was written after `snapshot` was taken. False where there is none: not proof of the contrary. */
  changedSince: boolean;
  /** The row's chunk was skipped: nobody was to publish it. */
  skipped?: boolean;
}

export interface SourceFinding {
  /** A row with the key is there (in the scope or not)… */
  exists: boolean;
  /** …and was written after the snapshot, provably. */
  changedSince: boolean;
  /** It exists, above the replay's upper key in the source's own order: the replay did not reach for it. */
  beyond: boolean;
}

/** A source's rows by its server's own hash, a sixth of the canonical one's cost. */
export interface OwnSourceHash {
  /** What it hangs on: rows are equal on two servers that say the same if and only if it is (but one in 2^64). */
  name: string;
  /** @param snapshot as Source.snapshot gave it */
  sum(range: ScanRange, snapshot: string): Promise<OwnSourceSum>;
  /**
   * Proof that the table that was summed is, in name, columns and parts, the one that was there when `snapshot` was taken.
   * May be asked after the sums only. False: no proof of the contrary.
   */
  stands(snapshot: string): Promise<boolean>;
}

export interface OwnSourceSum extends HashSum {
  /** Proof that all of the rows were there, as they are, when `snapshot` was taken. False: no proof of the contrary. */
  unchanged: boolean;
}

/** The source: every call is one short statement over one key range. */
export interface SourceHashes {
  /** Null where the server has no hash of its own, or none that another server would share. */
  ownHash(table: SourceTable): Promise<OwnSourceHash | null>;
  sumRange(table: SourceTable, range: ScanRange, buckets: number): Promise<Map<number, HashSum>>;
  /** @param snapshot as Source.snapshot gave it */
  rowsOfRange(table: SourceTable, range: ScanRange, wanted: Wanted, snapshot: string): Promise<SourceRow[]>;
  /** Looks keys up without the scope. @returns one finding a key, in order */
  find(table: SourceTable, keys: readonly Key[], upper: Key | null, snapshot: string): Promise<SourceFinding[]>;
  close(): Promise<void>;
}

/** `hash` is over the source's columns. */
export interface WarehouseRow extends KeyedHash {
  /** Over the columns that the lake is compared by. */
  lakeHash: bigint;
  values: Key;
  inScope: boolean;
  /** Above the replay's upper key; false where the key's order may be another on each server. */
  beyond: boolean;
}

/** Both sums come from one scan. */
export interface WarehouseSums {
  /** By the lake's columns. */
  all: Map<number, HashSum>;
  /** By the source's: rows in the replay's scope that are not beyond its upper key. */
  inScope: Map<number, HashSum>;
}

/** One moment of the warehouse's table and of its ledger; close it soon, it holds a snapshot. */
export interface WarehouseView {
  /** Next offset a partition of the topic. */
  ledger: ReadonlyMap<number, number>;
  /** The table may hold rows that no record of this topic explains: it had rows when first owned, or loaded another topic id. */
  otherRows: boolean;
  /** As SourceHashes.ownHash, over the source's columns. `others`: rows that are not among WarehouseSums.inScope. */
  own: { name: string; sum(): Promise<HashSum & { others: number }> } | null;
  sums(buckets: number): Promise<WarehouseSums>;
  rows(wanted: Wanted): Promise<WarehouseRow[]>;
  /** Keys in the scope and beyond the upper key, in order, those above `after`; more than one row may have a key. */
  beyond(after: Key | null, limit: number): Promise<{ key: string; values: Key; copies: number }[]>;
  close(): Promise<void>;
}

export interface ViewRequest {
  name: TableName;
  /** The source's, whose columns and key are compared. */
  table: SourceTable;
  /** Columns that lake and warehouse are compared by: the table's, or fewer of them. */
  lakeShape: TableShape;
  topicId: string;
  scope: ReplayScope;
  upper: Key | null;
}

export interface WarehouseHashes {
  /** Null where the table does not exist. */
  view(request: ViewRequest): Promise<WarehouseView | null>;
  close(): Promise<void>;
}

/** Connects by the connection's name. @throws Fault ConnectionUnknown */
export type OpenSourceHashes = (connection: string) => SourceHashes;
export type OpenWarehouseHashes = (connection: string) => WarehouseHashes;

export interface PublishedReplay extends Pick<
  PlannedReplay,
  | 'replayId'
  | 'pipeline'
  | 'spec'
  | 'scope'
  | 'shape'
  | 'schemaVersion'
  | 'topicId'
  | 'upperKey'
  | 'order'
  | 'sourceSnapshot'
> {
  ends: PartitionEnds;
  /** Epoch milliseconds, the control database's clock. */
  plannedAt: number;
  publishedAt: number;
}

/** Dead letters of a chunk, by the record's headers. */
export interface ChunkDeadLetters {
  /** Those that are not in the lake: refused by landing. */
  rows: number;
  open: number;
}

export interface DiscardedLetter {
  /** As JSON; null where the record had none. */
  key: string | null;
  why: string;
  /** The replay in question published it. */
  ours: boolean;
}

/** What re-drives made good of a replay's dead letters. */
export interface Redriven {
  /** Re-drives of letters of this replay, and of the letters that those left of the same keys. */
  replays: readonly string[];
  /** Keys of those letters, as JSON. */
  keys: ReadonlySet<string>;
  /**
   * Offsets by partition, of any replay: records that a load refused and a re-drive has read anew. They are in the lake, and
   * not in the table.
   */
  refused: ReadonlyMap<number, readonly number[]>;
}

export interface VerifyStore {
  /**
   * @param replayId absent: the pipeline's replay that was published last
   * @throws Fault ReplayUnknown when there is none, or it is not published yet
   */
  published(pipeline: string, replayId?: string): Promise<PublishedReplay>;
  /** Rows and checksum that went into the topic, by chunk. */
  publishedSums(replayId: string): Promise<Map<number, HashSum>>;
  deadLetters(dataset: string, topicId: string, replayId: string): Promise<Map<number, ChunkDeadLetters>>;
  /**
   * Open dead letters below the ends, found since then, whose replay is unknown: their headers are damaged or forged, so
   * that nobody can tell whose they are.
   * @param since epoch milliseconds, the control database's clock
   */
  strayDeadLetters(dataset: string, topicId: string, ends: PartitionEnds, since: number): Promise<number>;
  redriven(dataset: string, topicId: string, replayId: string): Promise<Redriven>;
  /** The dataset's discarded letters. */
  discards(dataset: string, replayId: string): Promise<readonly DiscardedLetter[]>;
  /** Chunks that somebody said are not to be published. */
  skippedChunks(replayId: string): Promise<number>;
  /** Bounds by chunk number, from `from` on. */
  chunks(replayId: string, from: number, limit: number): Promise<(Chunk & { skipped: boolean })[]>;
  /** Chunks that somebody skipped, in order. */
  skips(replayId: string): Promise<SkippedChunk[]>;
  /** Seconds spent in loads of the pipeline since then. */
  loadSeconds(pipeline: string, since: number): Promise<number>;
}
