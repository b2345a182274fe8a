/**
 * Port to what the control database knows that loading and verifying need: the manifest's sealed cuts and losses, schema
 * versions. Read only, save for the note of a batch, which is for people. Only what is sealed is ever handed out.
 */
import type { TableShape } from '../../contracts/columns.ts';
import type { CutObject, FileForm } from '../../contracts/manifest.ts';
import type { LoadGoal } from '../../contracts/temporal.ts';
import type { LedgerStep } from './warehouse.ts';

export interface ManifestTopic {
  /** Its name. */
  topic: string;
  topicId: string;
  partitions: readonly { partition: number; logStart: number; next: number }[];
}

export interface SealedCut {
  partition: number;
  /** Inclusive. */
  start: number;
  /** Exclusive. */
  end: number;
  rows: number;
  bytes: number;
  /** None of a cut that has expired. */
  objects: readonly CutObject[];
  /** Its rows were loaded, and their objects were given up (lake.afterLoad). */
  expired: boolean;
  /** Null for a cut without rows. */
  schemaVersion: string | null;
  form: FileForm;
  /** Epoch milliseconds, the control database's clock. */
  openedAt: number;
  sealedAt: number;
}

/** Offsets that could not be landed. */
export interface LostRange {
  partition: number;
  start: number;
  end: number;
  accepted: boolean;
  foundAt: number;
}

export interface LoadBatchNote {
  pipeline: string;
  workflowId: string;
  cuts: number;
  rows: number;
  seconds: number;
  /** Where it brought the ledger. */
  topicId: string;
  steps: readonly LedgerStep[];
}

export interface LoadStore {
  /** The dataset's topics by id, the one that was claimed first first: a topic made anew comes after the one it replaced. */
  topics(dataset: string): Promise<readonly ManifestTopic[]>;
  /**
   * Sealed and expired cuts that end above `from`, by partition and start.
   * @param from partition → offset; partitions that are not named are left out
   * @param limit cuts a partition, at most
   */
  sealedCuts(
    dataset: string,
    topicId: string,
    from: ReadonlyMap<number, number>,
    limit: number,
  ): Promise<readonly SealedCut[]>;
  /** Read after the cuts it is compared with: a range is marked before the cut behind it is sealed. */
  lostRanges(dataset: string, topicId: string): Promise<readonly LostRange[]>;
  /** @throws Fault ManifestConflict when the version is not known */
  schema(dataset: string, version: string): Promise<TableShape>;
  /** Schema versions of the topic's sealed cuts. */
  sealedSchemas(dataset: string, topicId: string): Promise<readonly string[]>;
  /** The version first seen last; null while no replay was planned. */
  newestSchema(dataset: string): Promise<TableShape | null>;
  /** Where a replay ends; null while it has not published all of its rows. */
  replayGoal(replayId: string): Promise<LoadGoal | null>;
  noteBatch(note: LoadBatchNote): Promise<void>;
}
