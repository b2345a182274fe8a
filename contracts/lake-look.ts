/** What `headrace lake ls` and `headrace lake show` tell, by the manifest. */
import type { LakeFormat } from './pipeline.ts';

export interface LakeObjectLook {
  topic: string;
  topicId: string;
  partition: number;
  /** Of partitionBy, with a slash at its end; '' where there is none. */
  folder: string;
  name: string;
  rows: number;
  /** Of an object of before several objects a cut, its cut's. */
  bytes: number;
  format: LakeFormat;
  schemaVersion: string | null;
  /** Offsets [start, end) of its cut. */
  start: number;
  end: number;
  /** ISO 8601. */
  sealedAt: string;
}

export interface LakePartitionLook extends Pick<LakeObjectLook, 'topic' | 'topicId' | 'partition' | 'folder'> {
  objects: number;
  rows: number;
  bytes: number;
  start: number;
  end: number;
}

export interface LakeLook {
  pipeline: string;
  dataset: string;
  rows: number;
  bytes: number;
  /** Rows that were loaded and have expired since (lake.afterLoad); no object has them. */
  expiredRows: number;
  partitions: readonly LakePartitionLook[];
  objects: readonly LakeObjectLook[];
}

export interface LakeRowsLook {
  pipeline: string;
  dataset: string;
  reader: 'duckdb' | 'parquetjs';
  /** Read from, in order. */
  objects: readonly string[];
  /** A text a column, null for NULL. */
  rows: readonly Readonly<Record<string, string | null>>[];
}
