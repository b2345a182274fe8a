/** A replay: its scope, its chunks and the record of what each lane's transactions brought into the topic. */
import type { Key } from './columns.ts';

/** Which rows; all of them where a field is absent. */
export interface ReplayScope {
  /** Event time, inclusive, ISO 8601. */
  from?: string;
  /** Event time, exclusive, ISO 8601. */
  to?: string;
  /** A boolean SQL expression over the table's columns, in the source's dialect. */
  where?: string;
  /** The first so many rows in key order, as planned: the plan's upper bound is the last one's key. */
  limit?: number;
  /** These keys only: a re-drive of dead letters. Found when planned, and stored with the plan: never a workflow's payload. */
  keys?: readonly Key[];
}

/** What a pipeline file says of its replays, where a command says nothing. */
export interface ReplayDefaults {
  from?: string;
  to?: string;
  where?: string;
  limit?: number;
  /** Rows a second. */
  rate?: number;
  /** Bytes of values a second. */
  bytes?: number;
  /** Seconds of event time a second. */
  speed?: number;
}

/** Key range (after, upTo]; `after` null: from the first key. */
export interface Chunk {
  chunk: number;
  after: Key | null;
  upTo: Key;
}

/** What a committed transaction says of itself, in its group offset's metadata (at most 4,096 bytes). */
export interface LaneProgress {
  /** Nonce of the plan: a lane of an earlier replay of the same id is told by another one. */
  plan: string;
  chunk: number;
  /** Last key whose row is in; the chunk's `upTo` when the chunk is complete. */
  lastKey: Key;
  rows: number;
  /** Sum of the rows' hashes (formats/row-hash.ts), decimal digits. */
  checksum: string;
}

/** Exclusive end a partition. */
export type PartitionEnds = Readonly<Record<number, number>>;

/** Stands for the workflow of a replay that `headrace recover` found in the topic: what it published is not known any more. */
export const RECOVERED = 'headrace recover';

export function laneOf(chunk: number, modulus: number): number {
  return chunk % modulus;
}
