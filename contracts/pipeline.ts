/** A pipeline as workflows carry it: pure data, defaults filled in, connections by name only (secrets never travel). */
import type { TableName } from './columns.ts';

export interface PipelineSpec {
  name: string;
  source: {
    connection: string;
    table: TableName;
    /** Column for windows and pace. */
    eventTime?: string;
    /** Columns of the key to use; absent: the primary key. */
    key?: readonly string[];
    /** Rows a chunk, about. */
    chunkRows: number;
    /** Lanes that run at a time. */
    lanes: number;
  };
  topic: { name: string; partitions: number };
  lake: {
    bucket: string;
    /** Without a slash at either end. */
    prefix: string;
    format: LakeFormat;
    rotate: Rotate;
  };
  warehouse: { connection: string; table: TableName; mode: 'upsert' };
  /** What becomes of bad records; absent: dead letters, however many. */
  onBad?: OnBad;
}

/** `fail`: the hop that meets a bad record stops before it. */
export interface OnBad {
  mode: 'deadLetter' | 'fail';
  /** Open dead letters of the dataset, at most; absent: no limit. */
  most?: number;
}

export type LakeFormat = 'parquet' | 'csv';

/** A cut closes at whichever comes first. */
export interface Rotate {
  records: number;
  bytes: number;
  ageMs: number;
}

export const PIPELINE_DEFAULTS = {
  chunkRows: 50_000,
  lanes: 4,
  partitions: 6,
  format: 'parquet',
  rotate: { records: 100_000, bytes: 64 * 1024 * 1024, ageMs: 60_000 },
} as const;

/** The lake prefix that one land workflow owns, bucket first, e.g. `lake/raw/product_sales`. */
export function datasetOf(lake: { bucket: string; prefix: string }): string {
  return `${lake.bucket}/${lake.prefix}`;
}
