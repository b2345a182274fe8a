/** Dead letters as commands show them, and which of them are meant. */

export type LetterState = 'open' | 'redriven' | 'discarded';

/** Where a letter's record is in the topic. */
export interface LetterPlace {
  partition: number;
  offset: number;
}

export interface LetterLook extends LetterPlace {
  topic: string;
  topicId: string;
  /** Who refused it: `land` (not in the lake), or `load` (in the lake, not in the warehouse). */
  hop: 'land' | 'load';
  reason: string;
  state: LetterState;
  /** The replay that published it; null where its header names none. */
  replayId: string | null;
  chunk: number | null;
  /** The replay that reads its key again, or did. */
  redrive: string | null;
  /** Why it was discarded. */
  why: string | null;
  foundAt: string;
  settledAt: string | null;
  /** Of key and value. */
  bytes: number;
  /** The key, and the beginning of the value, as text; what is no UTF-8 is replaced. */
  key: string | null;
  preview: string | null;
}

export interface LetterCounts {
  open: number;
  redriven: number;
  discarded: number;
  /** Open ones without a key of the table: they can be discarded only. */
  withoutKey: number;
}

/** The topic that holds copies of a topic's dead letters. */
export function deadLetterTopic(topic: string): string {
  return `${topic}.dlq`;
}

/** transactional.id and progress group of whoever copies a dataset's letters into the topic. */
export function deadLetterLane(dataset: string): string {
  return `headrace/dlq/${dataset}`;
}
