/** The manifest: what the lake holds is what its sealed cuts say, and nothing else. */

export type CutReason = 'records' | 'bytes' | 'age' | 'memory' | 'end' | 'schema' | 'empty' | 'recovered';
export type CutState = 'open' | 'sealed' | 'void';

export interface CutObject {
  /** Key in the bucket. */
  name: string;
  rows: number;
}

/** All that decides an object's bytes, recorded with the intent, so that whoever finishes a cut encodes the same. */
export interface EncoderSettings {
  format: 'parquet' | 'csv';
  /** Version of the encoding code. */
  version: number;
  compression: 'zstd' | 'gzip' | 'none';
  rowGroupRows: number;
}

export interface Cut {
  partition: number;
  /** Inclusive. */
  start: number;
  /** Exclusive. */
  end: number;
  state: CutState;
  reason: CutReason;
  /** Rows landed (dead letters not counted). */
  rows: number;
  objects: readonly CutObject[];
  /** Hex SHA-256 of the cut's input bytes. */
  inputSha256: string;
  schemaVersion: string | null;
  encoder: EncoderSettings;
}

/** Object key: dataset prefix, topic id, partition and range; nothing random, so that two writers collide. */
export function objectName(
  prefix: string,
  topicId: string,
  partition: number,
  start: number,
  end: number,
  format: string,
): string {
  const pad = (offset: number) => String(offset).padStart(19, '0');
  return `${prefix}/topic=${topicId}/partition=${partition}/${pad(start)}-${pad(end)}.${format}`;
}

/** What an object's name says. */
export interface NamedRange {
  topicId: string;
  partition: number;
  /** Inclusive. */
  start: number;
  /** Exclusive. */
  end: number;
  format: EncoderSettings['format'];
}

/** Null where `objectName` makes no such name under the prefix: somebody else's object. */
export function parseObjectName(prefix: string, name: string): NamedRange | null {
  if (!name.startsWith(`${prefix}/`)) return null;
  const form = /^topic=([A-Za-z0-9_-]+)\/partition=(\d+)\/(\d{19})-(\d{19})\.(parquet|csv)$/;
  const parts = form.exec(name.slice(prefix.length + 1));
  if (!parts) return null;
  const [, topicId = '', partition, from, to, format] = parts;
  const [start, end] = [Number(from), Number(to)];
  const range = { topicId, partition: Number(partition), start, end, format: format as NamedRange['format'] };
  // 007 is no partition of ours, and an offset beyond 2^53 is none of Kafka's in our time.
  const ours =
    Number.isSafeInteger(end) && objectName(prefix, topicId, range.partition, start, end, range.format) === name;
  return ours && end > start ? range : null;
}

/** Under the prefix, what is Headrace's own and not data: the probe, and the schema versions. Readers skip names with `_`. */
export const OWN_FOLDER = '_headrace';

/** Where the columns of a schema version are kept in the lake, so that the lake can be read without the control database. */
export function schemaName(prefix: string, version: string): string {
  return `${prefix}/${OWN_FOLDER}/schema/${version}.json`;
}
