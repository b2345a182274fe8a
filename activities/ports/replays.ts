/**
 * Port to the control database's record of replays: plan, chunk bounds, lane transactions, ends. Statements are
 * idempotent: an answer lost and asked again gives the same state. Every error is a Fault.
 */
import type { Key, TableShape } from '../../contracts/columns.ts';
import type { PipelineSpec } from '../../contracts/pipeline.ts';
import type { Chunk, LaneProgress, PartitionEnds, ReplayScope } from '../../contracts/replay.ts';

export type ReplayState = 'planned' | 'publishing' | 'published' | 'abandoned';

export interface PlannedReplay {
  replayId: string;
  /** Of this very plan; stands in each transaction's progress. */
  nonce: string;
  pipeline: string;
  workflowId: string;
  spec: PipelineSpec;
  scope: ReplayScope;
  shape: TableShape;
  schemaVersion: string;
  topicId: string;
  /** Partitions that the key's hash is spread over. */
  partitions: number;
  laneModulus: number;
  /** Columns that chunks are ranges of; null: the key. */
  order: readonly string[] | null;
  /** The first chunk begins behind it; null: at the first key. */
  afterKey: Key | null;
  /** The last row's to be read; null: there is none. */
  upperKey: Key | null;
  nullEventRows: number;
  /** The catalogue's guess, for people who wait. */
  estimatedRows: number;
  sourceSnapshot: string;
}

/** What belongs to one pipeline: a topic by its id, a lake dataset by its name. */
export type Owned = 'topic' | 'dataset';

export interface LaneTransaction {
  seq: number;
  chunk: number;
  fromKey: Key | null;
  state: 'begun' | 'done';
  /** Since it was begun, by the database's clock. */
  ageMs: number;
  lastKey: Key | null;
  chunkDone: boolean;
}

/** What a replay may send. */
export interface PaceLimits {
  rowsPerSecond: number | null;
  bytesPerSecond: number | null;
  paused: boolean;
  /** Seconds of event time a second; null or absent: not paced by event time. */
  speed?: number | null;
}
export interface ReplayPace extends PaceLimits {
  /** The event time that is due now, epoch milliseconds; null: the clock has not begun. It stands while paused. */
  clockMs: number | null;
  /** Until what was sent so far is due. */
  owedMs: number;
}

export interface Replays {
  /** Stores the plan if there is none of that id yet, and returns what is stored. */
  plan(replay: PlannedReplay): Promise<PlannedReplay>;
  /** Null where there is none of that id. */
  find(replayId: string): Promise<PlannedReplay | null>;
  /** @throws Fault ReplayUnknown */
  get(replayId: string): Promise<PlannedReplay & { state: ReplayState }>;
  /** Null: nobody owns it. */
  ownerOf(what: Owned, name: string): Promise<string | null>;
  /** Enters the pipeline where nobody is, and returns who owns it then. */
  own(what: Owned, name: string, pipeline: string): Promise<string>;
  /**
   * Enters a dataset's partitions of a topic at these offsets where they are not known yet: what expires from then on,
   * before anything was landed, is missed.
   */
  startManifest(dataset: string, topic: string, topicId: string, starts: PartitionEnds): Promise<void>;
  /** The partition count to hash over, fixed at the pipeline's first use of the topic. */
  hashPartitions(pipeline: string, topicId: string, partitions: number): Promise<number>;
  /** Of all pipelines' replays into it; null where there was none. */
  newestSchema(dataset: string): Promise<TableShape | null>;
  saveSchema(dataset: string, version: string, shape: TableShape): Promise<void>;

  /**
   * Takes the pipeline's one publishing place.
   * @returns null when taken (now or before), else who has it
   */
  startPublishing(replayId: string): Promise<null | { replayId: string; workflowId: string }>;
  /** From here on the replay's lanes can begin nothing. @returns lanes whose outcome is not known yet */
  abandon(replayId: string): Promise<number[]>;
  /** A publishing replay is a planned one again: its lanes can begin nothing. @returns lanes whose outcome is not known yet */
  withdraw(replayId: string): Promise<number[]>;
  /** Stores the ends (the first that are given) and gives the publishing place up. */
  finishPublishing(replayId: string, ends: PartitionEnds): Promise<PartitionEnds>;
  /** Gives the publishing place of a replay up that publishes no more. */
  release(replayId: string): Promise<void>;
  ends(replayId: string): Promise<PartitionEnds | null>;

  /** Without limits where none were set. */
  pace(replayId: string): Promise<ReplayPace>;
  /** New limits hold from now on; what is owed by the old ones is forgiven. */
  setPace(replayId: string, limits: PaceLimits): Promise<void>;
  /** The clock begins now with this event time, unless it has begun. */
  startClock(replayId: string, eventMs: number): Promise<void>;
  /** So much was sent. */
  pay(replayId: string, rows: number, bytes: number): Promise<void>;

  chunk(replayId: string, chunk: number): Promise<(Chunk & { skipped: boolean }) | null>;
  /**
   * The chunk is not to be published, or not to its end.
   * @param by who said so; null: nobody knows (the Temporal UI)
   */
  skipChunk(replayId: string, chunk: number, why: string, by: string | null): Promise<void>;
  /** Forgets a begun transaction that is not in, nor will be: its writer was fenced. */
  forget(replayId: string, lane: number, seq: number): Promise<void>;
  lastChunk(replayId: string): Promise<Chunk | null>;
  /** Stores bounds if there are none yet, and returns what is stored. */
  saveChunk(replayId: string, chunk: Chunk): Promise<Chunk>;

  /** The lane's last transaction; null before the first. */
  /** Epoch milliseconds by the control database, whatever this machine's clock says. */
  clock(): Promise<number>;
  lastTransaction(replayId: string, lane: number): Promise<LaneTransaction | null>;
  /**
   * Records that `seq` may be on its way from here on.
   * @returns false when somebody else began it, or the replay is not publishing (any more)
   */
  begin(replayId: string, lane: number, seq: number, chunk: number, fromKey: Key | null): Promise<boolean>;
  /** Notes Kafka's answer: it is in. */
  done(replayId: string, lane: number, seq: number, progress: LaneProgress, chunkDone: boolean): Promise<void>;
  /** Lanes whose last transaction has no known outcome. */
  openLanes(replayId: string): Promise<number[]>;
  /** Rows of a chunk (or, without one, of the replay) that are in. */
  rowsIn(replayId: string, chunk?: number): Promise<number>;
}
