/** The manifest: what the lake holds is what its sealed cuts say, and nothing else. */

export type CutReason = 'records' | 'bytes' | 'age' | 'memory' | 'end' | 'schema' | 'empty';
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
