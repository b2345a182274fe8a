/** Port to the control database for what rebuilds its manifest, and for what compares it with a bucket. */
import type { TableShape } from '../../contracts/columns.ts';
import type { PipelineSpec } from '../../contracts/pipeline.ts';
import type { CutObject, EncoderSettings } from '../../contracts/manifest.ts';

export interface RebuiltCut {
  start: number;
  end: number;
  rows: number;
  bytes: number;
  objects: readonly CutObject[];
  inputSha256: string;
  encoder: EncoderSettings;
  schemaVersion: string | null;
  deadLetters: number;
  /** Its objects were given up; what they held is not known any more. */
  expired?: true;
  /** Epoch milliseconds: when the object was written. */
  at: number;
}

export interface RebuiltPartition {
  topicId: string;
  partition: number;
  logStart: number;
  next: number;
  /** By start, joined without a hole but the lost ones. */
  cuts: readonly RebuiltCut[];
  lost: readonly { start: number; end: number; why: string }[];
}

export interface RebuiltReplay {
  replayId: string;
  nonce: string;
  schemaVersion: string;
  shape: TableShape;
}

export interface RebuiltManifest {
  dataset: string;
  spec: PipelineSpec;
  /** The topic as it is now; null: it is gone. */
  topicId: string | null;
  hashPartitions: number;
  /** Topic by topic, the one that was landed first first. */
  partitions: readonly RebuiltPartition[];
  /** The oldest first. */
  schemas: readonly { version: string; shape: TableShape }[];
  replays: readonly RebuiltReplay[];
}

export interface RecoveryStore {
  /** Whether the control database has partitions of the dataset; false where it has no tables yet. */
  knows(dataset: string): Promise<boolean>;
  /**
   * All of it, or nothing, in one transaction.
   * @throws Fault ManifestConflict where the dataset has become known, or its owner is another pipeline
   */
  rebuild(manifest: RebuiltManifest): Promise<void>;
  /** Names of the dataset's cuts, and how far each partition is sealed. */
  named(dataset: string): Promise<NamedObjects>;
}

/** What the cut that names an object, or the one of several that is read soonest, says of it. */
export interface NamedObject {
  /** `named`: it is read, or may be: of a sealed or an open cut. */
  is: 'named' | 'replacing' | 'replaced' | 'expired' | 'void';
  /** Since it is so. */
  ageMs: number;
  /** `<topic id>/<partition>`, and offsets [start, end). */
  place: string;
  start: number;
  end: number;
}

export interface NamedObjects {
  names: ReadonlyMap<string, NamedObject>;
  /** By `<topic id>/<partition>`. */
  partitions: ReadonlyMap<string, { logStart: number; next: number; lost: readonly { start: number; end: number }[] }>;
}
