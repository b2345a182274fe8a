/** What `status`, `plan` and a follower's progress show. */
import type { TableShape } from './columns.ts';
import type { LakeFormat } from './pipeline.ts';

/** Where one replay stands. */
export interface HopCounts {
  replayId: string;
  state: string;
  plannedAt: string;
  /** Of its first transaction. */
  startedAt: string | null;
  publishedAt: string | null;
  /** Rows that it will read, about; null where nobody knows them before they are read (a window, a filter, no statistics). */
  expected: number | null;
  /** Rows of this replay that are in the topic. */
  replayed: number;
  /** Of those, how many are in the lake and in the warehouse: at least so many, where other replays left rows among them. */
  landed: number;
  loaded: number;
  chunks: {
    /** Those with bounds, and whether that is all. */
    found: number;
    all: boolean;
    /** Over; of those at a lane's end that have no row (left), it is told with the lane's next one, or once all is published. */
    done: number;
    /** Those below are over, or run. */
    reached: number;
    skipped: number;
  };
  paused: boolean;
  /** By event time (`--speed`): rows come when their time has come. */
  paced: boolean;
  /** Of this replay, over the last minute. */
  rowsPerSecond: number;
  /** Until all of it is in the topic; null where that cannot be told. */
  secondsLeft: number | null;
  /** Why not; empty where it can. */
  leftUnknown: string;
}

export interface PipelineLook {
  pipeline: string;
  dataset: string;
  topic: string;
  /** The replay that was planned last. */
  replay: HopCounts;
  /** Those that publish or wait for their turn, the one planned last among them or not. */
  open: readonly HopCounts[];
  /** Columns that the newest replays brought and those before them had not; null where the columns were always these. */
  newColumns: { names: readonly string[]; since: string } | null;
  /** All that the dataset holds, whichever replay brought it. */
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
  /** All that was ever loaded for the pipeline; a row that was loaded twice counts twice. */
  load: { rows: number; cuts: number; seconds: number; lastAt: string | null };
  /** Offsets between what is loaded and what is landed; null where the warehouse does not answer. */
  loadLag: number | null;
  /** What did not answer, and why. */
  unreachable: readonly string[];
}

export interface PlanLook {
  pipeline: string;
  table: string;
  /** Of the whole table. */
  estimatedRows: number;
  /** Of a window or a filter, by the server's own guess, which knows little of most filters; null: of all, or no guess. */
  scopeRows: number | null;
  /** What will work, and not as one may think: slowly, or otherwise than the file says. */
  warnings: readonly string[];
  /** About; bounds are found when a replay runs. */
  chunks: number;
  chunkRows: number;
  shape: TableShape;
  /** `exists` null: it was not looked at, or the look failed. */
  topic: { name: string; exists: boolean | null; partitions: number; topicId: string | null };
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
  /** `exists` as of the topic. */
  warehouse: {
    table: string;
    exists: boolean | null;
    ddl: readonly string[];
    /** What each column is made as, in its own words; none where it was not looked at. */
    types: Readonly<Record<string, string>>;
  };
  /** All that stands in the way; empty: it can run. */
  faults: readonly string[];
  /** Those of them that may pass by themselves: a service that did not answer this process. */
  passing: readonly string[];
}
