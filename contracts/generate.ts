/** What is to be generated, as pure data: the command's options, or a workflow's input. Secrets are not in it. */
export const FILE_FORMATS = ['jsonl', 'csv', 'parquet'] as const;
export type FileFormat = (typeof FILE_FORMATS)[number];

export type GenerateTarget =
  | { kind: 'files'; folder: string; format: FileFormat }
  | { kind: 'db'; connection: string }
  /** Partitions of topics that are created. */
  | { kind: 'kafka'; partitions: number };

/** Comment of a table that was made here, and so may be emptied. */
export const GENERATED_MARK = 'made by headrace generate';

export interface GeneratePace {
  /** 60: an hour of events in a minute. */
  speed: number;
  /** When by the clock (milliseconds) what time of events (microseconds) is due. */
  origin: { wall: number; event: number };
}

export interface GenerateRequest {
  profile: string;
  /** As checked, defaults filled in. */
  settings: Readonly<Record<string, unknown>>;
  target: GenerateTarget;
  seed: number;
  /** Microseconds since 1970. */
  start: number;
  /** Main events in all. */
  events?: number;
  days?: number;
  /** Absent: as fast as it goes. */
  pace?: GeneratePace;
  /** A workflow's run, which must know its own work again after a crash. */
  id?: string;
}

export interface GenerateInput {
  request: GenerateRequest;
  /** Write over what an earlier run left. */
  replace: boolean;
  /** The time of the first event is when the workflow starts: so a Schedule may start it again and again. */
  startsNow: boolean;
}

/** Of one turn, and of all. */
export interface GenerateReport {
  ended: 'complete' | 'interrupted';
  /** Events an output, by its name. */
  counts: Readonly<Record<string, number>>;
  main: number;
  /** Time of the last event, microseconds since 1970; null: there was none. */
  at: number | null;
  /** Live, the event that is waited for: its time (microseconds), and when that is by the clock (milliseconds). */
  next?: { at: number; due: number };
}
