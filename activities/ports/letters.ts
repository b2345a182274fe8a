/**
 * Port to the dead letters in the control database. Every change is one statement and may be repeated. A letter is claimed
 * by at most one re-drive at a time; only an open one can be claimed, re-driven or discarded.
 */
import type { LetterCounts, LetterLook, LetterPlace, LetterState } from '../../contracts/letters.ts';

export interface ClaimedLetter extends LetterPlace {
  topicId: string;
  key: Buffer | null;
}

/** A letter on its way to the topic of dead letters, with everything that is known of it. */
export interface NumberedLetter extends LetterPlace {
  seq: number;
  topic: string;
  topicId: string;
  hop: string;
  key: Buffer | null;
  value: Buffer | null;
  headers: readonly (readonly [string, Buffer])[];
  reason: string;
  foundAt: string;
}

export interface Letters {
  /** The newest first. @param state absent: all */
  list(dataset: string, state: LetterState | undefined, limit: number): Promise<LetterLook[]>;
  counts(dataset: string): Promise<LetterCounts>;

  /** Replays that claimed open letters which they have not re-driven yet. */
  claimants(dataset: string): Promise<string[]>;
  /**
   * Claims open letters that nobody holds; those that the replay claimed before are among the result.
   * @param places null: all
   */
  claim(
    dataset: string,
    replayId: string,
    places: readonly LetterPlace[] | null,
    limit: number,
  ): Promise<ClaimedLetter[]>;
  /** Gives claimed letters up, so that they are open for another. @param letters absent: all of the replay */
  unclaim(
    replayId: string,
    letters?: readonly Pick<ClaimedLetter, 'topicId' | 'partition' | 'offset'>[],
  ): Promise<void>;
  /** The replay has published what it claimed. @returns letters that are re-driven by it */
  redriven(replayId: string): Promise<number>;
  /** @param places null: all that are open and not claimed. @returns letters discarded now */
  discard(dataset: string, places: readonly LetterPlace[] | null, why: string): Promise<LetterPlace[]>;

  /** Notes that all up to `upTo` are in the topic, numbers those that are new, and gives the next ones to be sent. */
  toSend(dataset: string, upTo: number, most: number): Promise<NumberedLetter[]>;
  /** Up to where the letters are in the topic, as far as was noted. */
  sent(dataset: string): Promise<number>;
}
