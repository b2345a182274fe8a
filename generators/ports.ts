/**
 * Port to where events go. An adapter guarantees: after `flush` resolves, what was added is there for good and so is the
 * note of how far it goes, and the two cannot differ: whatever breaks off, `find` tells exactly what is there.
 */
import type { Emission, Form, Output, Span } from './model.ts';

/** What makes a run the run it is: with another of these, other events would follow. */
export interface Identity {
  profile: string;
  seed: number;
  /** Microseconds since 1970. */
  start: number;
  form: Form;
  span?: Span;
  /** A workflow's run. */
  id?: string;
  /** Hash of the profile's settings. */
  settings: string;
}

/** Events an output, by its name. */
export type Counts = Readonly<Record<string, number>>;

export interface Found {
  identity: Identity;
  counts: Counts;
  /** Time of the last event, microseconds since 1970. */
  at: number;
}

export interface Sink {
  /** What the last run into this place left; null: nothing. */
  find(): Promise<Found | null>;
  /**
   * Called once, before anything is added.
   * @param from what `find` said, to go on behind it; null: begin anew
   */
  begin(identity: Identity, outputs: readonly Output[], from: Found | null): Promise<void>;
  /** Takes one event; what it holds on to is small. */
  add(emission: Emission): void;
  /** Whether so much was added that `flush` is due. */
  full(): boolean;
  /**
   * Takes what was added before it returns; more may be added while it is under way. One at a time.
   * @param at time of the last event, microseconds
   */
  flush(at: number): Promise<void>;
  /** Called after the last flush, where the run is complete. */
  finish(): Promise<void>;
  close(): Promise<void>;
}

/** The clock and its patience; models have neither. */
export interface Clock {
  /** Milliseconds since 1970. */
  now(): number;
  /** Resolves after so many milliseconds, or when the signal aborts. */
  sleep(ms: number, signal: AbortSignal): Promise<void>;
}
