/**
 * Port to the manifest: what the lake holds, who may add to it, and who wants how much. Guarantees: every change is one
 * autocommitted statement (a stopped process holds no lock); what is decided is decided inside the statement, on the newest
 * version of the row, so a zombie, two claimants or two authors get answers that agree.
 *
 * After any thrown error the outcome of the statement is not known: claim anew, do not repeat it. A new claim's token
 * puts whatever is still under way before the claim, where it can be seen, or refuses it.
 */
import type { Column, TableShape } from '../../contracts/columns.ts';
import type { Cut, CutObject, CutReason, EncoderSettings } from '../../contracts/manifest.ts';
import type { PartitionEnds } from '../../contracts/replay.ts';

/** A cut as stored. `attempt` counts voided intents of the same start: with the start, it names the cut in its partition. */
export interface StoredCut extends Cut {
  attempt: number;
  /** Of the objects. */
  bytes: number;
  deadLetters: number;
  /** When its intent was recorded, by the control database's clock: ISO 8601 with microseconds. */
  openedAt: string;
}

export interface ClaimRequest {
  dataset: string;
  topicId: string;
  topic: string;
  partition: number;
  /** A claim of an older generation than the stored one is refused. */
  generation: number;
  /** Random, a claim's own. */
  token: string;
  /** For people: which process. */
  claimedBy: string;
  /** First offset in the log; becomes `next` at the very first claim. */
  logStart: number;
}

/** What a claim may write to. */
export interface Claim {
  /** The manifest's own id of (dataset, topic id, partition). */
  id: string;
  partition: number;
  token: string;
  /** Everything below is sealed, empty or accepted as lost. */
  next: number;
  /** The intent found open, to be finished before anything else. */
  open: StoredCut | null;
}

export interface CutsBefore {
  logStart: number;
  since: number;
  sinceDeadLetters: number;
}

/** How a partition stands, in one statement's view. */
export interface PartitionState {
  token: string;
  next: number;
  open: StoredCut | null;
}

export interface Intent {
  start: number;
  end: number;
  reason: CutReason;
  rows: number;
  bytes: number;
  objects: readonly CutObject[];
  inputSha256: string;
  encoder: EncoderSettings;
  schemaVersion: string | null;
  deadLetters: number;
}

/** `opened`: the attempt's number. `open`: another intent must be finished first. `moved`: `next` is not the start. */
export type IntentAnswer =
  | { kind: 'opened'; attempt: number }
  | { kind: 'open'; cut: StoredCut }
  | { kind: 'moved'; next: number }
  | { kind: 'refused' };

export interface DeadLetter {
  offset: number;
  key: Buffer | null;
  value: Buffer | null;
  /** Name and bytes, in order. */
  headers: readonly (readonly [string, Buffer])[];
  replayId: string | null;
  chunk: number | null;
  reason: string;
}

export interface LandRequest {
  requestId: string;
  /** Whose workflow asks: its end ends the request. Null: a person's, until stopped. */
  workflowId: string | null;
  topic: string;
  /** True: no end is known (yet). */
  continuous: boolean;
}
/** A request with its ends; those of another topic id than the dataset's present one included. */
export interface OpenRequest extends LandRequest {
  ends: readonly { topicId: string; partition: number; end: number }[];
}

export interface DatasetCounts {
  rows: number;
  cuts: number;
  objects: number;
  bytes: number;
  deadLetters: number;
  lost: number;
}

export interface LostRange {
  partition: number;
  start: number;
  end: number;
  accepted: boolean;
}

export interface Manifest {
  /** @returns null when a newer generation holds the partition, or took it in the meantime */
  claim(request: ClaimRequest): Promise<Claim | null>;
  state(claim: Pick<Claim, 'id'>): Promise<PartitionState>;
  /** The highest generation that any partition of the dataset was claimed with; 0 where there is none. */
  generation(dataset: string): Promise<number>;
  /** Compares start with `next` and the token with the claim's, and opens the cut, in one statement. */
  intend(claim: Claim, intent: Intent): Promise<IntentAnswer>;
  /**
   * Where the partition's manifest begins, since which offset everything before `start` is sealed without an object, and
   * the dead letters among that. For the object's metadata, so that a manifest that is lost can be rebuilt.
   */
  before(claim: Pick<Claim, 'id'>, start: number): Promise<CutsBefore>;
  /** Open dead letters of the dataset. */
  openLetters(dataset: string): Promise<number>;
  /** Inserts what is not there yet. @param where `hop`: who refuses the records */
  addDeadLetters(where: TopicPartition & { hop: 'land' | 'load' }, letters: readonly DeadLetter[]): Promise<void>;
  /**
   * Seals an open cut and moves `next` to its end. Idempotent; needs no token, since its objects are all there.
   * @returns false when the cut is void
   */
  seal(claim: Pick<Claim, 'id'>, cut: { start: number; attempt: number; end: number }): Promise<boolean>;
  /** Intent and seal of a cut without records (markers, aborted rows), in one statement. */
  sealEmpty(claim: Claim, intent: Intent): Promise<IntentAnswer>;
  /** @returns false when the claim is not the present one, or the cut not open any more */
  void(claim: Claim, cut: { start: number; attempt: number }): Promise<boolean>;
  /** Notes that [start, end) cannot be read any more; a range noted before and not accepted yet grows. */
  noteLost(claim: Claim, start: number, end: number, why: string): Promise<void>;
  /** Moves `next` over an accepted loss that begins there. @returns the new `next`; null when there is none */
  skipLost(claim: Claim): Promise<number | null>;
  /** Accepts what is noted as lost now. @returns the ranges newly accepted */
  acceptLost(dataset: string, topicId: string): Promise<LostRange[]>;
  lost(dataset: string, topicId: string): Promise<LostRange[]>;

  /** `next` a partition claimed so far. */
  positions(dataset: string, topicId: string): Promise<PartitionEnds>;
  /** Sealed so far, all topic ids. */
  counts(dataset: string): Promise<DatasetCounts>;
  /**
   * Which of these replays publish to this topic for this dataset. A replay is stored before its first record is sent, so
   * an id that is not here wrote none of the records that are in the topic by now.
   * @param plannedBy null: asked for now; else only those planned by then
   */
  knownReplays(dataset: string, topicId: string, ids: readonly string[], plannedBy: string | null): Promise<string[]>;
  /** Idempotent. */
  saveSchema(dataset: string, version: string, shape: TableShape): Promise<void>;
  schema(dataset: string, version: string): Promise<{ columns: readonly Column[]; key: readonly string[] } | null>;

  /** Idempotent by (dataset, request id). */
  saveRequest(dataset: string, request: LandRequest): Promise<void>;
  /** Stores a request's ends and makes it a bounded one; a request that is not there, or not any more, is made. */
  setEnds(
    dataset: string,
    request: Omit<LandRequest, 'continuous'>,
    topicId: string,
    ends: PartitionEnds,
  ): Promise<void>;
  endRequest(dataset: string, requestId: string): Promise<void>;
  requests(dataset: string): Promise<OpenRequest[]>;
}

export interface TopicPartition {
  dataset: string;
  topicId: string;
  topic: string;
  partition: number;
}
