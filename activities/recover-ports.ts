/** What rebuilding a manifest needs of the world, and what it works on between finding and writing. */
import type { TableShape } from '../contracts/columns.ts';
import type { PipelineSpec } from '../contracts/pipeline.ts';
import type { RecoveryReport } from '../contracts/recovery.ts';
import type { FoundMetadata } from '../formats/object-facts.ts';
import type { Range } from '../formats/object-chain.ts';
import type { CutObject, NamedRange } from '../contracts/manifest.ts';
import type { LakeFiles } from './ports/lake-files.ts';
import type { Manifest } from './ports/manifest.ts';
import type { ListedObject, ObjectStore } from './ports/object-store.ts';
import type { RecoveryStore } from './ports/recovery.ts';
import type { OpenSource } from './ports/source.ts';
import type { OpenLane, OpenReader, TopicAdmin } from './ports/topic.ts';
import type { OpenWarehouse } from './ports/warehouse.ts';

export interface RecoverPorts {
  store: ObjectStore;
  topicAdmin: TopicAdmin;
  openReader: OpenReader;
  openLane: OpenLane;
  openSource: OpenSource;
  openWarehouse: OpenWarehouse;
  lakeFiles: LakeFiles;
  recovery: RecoveryStore;
  manifest: Pick<Manifest, 'addDeadLetters'>;
  /** Brings the control database to this version's tables. */
  migrate: () => Promise<void>;
  /** Folder for temporary files. */
  scratch: string;
}

export interface RecoverRequest {
  spec: PipelineSpec;
  /** Replays that the user vouches for, where Kafka's word is gone. */
  trusted: readonly string[];
  /** Replays whose records are to become dead letters. */
  distrusted: readonly string[];
  /** Objects that do not say their schema version have the source's present columns. */
  assumePresentSchema: boolean;
}

/** A cut's objects in the bucket; name and metadata are those of the first, rows and bytes of all. */
export interface FoundObject extends NamedRange, FoundMetadata, ListedObject {
  parts: readonly CutObject[];
}

export interface GapPlan extends Range {
  is: 'empty' | 'read' | 'lost' | 'expired';
  proven: boolean;
  /** Records that the topic has there. */
  records: number;
  /** Known from metadata. */
  deadLetters: number;
}

export interface PartitionPlan {
  topicId: string;
  partition: number;
  logStart: number;
  next: number;
  ledger: number | null;
  chain: readonly FoundObject[];
  gaps: GapPlan[];
  /** What the topic still has; null: nothing can be read of it. */
  log: Range | null;
}

/** A replay as its records' headers name it. */
export interface SeenReplay {
  records: number;
  schemaVersions: Set<string>;
  lanes: Set<number>;
}

export interface Findings {
  request: RecoverRequest;
  dataset: string;
  topicId: string | null;
  partitions: readonly PartitionPlan[];
  replays: ReadonlyMap<string, SeenReplay>;
  /** The oldest first. */
  schemas: readonly { version: string; shape: TableShape }[];
  hashPartitions: number;
  report: RecoveryReport;
}
