/**
 * Names and payloads that cross Temporal: task queues, workflow types, ids, search attributes, inputs and reports.
 * Payloads are references and counts; rows never pass through Temporal.
 */
import type { LetterPlace } from './letters.ts';
import type { LandingSpec, LoadMode, PipelineSpec } from './pipeline.ts';
export type { GenerateInput, GenerateReport } from './generate.ts';
import type { PartitionEnds, ReplayScope } from './replay.ts';

export const TASK_QUEUES = {
  orchestrate: 'headrace-orchestrate',
  read: 'headrace-read',
  land: 'headrace-land',
  load: 'headrace-load',
} as const;
export type QueueName = keyof typeof TASK_QUEUES;
/** Of all that a run from source to warehouse needs. */
export const QUEUES = Object.keys(TASK_QUEUES) as readonly QueueName[];

/** Bound of calls that answer in seconds; workers tell by it which ones they beat for. */
export const SHORT_CALL_MS = 2 * 60_000;

export const SEARCH_ATTRIBUTES = {
  pipeline: 'HeadracePipeline',
  replayId: 'HeadraceReplayId',
  phase: 'HeadracePhase',
  dataset: 'HeadraceDataset',
  intervalFrom: 'HeadraceIntervalFrom',
  intervalTo: 'HeadraceIntervalTo',
} as const;

export const workflowIds = {
  run: (pipeline: string, replayId: string) => `run/${pipeline}/${replayId}`,
  replay: (pipeline: string, replayId: string) => `replay/${pipeline}/${replayId}`,
  land: (dataset: string) => `land/${dataset}`,
  load: (pipeline: string, id: string) => `load/${pipeline}/${id}`,
  verify: (pipeline: string, id: string) => `verify/${pipeline}/${id}`,
  generate: (profile: string, id: string) => `generate/${profile}/${id}`,
  loadSchedule: (pipeline: string) => `load/${pipeline}`,
  /** Of the schedule and, with the scheduled time behind it, of each interval. */
  interval: (pipeline: string) => `interval/${pipeline}`,
  /** `part`: those of a backfill that run side by side. */
  backfill: (pipeline: string, id: string, part: number) => `backfill/${pipeline}/${id}/${part}`,
};

/** The workflow types, as exported by workflows/index.ts. */
export const WORKFLOWS = {
  run: 'runPipeline',
  replay: 'replayTable',
  land: 'landDataset',
  load: 'loadWarehouse',
  verify: 'verifyPipeline',
  interval: 'runInterval',
  generate: 'generateEvents',
} as const;

export interface ReplayInput {
  spec: PipelineSpec;
  replayId: string;
  scope: ReplayScope;
  /** Rows a second over all lanes; absent: as fast as it goes. */
  rate?: number;
  /** Bytes of values a second over all lanes. */
  bytes?: number;
  /** Seconds of event time a second: rows come in its order, each when it is due. Absent: in key order, not paced by it. */
  speed?: number;
  /** Reads the keys of the pipeline's open dead letters again, and nothing else. */
  redrive?: RedriveRequest;
}
export interface RedriveRequest {
  /** Absent: all that are open. */
  letters?: readonly LetterPlace[];
}
export interface ReplayReport {
  replayId: string;
  chunks: number;
  rows: number;
  topicId: string;
  ends: PartitionEnds;
  seconds: number;
}

export interface LandInput {
  spec: LandingSpec;
  /** Land activities side by side; each gets a share of the partitions. Default 1. */
  parallelism?: number;
}
export interface LandReport {
  rows: number;
  cuts: number;
  objects: number;
}

export interface LoadInput {
  spec: PipelineSpec;
  /**
   * Load until the ledger has reached these ends of this topic, or the ends of a replay, which may still be publishing;
   * absent: all that is sealed now.
   */
  until?: LoadGoal | { replayId: string };
  /** Goes on over offsets whose objects have expired; absent: that is a fault. */
  skipExpired?: boolean;
}
export interface LoadGoal {
  topicId: string;
  ends: PartitionEnds;
}
export interface LoadReport {
  rows: number;
  cuts: number;
  batches: number;
  seconds: number;
}

export interface VerifyInput {
  spec: PipelineSpec;
  /** Absent: the latest published replay of the pipeline. */
  replayId?: string;
  /** The source is written to meanwhile: differences from it that it cannot date are taken for changes since then. */
  living?: boolean;
  /** Deletes the rows that the source has no more, and verifies then. */
  prune?: boolean;
}

/** Up to 20 examples of each kind, the key as JSON. */
export interface VerifyExamples {
  missing: string[];
  extra: string[];
  different: string[];
  changedSince: string[];
  skipped: string[];
}
export interface SkippedChunk {
  chunk: number;
  reason: string;
  /** Who said so; null: nobody knows (the Temporal UI tells no name). */
  by: string | null;
  /** ISO 8601. */
  at: string;
}
/** What `run --json` and `verify --json` print. */
export interface VerifyReport {
  pipeline: string;
  /** Absent: upsert. In mode append, `rows.loaded` are all of the table's. */
  mode?: LoadMode;
  replayId: string;
  /** The part of the table that the replay read, which alone was compared; absent: all of it. */
  scope?: string;
  rows: { source: number; replayed: number; landed: number; loaded: number };
  missing: number;
  extra: number;
  different: number;
  changedSince: number;
  /** Rows that did not arrive because their chunk was skipped. */
  skipped: number;
  /** The chunks that were skipped, whether rows are missing for it or not. */
  skips: SkippedChunk[];
  lost: number;
  /** Of the rows landed, those whose objects were given up after they had been loaded: counted by the manifest, not read. */
  expired: number;
  /** Open ones. */
  deadLetters: number;
  /** Discarded dead letters: the replay's own, and others whose keys would be missing or different without them. */
  discarded: number;
  /** Rows deleted before this was found; absent: none were to be. */
  pruned?: number;
  /** Why, up to 20. */
  discardReasons: string[];
  objects: number;
  bytes: number;
  /** Chunks whose published rows and checksum were not found in the lake. */
  chunksUnequal: number;
  examples: VerifyExamples;
  seconds: { replay: number; land: number; load: number; verify: number };
  ok: boolean;
}

export interface RunInput extends ReplayInput {
  parallelism?: number;
}
export interface RunReport extends VerifyReport {
  /** Statements that gave the warehouse's table columns (`schemaChange: add`); absent: none. */
  columnsAdded?: readonly string[];
}

/** Query `progress`, answered by every long workflow. */
export const PROGRESS_QUERY = 'progress';
export interface Progress {
  phase: string;
  paused: boolean;
  rows: number;
  /** One line for people. */
  text: string;
}

/** Signals of the replay workflow. */
export const SIGNALS = {
  pause: 'pause',
  resume: 'resume',
  setRate: 'setRate',
  setBytes: 'setBytes',
  setLanes: 'setLanes',
  setParallelism: 'setParallelism',
  stop: 'stop',
} as const;

/** Updates of the replay workflow; each takes one JSON object, as a person can write it in the Temporal UI. */
export const UPDATES = { retryChunk: 'retryChunk', skipChunk: 'skipChunk', setSpeed: 'setSpeed' } as const;
export interface SetSpeed {
  /** Seconds of event time a second; 0: as fast as it goes. */
  speed: number;
}
export interface RetryChunk {
  chunk: number;
}
export interface SkipChunk {
  chunk: number;
  reason: string;
  /** Who; absent: nobody says. */
  by?: string;
}

/** The update by which whoever wants a dataset landed starts its workflow, or wakes it up. */
export const ENSURE_LANDING_UPDATE = 'ensureLanding';
