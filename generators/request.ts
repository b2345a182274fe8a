/** What is to be generated, as pure data: the command's options, or a workflow's input. Secrets are not in it. */
import type { Group, Values } from './kinds.ts';
import type { Form, Span } from './model.ts';
import type { Goal, Pace } from './drive.ts';
import { DAY } from './times.ts';

export const FILE_FORMATS = ['jsonl', 'csv', 'parquet'] as const;
export type FileFormat = (typeof FILE_FORMATS)[number];

export type Target =
  | { kind: 'files'; folder: string; format: FileFormat }
  | { kind: 'db'; connection: string }
  /** Partitions of topics that are created. */
  | { kind: 'kafka'; partitions: number };

export interface GenerateRequest {
  profile: string;
  /** As checked, defaults filled in. */
  settings: Values<Group>;
  target: Target;
  seed: number;
  /** Microseconds since 1970. */
  start: number;
  /** Main events in all. */
  events?: number;
  days?: number;
  /** Absent: as fast as it goes. */
  pace?: Pace;
}

/** Tables refer to each other; messages and lines carry everything that they need. */
export const formOf = ({ kind }: Target): Form => (kind === 'db' ? 'relational' : 'nested');

export function goalOf({ events, days, start }: Pick<GenerateRequest, 'events' | 'days' | 'start'>): Goal {
  return {
    ...(events === undefined ? {} : { events }),
    ...(days === undefined ? {} : { until: start + Math.round(days * DAY) }),
  };
}

/** So many events in so many days say how many a day; one of the two alone is only an end. */
export function spanOf({ events, days, pace }: GenerateRequest): { span?: Span } {
  return events === undefined || days === undefined || pace !== undefined ? {} : { span: { events, days } };
}
