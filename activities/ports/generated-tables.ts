/**
 * Port to a database that takes generated rows, beside a note (one a profile) of how far they go. An adapter guarantees that
 * rows and note are one transaction, and that a note which is not where its writer left it takes no rows.
 */
import type { Output } from '../../generators/model.ts';
import type { Counts, Found, Identity } from '../../generators/ports.ts';

export interface FoundNote extends Found {
  /** Counts the note's changes. */
  seq: number;
}

/** A table of an output's name, whoever made it. */
export interface FoundTable {
  /** As the database's messages should name it, quoted. */
  name: string;
  /** Carries the mark of one that was made here (contracts/generate.ts). */
  ours: boolean;
  filled: boolean;
}

/** `keep`: rows go into it as it is; `make`: there is none, or it is dropped first. */
export type Fate = 'keep' | 'make';

export interface Beginning {
  identity: Identity;
  outputs: readonly Output[];
  /** What becomes of an output's table; throws where it cannot be used, and then no table may have been changed. */
  fateOf: (found: FoundTable) => Fate;
}

/** Rows of one output, a line each in COPY's text format, which MySQL's LOAD DATA reads as well. */
export interface Lines {
  output: Output;
  bytes: Buffer;
}

export interface GeneratedTables {
  find(): Promise<FoundNote | null>;
  /**
   * Makes the tables and sets the note to "nothing yet". What breaks off in the middle leaves no note that says more than the
   * tables hold.
   * @returns the note's seq
   */
  begin(beginning: Beginning): Promise<number>;
  /** Which of these have no table. */
  missing(outputs: readonly Output[]): Promise<readonly string[]>;
  /**
   * The rows, and the note moved on from `seq` to the next, as one transaction.
   * @returns false where the note is not at `seq`: another generator moved it, and nothing was written
   */
  write(lines: readonly Lines[], note: { seq: number; counts: Counts; at: number }): Promise<boolean>;
  /** Statistics for the database's planner, once all rows are in. */
  analyze(outputs: readonly Output[]): Promise<void>;
  close(): Promise<void>;
}
