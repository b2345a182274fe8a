/**
 * The closed catalogue of faults. Every error that Headrace throws on purpose has a code from here, and the code alone
 * says whether a retry can mend it; nothing else in the code base decides that. The message names the thing, the cause
 * and the remedy. Vendors' errors are mapped to a code once, at the edge (connectors, then the activity interceptor).
 */

/** `retry`: a later attempt may succeed without anybody changing anything. */
export const FAULTS = {
  // Transient: back off and try again, without an end in sight.
  SourceUnavailable: { retry: true },
  KafkaUnavailable: { retry: true },
  StoreUnavailable: { retry: true },
  ControlUnavailable: { retry: true },
  WarehouseUnavailable: { retry: true },
  Fenced: { retry: true }, // a newer attempt holds the lane or the partition: this attempt ends, the next one asks again
  ClaimRefused: { retry: true },
  LedgerMoved: { retry: true }, // another loader was there first
  WorkerFault: { retry: true }, // disk full, out of memory: another worker may do
  Unexpected: { retry: true },
  // Only a person can mend these.
  ConfigInvalid: { retry: false },
  ConnectionUnknown: { retry: false },
  AccessDenied: { retry: false },
  TableMissing: { retry: false },
  TableUnsuited: { retry: false }, // no usable key, unsupported type or value, reserved column name, warehouse table that does not fit
  RowsRefused: { retry: false }, // by the warehouse table's types and constraints
  TooManyBad: { retry: false }, // bad records, more than the pipeline's onBad allows
  TableOwned: { retry: false }, // the warehouse table belongs to another pipeline or topic
  SourceChanged: { retry: false }, // the source's columns changed while a replay ran
  TopicUnsuited: { retry: false }, // compacted, retention too short, partitions
  TopicRecreated: { retry: false }, // the topic's id is not the one planned
  OutcomeTooOld: { retry: false }, // in doubt for longer than the broker keeps group offsets
  OffsetsExpired: { retry: false }, // records expired or were deleted before they were landed
  StoreUnsuited: { retry: false }, // If-None-Match is not honoured, bucket is missing
  ObjectConflict: { retry: false }, // an object of that name exists with other rows
  ManifestConflict: { retry: false },
  LedgerConflict: { retry: false },
  ReplayUnknown: { retry: false },
  ReplayAbandoned: { retry: false },
  VerifyFailed: { retry: false },
  SettingsMismatch: { retry: false }, // the dataset is landed with other settings
  TemporalUnavailable: { retry: true },
  NoWorker: { retry: false },
} as const satisfies Record<string, { retry: boolean }>;

export type FaultCode = keyof typeof FAULTS;

/** One of several things that a fault tells, for programs. */
export interface FaultPart {
  /** Null: a variable's, or a file's as a whole; counted from 1. */
  file: string | null;
  line: number | null;
  column: number | null;
  /** Of a setting, or a variable's name; empty: the file as a whole. */
  path: string;
  what: string;
  /** What to do; null where nothing is to be said. */
  remedy: string | null;
}

export class Fault extends Error {
  readonly code: FaultCode;
  readonly retry: boolean;
  /** What the message tells, one by one; absent: it tells one thing. */
  parts?: readonly FaultPart[];
  constructor(code: FaultCode, message: string, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause });
    this.name = code;
    this.code = code;
    this.retry = FAULTS[code].retry;
  }
}

/**
 * @param message names the thing, the cause and the remedy; never a secret
 * @param cause what was caught, if anything was
 */
export function fault(code: FaultCode, message: string, cause?: unknown): Fault {
  return new Fault(code, message, cause);
}

export function isFault(error: unknown, code?: FaultCode): error is Fault {
  return error instanceof Fault && (code === undefined || error.code === code);
}

/** Of a `TableUnsuited` that one row of the source brings about: its chunk waits for a person. */
export const ROW_REMEDY =
  "a row's value cannot be read, or the filter fails on it; mend the row and give `headrace retry`, or run again with another filter";

/** The message of whatever was thrown. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** Types for Temporal's `nonRetryableErrorTypes`: derived, so that the catalogue stays the one place. */
export const NON_RETRYABLE_CODES: readonly FaultCode[] = (Object.keys(FAULTS) as FaultCode[]).filter(
  (code) => !FAULTS[code].retry,
);
