/** What `headrace recover` and `headrace lake orphans` find, and what they did. */

export interface OffsetRange {
  topicId: string;
  partition: number;
  /** Inclusive. */
  start: number;
  /** Exclusive. */
  end: number;
}

export interface RecoveredPartition {
  topicId: string;
  partition: number;
  /** What is landed begins here. */
  logStart: number;
  /** Landing goes on here. */
  next: number;
  objects: number;
  rows: number;
  /** The warehouse has loaded up to here; null: nothing. */
  ledger: number | null;
  /** Offsets behind `next` that the topic still holds. */
  toLand: number;
}

export interface RecoveredReplay {
  replayId: string;
  /** Records in what is still to be read from the topic. */
  records: number;
  schemaVersions: readonly string[];
  /** `asked`: its lanes' progress in Kafka proves it. `later`: will be asked when written. */
  proof: 'later' | 'asked' | 'trusted' | 'distrusted' | 'none';
}

/** A gap between objects that only the topic could explain. */
export interface RecoveredGap extends OffsetRange {
  /**
   * `empty`: nothing but markers and aborted rows. `read`: the topic still has records there, which are landed from it again
   * (dead letters, or rows of an object that is gone). `lost`: nobody can tell any more. `expired`: neither, but the warehouse
   * has loaded it, and lake.afterLoad lets loaded objects expire.
   */
  is: 'empty' | 'read' | 'lost' | 'expired';
  records: number;
}

export interface RecoveryReport {
  pipeline: string;
  dataset: string;
  topic: string;
  topicId: string | null;
  partitions: readonly RecoveredPartition[];
  gaps: readonly RecoveredGap[];
  replays: readonly RecoveredReplay[];
  schemaVersions: readonly { version: string; from: 'lake' | 'source' | null }[];
  /** Partitions that keys are hashed over. */
  hashPartitions: number;
  deadLetters: {
    /** That the lake's objects tell of. */
    known: number;
    /** Of those and of the gaps, read from the topic again. */
    found: number;
  };
  /** Objects with our names that overlap others: no cut will name them; `lake orphans` finds them. */
  setAside: readonly string[];
  /** Objects under the prefix that are not ours. */
  foreign: number;
  /** What this rebuild cannot have. */
  notes: readonly string[];
  /** What stands in the way; empty: it can be written. */
  faults: readonly string[];
  written: boolean;
}

export interface Orphan {
  name: string;
  bytes: number;
  /** ISO 8601. */
  modifiedAt: string;
  why: string;
}

export interface OrphansReport {
  pipeline: string;
  dataset: string;
  /** May be deleted: all their offsets are sealed in other objects, or without any. */
  orphans: readonly Orphan[];
  /** No cut names them, but they may be the only copy: left alone. */
  kept: readonly Orphan[];
  /** Not of our names' form: somebody else's, left alone. */
  foreign: readonly { name: string; bytes: number }[];
  /** Objects that cuts name. */
  named: number;
  deleted: number;
}
