/**
 * Port to the manifest for what gives way after it was sealed: cuts replaced by one of other objects with the same rows, and
 * cuts whose objects are given up. As in ports/manifest.ts, every change is one autocommitted statement that decides on
 * the newest version of the rows: of two who would replace one cut, one does, and the other is told.
 *
 * A replacement is an intent first: from `begin` to `finish` its objects are named by the manifest, so that nobody takes them
 * for orphans, and whoever does give an old intent up (`abandonOld`) has it refused at `finish`.
 */
import type { CutObject } from '../../contracts/manifest.ts';
import type { Intent, StoredCut } from './manifest.ts';

/** A sealed cut, and what is needed to replace it. */
export interface StandingCut extends StoredCut {
  /** The manifest's own id of (dataset, topic id, partition). */
  partitionId: string;
  topicId: string;
  /** The highest of all that ever began at this start. */
  lastAttempt: number;
}

/** Names a cut in its partition. */
export interface CutPlace {
  start: number;
  attempt: number;
}

export interface Replacement extends Intent, CutPlace {
  partitionId: string;
  /** Sealed cuts in a row, which together have its range and its rows. */
  replaces: readonly CutPlace[];
}

/** Which loaded cuts are due. */
export interface LoadedCuts {
  dataset: string;
  /** What the warehouse's ledger has. */
  ledger: readonly { topicId: string; partition: number; end: number }[];
  /** Sealed for at least so long, and so is every cut before it in its partition. */
  olderThanMs: number;
  /** Those whose objects stand under this prefix are left out. */
  notUnder?: string;
  limit: number;
}

export interface RetiredCut extends CutPlace {
  partitionId: string;
  /** Named by no cut that is read. */
  objects: readonly CutObject[];
}

export interface Replacements {
  /** Sealed cuts of a partition from an offset on, by start. */
  standing(
    place: { dataset: string; topicId: string; partition: number },
    from: number,
    limit: number,
  ): Promise<StandingCut[]>;
  /** Sealed cuts with objects that the ledger has, by partition and start. */
  loaded(wanted: LoadedCuts): Promise<StandingCut[]>;
  /** @returns false where another intent took the attempt's number */
  begin(replacement: Replacement): Promise<boolean>;
  /**
   * Seals the replacement and retires what it replaces.
   * @returns false when that was replaced or expired meanwhile, or the intent given up; nothing was changed
   */
  finish(replacement: Pick<Replacement, 'partitionId' | 'start' | 'attempt'>): Promise<boolean>;
  /** Gives an intent up. Its objects are nobody's then. @returns false when it was finished */
  abandon(replacement: Pick<Replacement, 'partitionId' | 'start' | 'attempt'>): Promise<boolean>;
  /** Gives up the intents of a dataset that were begun so long ago. @returns how many */
  abandonOld(dataset: string, olderThanMs: number): Promise<number>;
  /** Sealed cuts of one partition become expired. @returns how many */
  expire(partitionId: string, cuts: readonly CutPlace[]): Promise<number>;
  /** Cuts replaced or expired, and intents given up, so long ago, whose objects nobody noted as removed. */
  retired(dataset: string, olderThanMs: number, limit: number): Promise<RetiredCut[]>;
  noteRemoved(cuts: readonly RetiredCut[]): Promise<void>;
}
