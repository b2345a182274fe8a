/**
 * What became of a lane's transaction: Kafka's answer, noted in the control database. Asked only through a writer that was
 * opened after the transaction was found begun, so that nobody else can still bring it in.
 */
import { fault, messageOf } from '../contracts/errors.ts';
import { laneId } from '../contracts/messages.ts';
import type { Chunk, LaneProgress } from '../contracts/replay.ts';
import type { LaneTransaction, PlannedReplay, Replays } from './ports/replays.ts';
import type { LaneCommitted, LaneWriter, OpenLane } from './ports/topic.ts';

/** Kafka forgets an idle group's offsets after 7 days by default (offsets.retention.minutes); a day is kept in hand. */
const MAX_DOUBT_MS = 6 * 24 * 60 * 60 * 1000;

/**
 * @returns true: the transaction is in, and now noted so; false: it is not in and never will be
 * @throws Fault Fenced when a later attempt has moved the lane on; OutcomeTooOld when Kafka may have forgotten
 */
export async function askOutcome(
  replays: Replays,
  replay: PlannedReplay,
  lane: number,
  begun: LaneTransaction,
  writer: LaneWriter,
): Promise<boolean> {
  const committed = await readCommitted(replay, writer);
  if (committed.seq > begun.seq)
    throw fault('Fenced', `lane ${lane} of replay ${replay.replayId} is past transaction ${begun.seq} already`);
  if (committed.seq < begun.seq) {
    // An offset that is there was not forgotten; none at all may be one that was.
    if (committed.seq === 0 && begun.ageMs > MAX_DOUBT_MS) {
      throw fault(
        'OutcomeTooOld',
        `transaction ${begun.seq} of lane ${lane} of replay ${replay.replayId} has been in doubt for longer than the broker keeps group offsets; start a new replay`,
      );
    }
    return false;
  }
  const chunk = await replays.chunk(replay.replayId, begun.chunk);
  if (!chunk) throw fault('Unexpected', `chunk ${begun.chunk} of replay ${replay.replayId} has no bounds`);
  await noteDone(replays, replay, lane, begun.seq, chunk, readProgress(committed.metadata));
  return true;
}

/** @throws Fault ConfigInvalid when the lane's progress is that of an earlier replay of the same id */
export async function readCommitted(replay: PlannedReplay, writer: LaneWriter): Promise<LaneCommitted> {
  const committed = await writer.committed();
  if (committed.seq === 0 || readProgress(committed.metadata).plan === replay.nonce) return committed;
  throw fault(
    'ConfigInvalid',
    `topic ${replay.spec.topic.name} has records of an earlier replay of the id ${replay.replayId}, which the control database does not know any more; choose another --replay-id`,
  );
}

export async function noteDone(
  replays: Replays,
  replay: PlannedReplay,
  lane: number,
  seq: number,
  chunk: Chunk,
  progress: LaneProgress,
): Promise<void> {
  const chunkDone = progress.lastKey.every((value, place) => value === chunk.upTo[place]);
  await replays.done(replay.replayId, lane, seq, progress, chunkDone);
}

/**
 * Ends what an abandoned replay still has on its way, so that nothing of it can come in later.
 * A transaction that is not in stays begun for ever: its replay can begin no other.
 */
export async function settleLanes(
  replays: Replays,
  openLane: OpenLane,
  replay: PlannedReplay,
  lanes: readonly number[],
): Promise<void> {
  for (const lane of lanes) {
    const begun = await replays.lastTransaction(replay.replayId, lane);
    if (begun?.state !== 'begun') continue;
    const request = {
      topic: replay.spec.topic.name,
      laneId: laneId(replay.replayId, lane),
      replayId: replay.replayId,
      schemaVersion: replay.schemaVersion,
    };
    const writer = await openLane(request);
    try {
      await askOutcome(replays, replay, lane, begun, writer);
    } finally {
      await writer.close();
    }
  }
}

function readProgress(metadata: string): LaneProgress {
  try {
    return JSON.parse(metadata) as LaneProgress;
  } catch (error) {
    throw fault(
      'Unexpected',
      `a lane's progress cannot be read (${messageOf(error)}): ${metadata.slice(0, 200)}`,
      error,
    );
  }
}
