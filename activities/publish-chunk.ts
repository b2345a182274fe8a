/**
 * Publishes one chunk of a replay into the topic, exactly once, in one or more transactions of its lane.
 *
 * The rule that all rests on: a lane begins no transaction until the outcome of its previous one is durable in the control
 * database. `begun` is recorded before anything is sent; whoever finds a `begun` whose writer it does not hold opens the
 * lane anew (which fences and finishes whoever else was at it) and asks Kafka: the lane's group offset, committed inside the
 * transaction, is `seq` if and only if the transaction is in (the pattern of KIP-618, with group offsets).
 */
import type { Key } from '../contracts/columns.ts';
import { fault, isFault } from '../contracts/errors.ts';
import { laneId } from '../contracts/messages.ts';
import { type Chunk, laneOf } from '../contracts/replay.ts';
import { schemaVersion } from '../formats/schema-version.ts';
import { askOutcome, noteDone, readCommitted } from './lane-outcome.ts';
import { describeSource, sourceTable } from './source-table.ts';
import type { LaneTransaction, PlannedReplay, ReplayPace, Replays } from './ports/replays.ts';
import type { OpenSource } from './ports/source.ts';
import type { LaneWriter, OpenLane, TopicAdmin } from './ports/topic.ts';
import type { Pulse } from './pulse.ts';
import { awaitDue } from './replay-clock.ts';
import { awaitTurn } from './replay-pace.ts';
import { sendRows } from './send-rows.ts';

/** A look at source and topic serves so long: a chunk is over by then, or slow, by its rate or its clock. */
const LOOK_AGAIN_MS = 2_000;

export interface PublishPorts {
  replays: Replays;
  topics: TopicAdmin;
  openSource: OpenSource;
  openLane: OpenLane;
}

export interface PublishRequest {
  replayId: string;
  chunk: number;
}
export interface PublishedChunk {
  chunk: number;
  rows: number;
  /** False: the replay was paused in its middle, or the chunk skipped. */
  done: boolean;
}

export async function publishChunk(
  ports: PublishPorts,
  request: PublishRequest,
  pulse: Pulse,
): Promise<PublishedChunk> {
  const { replays } = ports;
  const replay = await replays.get(request.replayId);
  if (replay.state === 'abandoned') await requirePublishing(replays, request.replayId);
  const chunk = await replays.chunk(request.replayId, request.chunk);
  if (!chunk) throw fault('Unexpected', `chunk ${request.chunk} of replay ${request.replayId} has no bounds yet`);
  let lookedAt = -Infinity;
  const checkAgain = async (): Promise<void> => {
    const now = performance.now();
    if (now - lookedAt < LOOK_AGAIN_MS) return;
    await checkUnchanged(ports, replay);
    lookedAt = now;
  };
  await checkAgain();
  const lane = laneOf(chunk.chunk, replay.laneModulus);
  const result = async (done = true) => ({
    chunk: chunk.chunk,
    rows: await replays.rowsIn(replay.replayId, chunk.chunk),
    done,
  });

  let writer: LaneWriter | undefined;
  try {
    for (;;) {
      const last = await replays.lastTransaction(replay.replayId, lane);
      if (last?.state === 'begun') {
        // Not ours, or ours from before a crash: only Kafka knows.
        await writer?.close();
        writer = await openWriter(ports, replay, lane);
        if (await askOutcome(replays, replay, lane, last, writer)) continue;
        if (last.chunk === chunk.chunk) {
          const next = await nextPart(ports, replay, chunk, last.fromKey, pulse);
          if (next === 'paused') return await result(false);
          // Begun, and nothing to send any more: a transaction without rows ends the chunk.
          const { part, pace } = next ?? { part: chunk, pace: await replays.pace(replay.replayId) };
          await checkAgain();
          await publishOnce(ports, replay, chunk, part, lane, last.seq, last.fromKey, writer, pace, pulse);
        } else if ((await replays.chunk(replay.replayId, last.chunk))?.skipped === true) {
          // Nobody goes on with it; our writer has fenced whoever began it.
          await replays.forget(replay.replayId, lane, last.seq);
        } else throw fault('Fenced', `lane ${lane} of replay ${replay.replayId} is at chunk ${last.chunk}`);
        continue;
      }
      const place = standing(chunk, last);
      if (place.done) return await result();
      const next = await nextPart(ports, replay, chunk, place.from, pulse);
      if (next === 'paused') return await result(false);
      // A chunk without a row (left) makes no transaction.
      if (next === null) return await result();
      const { part, pace } = next;
      await checkAgain();
      const seq = (last?.seq ?? 0) + 1;
      if (!(await replays.begin(replay.replayId, lane, seq, chunk.chunk, place.from))) {
        await requirePublishing(replays, replay.replayId);
        continue;
      }
      if (!writer) {
        writer = await openWriter(ports, replay, lane);
        if ((await readCommitted(replay, writer)).seq >= seq) continue;
      }
      await publishOnce(ports, replay, chunk, part, lane, seq, place.from, writer, pace, pulse);
    }
  } finally {
    await writer?.close();
  }
}

/** Where a chunk stands, by the lane's last transaction (whose outcome is known). */
function standing(chunk: Chunk, last: LaneTransaction | null): { done: boolean; from: Key | null } {
  if (!last || last.chunk < chunk.chunk) return { done: false, from: chunk.after };
  if (last.chunk > chunk.chunk || last.chunkDone) return { done: true, from: null };
  return { done: false, from: last.lastKey };
}

/**
 * Opens the lane anew, then looks whether the replay may still publish. In this order: whoever abandons a replay first says
 * so and then fences its lanes, so a writer that was opened after that fencing finds it said.
 */
async function openWriter(ports: PublishPorts, replay: PlannedReplay, lane: number): Promise<LaneWriter> {
  const writer = await ports.openLane({
    topic: replay.spec.topic.name,
    laneId: laneId(replay.replayId, lane),
    replayId: replay.replayId,
    schemaVersion: replay.schemaVersion,
    now: await ports.replays.clock(),
  });
  try {
    await requirePublishing(ports.replays, replay.replayId);
    return writer;
  } catch (error) {
    await writer.close();
    throw error;
  }
}

/** @throws Fault ReplayAbandoned */
async function requirePublishing(replays: Replays, replayId: string): Promise<void> {
  if ((await replays.get(replayId)).state === 'publishing') return;
  throw fault(
    'ReplayAbandoned',
    `replay ${replayId} no longer publishes: a later one of its pipeline took its place, or its plan was lost with the control database`,
  );
}

/** What of the chunk may be sent now, and how fast; null where it has no row left. Waits until there is something. */
async function nextPart(
  { replays, openSource }: PublishPorts,
  replay: PlannedReplay,
  chunk: Chunk,
  from: Key | null,
  pulse: Pulse,
): Promise<{ part: Chunk; pace: ReplayPace } | 'paused' | null> {
  const source = openSource(replay.spec.source.connection);
  if (replay.order !== null) {
    return await awaitDue(replays, source, sourceTable(replay, replay.shape), replay, chunk, from, pulse);
  }
  const pace = await awaitTurn(replays, replay.replayId, pulse);
  if (pace === null) return 'paused';
  return (await isEmpty(source, replay, chunk, from)) ? null : { part: chunk, pace };
}

async function isEmpty(
  source: ReturnType<OpenSource>,
  replay: PlannedReplay,
  chunk: Chunk,
  from: Key | null,
): Promise<boolean> {
  const range = { after: from, upTo: chunk.upTo, scope: replay.scope, limit: 1 };
  for await (const bytes of await source.copy(sourceTable(replay, replay.shape), range)) {
    if (bytes.length > 0) return false;
  }
  return true;
}

/** One transaction: the rows of the chunk's part after `from`, and the progress. */
async function publishOnce(
  ports: PublishPorts,
  replay: PlannedReplay,
  chunk: Chunk,
  part: Chunk,
  lane: number,
  seq: number,
  from: Key | null,
  writer: LaneWriter,
  pace: ReplayPace,
  pulse: Pulse,
): Promise<void> {
  const source = ports.openSource(replay.spec.source.connection);
  await writer.begin();
  try {
    const { progress, bytes } = await sendRows(source, replay, part, from, writer, pace, pulse);
    await writer.commit(seq, JSON.stringify(progress));
    await noteDone(ports.replays, replay, lane, seq, chunk, progress);
    if (pace.rowsPerSecond !== null || pace.bytesPerSecond !== null)
      await ports.replays.pay(replay.replayId, progress.rows, bytes);
  } catch (error) {
    // An abort frees the topic's readers at once; where it fails too, the next fencing or the broker's timeout does it.
    if (!isFault(error, 'Fenced')) await writer.abort().catch(() => undefined);
    throw error;
  }
}

/** The plan is bound to one topic and one set of columns; either may have been replaced under the same name. */
async function checkUnchanged(ports: PublishPorts, replay: PlannedReplay): Promise<void> {
  const { table, connection } = replay.spec.source;
  const [topic, described] = await Promise.all([
    ports.topics.describe(replay.spec.topic.name),
    describeSource(ports.openSource(connection), replay.spec.source),
  ]);
  if (topic?.topicId !== replay.topicId) {
    throw fault(
      'TopicRecreated',
      `topic ${replay.spec.topic.name} was ${topic ? 'made anew' : 'deleted'} since replay ${replay.replayId} was planned; start a new replay`,
    );
  }
  if (schemaVersion(described.shape) !== replay.schemaVersion) {
    throw fault(
      'SourceChanged',
      `the columns of ${table.schema}.${table.table} changed since replay ${replay.replayId} was planned; start a new replay`,
    );
  }
}
