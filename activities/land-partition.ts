/**
 * One partition while it is landed: its open buffer, its place, and the rules by which the buffer is cut. Ranges are
 * without a hole: a cut begins where the one before it ended, and takes in markers and aborted rows.
 */
import type { CutReason } from '../contracts/manifest.ts';
import type { Rotate } from '../contracts/pipeline.ts';
import { type CutBuffer, createCutBuffer } from '../formats/cut-buffer.ts';
import type { LandMemory, OpenBuffer } from './land-memory.ts';
import type { Claim } from './ports/manifest.ts';
import type { LogRecord } from './ports/topic.ts';

/** A range closed into a cut. The buffer is given back when it is encoded. */
export interface ClosedCut {
  start: number;
  end: number;
  reason: CutReason;
  buffer: CutBuffer;
  /** Bytes held. */
  held: number;
}

export interface LandingPartition {
  readonly claim: Claim;
  /** Where the open buffer's range begins. */
  start: number;
  /** Next offset to be read; moves over markers. */
  position: number;
  /** Everything below is sealed. */
  sealed: number;
  /** The manifest said otherwise than we thought: drop what is here, look, go on from there. */
  stale: boolean;
  /** Ends when all cuts closed so far have; never rejects. */
  tail: Promise<void>;
  /** Takes a record in; hands back the cuts that it closes, one shared empty list for nearly every record. */
  take(record: LogRecord, now: number): readonly ClosedCut[];
  /** @param wanted the end that somebody waits for, if there is one */
  due(now: number, wanted: number | undefined): ClosedCut | null;
  /** Closes what is open up to the position; null if that is nothing. */
  closeAll(reason: CutReason): ClosedCut | null;
  /** Takes an encoded cut's buffer back. Safe to repeat. */
  giveBack(cut: ClosedCut): void;
  /** Drops what is open and goes on from `next`. */
  restart(next: number): void;
  /** When the open records began to wait; null where there are none. */
  openSince(): number | null;
  /** Gives all memory back. */
  dispose(): void;
}

const NONE: readonly ClosedCut[] = [];
/** The smallest first cut is an eighth of a usual one. */
const PHASES_MOST = 8;

/**
 * Partitions that fill alike would all be closed in one moment: nothing could be encoded and loaded before, and much at once
 * then. So their first cuts are of different sizes, and all later ones come in turn. (A run of 1,000,000 rows over 6
 * partitions loaded nothing before two thirds of it were published.)
 * @param count of the topic's partitions
 * @returns the share of the usual limits, up to 1
 */
export function firstShare(partition: number, count: number): number {
  const phases = Math.min(count, PHASES_MOST);
  return ((partition % phases) + 1) / phases;
}

/**
 * @param since when the open cut began to wait, ms, if an activity before this one (maybe by a clock that was ahead of ours) had begun it
 * @param share of the limits that the first cut is closed at (firstShare)
 */
export function createLandingPartition(
  claim: Claim,
  next: number,
  rotate: Rotate,
  memory: LandMemory,
  since: number | undefined,
  share = 1,
): LandingPartition {
  let most = { records: Math.ceil(rotate.records * share), bytes: Math.ceil(rotate.bytes * share) };
  const newBuffer = (): CutBuffer => createCutBuffer(claim.partition, memory.spares);
  let buffer = newBuffer();
  let inherited = since;
  /** When the open range, or its first record, began to wait. */
  let waitingSince: number | null = null;
  let early = false;

  const handle: OpenBuffer = {
    held: () => buffer.capacity(),
    content: () => buffer.bytes(),
    cutEarly: () => void (early = true),
  };
  memory.add(handle);

  function close(end: number, reason: CutReason): ClosedCut {
    const cut = { start: self.start, end, reason, buffer, held: buffer.capacity() };
    memory.close(cut.held);
    buffer = newBuffer();
    most = rotate;
    self.start = end;
    waitingSince = null;
    inherited = undefined;
    early = false;
    return cut;
  }

  const self: LandingPartition = {
    claim,
    start: next,
    position: next,
    sealed: next,
    stale: false,
    tail: Promise.resolve(),
    take(record, now) {
      const before = buffer.fits(record) ? null : close(record.offset, 'schema');
      buffer.append(record);
      const records = buffer.records();
      if (records === 1) waitingSince = Math.min(inherited ?? now, now);
      const reason = records >= most.records ? 'records' : buffer.bytes() >= most.bytes ? 'bytes' : null;
      if (before === null && reason === null) return NONE;
      return [...(before ? [before] : []), ...(reason ? [close(record.offset + 1, reason)] : [])];
    },
    due(now, wanted) {
      if (self.position === self.start) return null;
      const filled = buffer.records() > 0;
      waitingSince ??= now;
      if (wanted !== undefined && self.start < wanted && self.position >= wanted) return self.closeAll('end');
      if (now - waitingSince >= rotate.ageMs) return self.closeAll('age');
      return early && filled ? self.closeAll('memory') : null;
    },
    closeAll(reason) {
      if (self.position === self.start) return null;
      return close(self.position, buffer.records() > 0 ? reason : 'empty');
    },
    giveBack(cut) {
      memory.release(cut.held);
      cut.held = 0;
      cut.buffer.dispose();
    },
    restart(from) {
      buffer.reset();
      self.start = self.position = self.sealed = from;
      self.stale = false;
      waitingSince = null;
      inherited = undefined;
      early = false;
    },
    openSince: () => (buffer.records() > 0 ? waitingSince : null),
    dispose: () => memory.remove(handle),
  };
  return self;
}
