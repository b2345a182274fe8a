/** What `headrace lake compact` did, or would do. */

export interface CompactedCuts {
  topic: string;
  topicId: string;
  partition: number;
  /** Offsets [start, end) that became one cut. */
  start: number;
  end: number;
  cuts: number;
  rows: number;
  objects: { before: number; after: number };
  /** `after` is 0 where it was only planned. */
  bytes: { before: number; after: number };
  /** `overtaken`: somebody else replaced these cuts meanwhile, or they expired; this call changed nothing there. */
  state: 'planned' | 'merged' | 'overtaken';
}

export interface CompactReport {
  pipeline: string;
  dataset: string;
  targetBytes: number;
  dryRun: boolean;
  /** In the lake, before. */
  objects: number;
  groups: readonly CompactedCuts[];
}
