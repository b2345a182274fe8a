/** What `status`, `plan` and a follower's progress show. */
import type { TableShape } from './columns.ts';
import type { LakeFormat } from './pipeline.ts';

export interface HopCounts {
  replayId: string;
  state: string;
  plannedAt: string;
  publishedAt: string | null;
  /** The catalogue's guess of the table's rows; of a window or filter nothing is known. */
  expected: number;
  replayed: number;
  landed: number;
  loaded: number;
}

export interface PipelineLook {
  pipeline: string;
  dataset: string;
  topic: string;
  replay: HopCounts;
  lake: {
    rows: number;
    cuts: number;
    objects: number;
    bytes: number;
    deadLetters: number;
    lost: number;
    oldestOpenCutSeconds: number;
  };
  /** Offsets between what is landed and the topic's end; null where Kafka does not answer. */
  landLag: number | null;
  load: { rows: number; cuts: number; seconds: number; lastAt: string | null };
  /** Offsets between what is loaded and what is landed; null where the warehouse does not answer. */
  loadLag: number | null;
  /** What did not answer, and why. */
  unreachable: readonly string[];
}

export interface PlanLook {
  pipeline: string;
  table: string;
  estimatedRows: number;
  /** About; bounds are found when a replay runs. */
  chunks: number;
  chunkRows: number;
  shape: TableShape;
  topic: { name: string; exists: boolean; partitions: number; topicId: string | null };
  lake: {
    dataset: string;
    format: LakeFormat;
    /** With what objects' names end. */
    extension: string;
    /** As the pipeline file says it. */
    partitionBy: readonly string[];
    records: number;
    bytes: number;
    ageMs: number;
  };
  warehouse: { table: string; exists: boolean; ddl: readonly string[] };
  /** All that stands in the way; empty: it can run. */
  faults: readonly string[];
}
