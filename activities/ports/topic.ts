/**
 * Port to the log (Kafka). An adapter guarantees: records of an aborted transaction are never handed out, positions move
 * over transaction markers, and a commit that resolves has every record that was sent. Every error is a Fault.
 */
import type { PartitionEnds } from '../../contracts/replay.ts';
import type { BatchRecord } from '../../formats/record-batch-in.ts';

export interface TopicFacts {
  topicId: string;
  partitions: number;
}

export interface TopicSettings {
  cleanupPolicy: string;
  /** -1: unlimited. */
  retentionMs: number;
  retentionBytes: number;
}

export interface TopicAdmin {
  /** Null where there is no such topic. */
  describe(topic: string): Promise<TopicFacts | null>;
  /** Names of all topics that this user may see, without Kafka's own, sorted. */
  list(): Promise<string[]>;
  settings(topic: string): Promise<TopicSettings>;
  /** Creates it if it is missing; resolves once its leaders can be asked. */
  ensure(topic: string, partitions: number): Promise<TopicFacts>;
  /** High watermarks (`read_uncommitted`): exclusive ends. */
  highWatermarks(topic: string, partitions: number): Promise<PartitionEnds>;
  /** First offsets still in the log. */
  logStarts(topic: string, partitions: number): Promise<PartitionEnds>;
  close(): Promise<void>;
}

/** What a lane's progress group says; seq 0 where it says nothing. */
export interface LaneCommitted {
  seq: number;
  metadata: string;
}

/**
 * One lane's transactional producer. `openLane` fences every older producer of the lane and ends its open transaction
 * before it resolves (KIP-98 InitProducerId), so `committed()` read afterwards is final for them.
 */
export interface LaneWriter {
  committed(): Promise<LaneCommitted>;
  begin(): Promise<void>;
  /** Queues one record; false when the queue is full: call `drain` and offer it again. Buffers are copied before it returns. */
  send(partition: number, key: Buffer, value: Buffer, chunk: number): boolean;
  /** The same for a record with any key, value and headers. */
  sendRecord(
    partition: number,
    key: Buffer | null,
    value: Buffer | null,
    headers: readonly (readonly [string, Buffer])[],
  ): boolean;
  /** Resolves when there is room in the queue again. */
  drain(): Promise<void>;
  /**
   * Adds the progress and commits. Resolves only if all is in; throws Fault `Fenced` or `KafkaUnavailable` where the
   * outcome is not known to be in (drop this writer, open another, ask `committed`).
   */
  commit(seq: number, metadata: string): Promise<void>;
  abort(): Promise<void>;
  close(): Promise<void>;
}

export interface LaneRequest {
  topic: string;
  laneId: string;
  replayId: string;
  schemaVersion: string;
  /**
   * Epoch milliseconds now, from which the records' timestamps go on. Absent: by this machine's clock, and where that is an hour
   * ahead of the broker's, it refuses the records (message.timestamp.after.max.ms).
   */
  now?: number;
}

export type OpenLane = (request: LaneRequest) => Promise<LaneWriter>;

/**
 * A record as read: places in bytes, so that nobody makes a Buffer of what is only copied on. Key and headers are looked up
 * where they are wanted (formats/record-batch-in.ts, `recordDetails`).
 */
export type LogRecord = BatchRecord;

/** Reads given partitions from given offsets, committed records only; `auto.offset.reset=error`. */
export interface TopicReader {
  /**
   * @returns records in offset order a partition, as soon as there are any; empty after `timeoutMs` without
   * @throws Fault OffsetsExpired when a position is no longer in the log
   */
  read(maxRecords: number, timeoutMs: number): Promise<readonly LogRecord[]>;
  /** Next offset to be read a partition: moves over markers and aborted records. */
  positions(): ReadonlyMap<number, number>;
  /** Stops and starts fetching of partitions, for back-pressure. */
  pause(partitions: readonly number[]): void;
  resume(partitions: readonly number[]): void;
  /** Goes on reading a partition at another offset. */
  seek(partition: number, offset: number): Promise<void>;
  /** Commits group offsets, so that ordinary tools show the lag; of no other meaning. */
  commitLag(offsets: ReadonlyMap<number, number>): Promise<void>;
  close(): Promise<void>;
}

export interface ReaderRequest {
  topic: string;
  group: string;
  /** partition → first offset to read */
  from: ReadonlyMap<number, number>;
}
export type OpenReader = (request: ReaderRequest) => Promise<TopicReader>;
