/** A pipeline as workflows carry it: pure data, defaults filled in, connections by name only (secrets never travel). */
import type { TableName, TableShape } from './columns.ts';

/** What landing needs of a pipeline, and all that there is of a topic that somebody else writes. */
export interface LandingSpec {
  name: string;
  topic: { name: string; partitions: number };
  lake: {
    bucket: string;
    /** Without a slash at either end. */
    prefix: string;
    rotate: Rotate;
    /** What becomes of objects that the warehouse has loaded; absent: they are kept. */
    afterLoad?: AfterLoad;
  } & LakeLayout;
  /** The columns of a topic that no replay of ours writes; absent: records are landed of our replays only. */
  foreign?: { version: string; shape: TableShape };
  /** What becomes of bad records; absent: dead letters, however many. */
  onBad?: OnBad;
}

export interface PipelineSpec extends LandingSpec {
  source: {
    connection: string;
    table: TableName;
    /** Column for windows and pace. */
    eventTime?: string;
    /** Columns of the key to use; absent: the primary key. */
    key?: readonly string[];
    /** Columns to read, beside the key and the event time; absent: all. */
    columns?: readonly string[];
    /** Rows a chunk, about. */
    chunkRows: number;
    /** Lanes that run at a time. */
    lanes: number;
  };
  warehouse: {
    connection: string;
    table: TableName;
    mode: LoadMode;
    /** What becomes of a column that the source has and an existing table has not; absent: the load is refused. */
    schemaChange?: 'add';
  };
}

/**
 * `upsert`: a row a key, the last record's. `append`: a row a record. `replace`: the rows of the newest replay that is whole
 * in the lake, and no others.
 */
export const LOAD_MODES = ['upsert', 'append', 'replace'] as const;
export type LoadMode = (typeof LOAD_MODES)[number];

/** `fail`: the hop that meets a bad record stops before it. */
export interface OnBad {
  mode: 'deadLetter' | 'fail';
  /** Open dead letters of the dataset, at most; absent: no limit. */
  most?: number;
}

export const LAKE_FORMATS = ['parquet', 'csv', 'jsonl'] as const;
export type LakeFormat = (typeof LAKE_FORMATS)[number];
/** What each format may be compressed with; the first is the default. */
export const COMPRESSIONS = {
  parquet: ['zstd', 'snappy', 'none'],
  csv: ['none', 'gzip', 'zstd'],
  jsonl: ['none', 'gzip', 'zstd'],
} as const satisfies Record<LakeFormat, readonly string[]>;
export type Compression = (typeof COMPRESSIONS)[LakeFormat][number];

export const TIME_PARTS = ['year', 'month', 'day', 'hour'] as const;
/** A column whose values part the lake's rows, or a part of a time. */
export interface PartitionField {
  column: string;
  by?: (typeof TIME_PARTS)[number];
}

/** How rows become files. May be changed at any time: each cut keeps what it was written with. */
export interface LakeLayout {
  format: LakeFormat;
  compression?: Compression;
  /** CSV: what stands, without quotes, for NULL. Absent: an empty field. */
  nullMarker?: string;
  partitionBy?: readonly PartitionField[];
  /** IANA's name, of time fields in `partitionBy`. Absent: UTC. */
  timeZone?: string;
}

/** A cut closes at whichever comes first. */
export interface Rotate {
  records: number;
  bytes: number;
  ageMs: number;
}

/** Moved to `<moveTo>/<prefix>/` in the same bucket, or given up so long after they were landed. */
export type AfterLoad = { moveTo: string } | { expireAfterMs: number };

/** The prefix that loaded objects are moved to; the whole of the lake's is in it, so that two lakes never share one. */
export function movedPrefix({ prefix, afterLoad }: { prefix: string; afterLoad?: AfterLoad }): string | undefined {
  return afterLoad !== undefined && 'moveTo' in afterLoad ? `${afterLoad.moveTo}/${prefix}` : undefined;
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
