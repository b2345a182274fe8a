/**
 * Port to the encoder of lake files (DuckDB). Works on local files; the object store is another port.
 * Exactness before all: a value that the typed column cannot hold goes to OVERFLOW_COLUMN; a record that does not fit the
 * columns at all is handed back as bad, never turned into NULL.
 */
import type { Column } from '../../contracts/columns.ts';
import type { EncoderSettings, FileForm } from '../../contracts/manifest.ts';

/** The lines of one cut, as formats/cut-buffer.ts collects them. */
export interface CutInput {
  lines: Buffer;
  records: number;
  /** Where each record's line begins: a value may look like lines of its own. */
  starts: Uint32Array;
  /** Where a line's lineage index points. */
  lineages: readonly { replay: string | null; chunk: number | null }[];
  partition: number;
  columns: readonly Column[];
  key: readonly string[];
  settings: EncoderSettings;
}

export interface BadRecord {
  offset: number;
  reason: string;
}

export interface EncodedCut {
  /** One, or one a partition by the folders' order; none when no record was good. */
  files: readonly EncodedFile[];
  /** Of all files. */
  rows: number;
  bytes: number;
  bad: readonly BadRecord[];
}

export interface EncodedFile {
  path: string;
  rows: number;
  bytes: number;
  /** Of the rows' partition (formats/partition-folder.ts), '' where `partitionBy` is not set. */
  folder: string;
}

export interface LakeFile {
  path: string;
  partition: number;
  /** Rows below this offset are left out. */
  fromOffset: number;
  /** Rows at or above are left out. */
  toOffset: number;
  /** Rows of other replays are left out. */
  replays?: readonly string[];
  /** Rows at these offsets are left out. */
  except?: readonly number[];
  /** The object's name, for errors. */
  object?: string;
  /** How this one was written; absent: as the call's format is by default. */
  form?: FileForm;
  /** The columns that it was written with, among them those of the call. */
  columns?: readonly Column[];
}

/** Sums over rows; `sum` is the sum of row hashes (formats/row-hash.ts). */
export interface HashSum {
  rows: number;
  sum: bigint;
}

export type ShownRow = Record<string, string | null>;

/** One row's identity for comparisons: the key as JSON text, and the row's hash. */
export interface KeyedHash {
  key: string;
  hash: bigint;
}

export interface ExportedRows {
  /** With `_partition` and `_offset` behind the columns. */
  places?: boolean;
  /** An unquoted field of this text is NULL, by default an empty one; the same text as a value is quoted. */
  csvNull?: string;
  /** Without the rows at these places. */
  except?: readonly { partition: number; offset: number }[];
}

/** Reading throws Fault ManifestConflict, which names the object, for a file that is not what it was written as. */
export interface LakeFiles {
  /** @param directory where the file is to be made; the caller deletes it */
  encode(input: CutInput, directory: string): Promise<EncodedCut>;
  /**
   * One file of all rows of the files, in their order, as `settings` says but for its folders. Read back, it has been compared
   * with what it was made of, values and lineage. Streams: memory is that of a row group.
   * @param directory where the file is to be made; the caller deletes it
   */
  merge(
    files: readonly LakeFile[],
    columns: readonly Column[],
    settings: EncoderSettings,
    directory: string,
  ): Promise<EncodedFile>;
  /**
   * Writes the last row a key of the files (all rows where the key is empty) to CSV, columns in order, each value as PostgreSQL
   * prints it, quoted where needed.
   * @returns rows written, and rows read before keeping the last a key
   */
  exportForLoad(
    files: readonly LakeFile[],
    columns: readonly Column[],
    key: readonly string[],
    format: EncoderSettings['format'],
    csvPath: string,
    rows?: ExportedRows,
  ): Promise<{ rows: number; read: number }>;
  /** Rows and checksum by replay and chunk. Map key: `${replay}/${chunk}`. */
  sumsByChunk(
    files: readonly LakeFile[],
    columns: readonly Column[],
    format: EncoderSettings['format'],
  ): Promise<Map<string, HashSum>>;
  /**
   * The last row a key, summed by bucket (key hash modulo `buckets`).
   * @param every all rows, in the last ones' place
   */
  sumsByBucket(
    files: readonly LakeFile[],
    columns: readonly Column[],
    key: readonly string[],
    format: EncoderSettings['format'],
    buckets: number,
    every?: boolean,
  ): Promise<Map<number, HashSum>>;
  /**
   * sumsByChunk of the files `landed` and the sum of sumsByBucket of the files `loaded`, in one reading. Files of one path
   * must begin at one offset; where they end at different ones, `landed` ends later. None has `except`.
   */
  sumsOfBoth(
    landed: readonly LakeFile[],
    loaded: readonly LakeFile[],
    columns: readonly Column[],
    key: readonly string[],
    format: EncoderSettings['format'],
  ): Promise<{ chunks: Map<string, HashSum>; last: HashSum }>;
  /**
   * The first rows of a file within its offsets, for people to look at.
   * @returns a text a column, as PostgreSQL prints it; null for NULL
   */
  firstRows(file: LakeFile, columns: readonly Column[], limit: number): Promise<ShownRow[]>;
  /** The last row a key in these buckets; with `every`, all rows. */
  rowsOfBuckets(
    files: readonly LakeFile[],
    columns: readonly Column[],
    key: readonly string[],
    format: EncoderSettings['format'],
    buckets: number,
    wanted: readonly number[],
    every?: boolean,
  ): Promise<KeyedHash[]>;
}
