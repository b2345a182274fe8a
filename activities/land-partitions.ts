/**
 * The long landing activity: claims its partitions once, finishes what it finds open, then reads, buffers and cuts until
 * nobody wants more, the workflow's turn comes, or it is told to stop. What it holds in memory is never the only copy:
 * whenever it ends, the next one reads on from the manifest's `next`.
 */
import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { fault, isFault } from '../contracts/errors.ts';
import { landGroup } from '../contracts/messages.ts';
import { datasetOf } from '../contracts/pipeline.ts';
import type { PartitionEnds } from '../contracts/replay.ts';
import { type CutsUnderWay, createCutsUnderWay } from './land-cuts.ts';
import { encoderSettings, type Turns } from './land-encoder.ts';
import type { LandMemory } from './land-memory.ts';
import { createLandingPartition, type LandingPartition } from './land-partition.ts';
import type { LandPorts, LandShare, LandShareReport } from './land-ports.ts';
import { removeStaleScratch } from './land-scratch.ts';
import { settlePartition } from './land-settle.ts';
import { createWantsPoll } from './land-wants.ts';
import { checkTopic, type LandContext, refused } from './land-write.ts';
import type { Claim } from './ports/manifest.ts';
import type { TopicReader } from './ports/topic.ts';
import type { Pulse } from './pulse.ts';

/** Shared by all land activities of a process. */
export interface LandProcess {
  memory: LandMemory;
  turns: Turns;
}

const RETURN_AFTER_MS = 3 * 60_000;
const BEAT_MS = 2_000;
const LAG_MS = 1_000;
const READ_RECORDS = 1_000;
const READ_TIMEOUT_MS = 100;
const ROOM_PAUSE_MS = 5;
/** Bounds the encoded files on disk while the store is slow. */
const CUTS_UNDER_WAY_MOST = 16;
/** What has recorded its intent is waited for so long when the activity is told to stop or has failed. */
const STOP_PATIENCE_MS = 10_000;

/**
 * @throws Fault ClaimRefused, OffsetsExpired, TopicRecreated, ObjectConflict, ManifestConflict and those of the services
 */
export async function landPartitions(
  ports: LandPorts,
  process: LandProcess,
  share: LandShare,
  pulse: Pulse,
): Promise<LandShareReport> {
  const { lake, topic } = share.spec;
  const context: LandContext = { dataset: datasetOf(lake), topic: topic.name, topicId: share.topicId, lake };
  const startedAt = Date.now();
  const cuts = createCutsUnderWay(ports, context, encoderSettings(lake.format), process.turns);
  const beat = createBeat(pulse, () => ({ ...cuts.totals(), underWay: cuts.count(), bytes: process.memory.held() }));
  const wants = createWantsPoll(ports, context.dataset, share.topicId);
  const partitions = new Map<number, LandingPartition>();
  let reader: TopicReader | undefined;
  let lag: ((last?: boolean) => Promise<void>) | undefined;
  const report = (reason: LandShareReport['reason']): LandShareReport => ({
    ...cuts.totals(),
    reason,
    openSince: ages(partitions),
  });

  try {
    await removeStaleScratch(ports.worker.scratch);
    const facts = await ports.topicAdmin.describe(context.topic);
    await checkTopic(ports, context);
    const logStarts = () => ports.topicAdmin.logStarts(context.topic, facts?.partitions ?? 0);
    const starts = await logStarts();
    const settle = (claim: Claim, at: PartitionEnds) =>
      settlePartition(ports, context, claim, at[claim.partition] ?? 0, share.acceptLoss, beat);
    for (const partition of share.partitions) {
      const claim = await claimPartition(ports, context, share.generation, partition, starts[partition] ?? 0);
      const next = await settle(claim, starts);
      const since = share.openSince[partition];
      partitions.set(partition, createLandingPartition(claim, next, lake.rotate, process.memory, since));
      beat();
    }
    const from = new Map([...partitions].map(([partition, { start }]) => [partition, start]));
    reader = await ports.openReader({ topic: context.topic, group: landGroup(context.dataset), from });
    lag = createLag(reader, partitions);

    for (;;) {
      beat();
      if (cuts.failure() !== undefined) throw cuts.failure();
      if (pulse.signal.aborted) return report('drained');
      if (Date.now() - startedAt > RETURN_AFTER_MS) return await settled(cuts, beat, () => report('returned'));
      const wanted = wants.now();
      if (wanted && isIdle(wanted, partitions)) return await settled(cuts, beat, () => report('idle'));
      await lag();
      for (const partition of partitions.values()) {
        if (partition.stale) await goOn(partition, reader, beat, async (claim) => settle(claim, await logStarts()));
        const cut = partition.due(Date.now(), wanted?.ends.get(partition.claim.partition));
        if (cut) cuts.start(partition, cut);
      }
      if (process.memory.full() || cuts.count() >= CUTS_UNDER_WAY_MOST) {
        await sleep(ROOM_PAUSE_MS);
        continue;
      }
      try {
        await readOnce(reader, partitions, cuts);
      } catch (error) {
        // Offsets that are out of the log's bounds may be another log's.
        if (isFault(error) && !error.retry) await checkTopic(ports, context);
        if (!isFault(error, 'OffsetsExpired')) throw error;
        await overExpired(error, await logStarts(), partitions, cuts);
      }
    }
  } finally {
    cuts.stop();
    wants.stop();
    const tails = Promise.all([...partitions.values()].map(({ tail }) => tail));
    await Promise.race([tails, sleep(STOP_PATIENCE_MS, undefined, { ref: false })]);
    for (const partition of partitions.values()) partition.dispose();
    await lag?.(true);
    await reader?.close();
  }
}

async function claimPartition(
  ports: LandPorts,
  context: LandContext,
  generation: number,
  partition: number,
  logStart: number,
): Promise<Claim> {
  const { dataset, topic, topicId } = context;
  const claimedBy = ports.worker.name;
  const token = randomUUID();
  const claim = await ports.manifest.claim({
    dataset,
    topic,
    topicId,
    partition,
    generation,
    token,
    claimedBy,
    logStart,
  });
  if (!claim) throw refused(context, { partition });
  return claim;
}

/** One batch of records into their buffers. Nothing is awaited between a record and the next: this is the hot path. */
async function readOnce(
  reader: TopicReader,
  partitions: ReadonlyMap<number, LandingPartition>,
  cuts: CutsUnderWay,
): Promise<void> {
  const records = await reader.read(READ_RECORDS, READ_TIMEOUT_MS);
  const now = Date.now();
  for (const record of records) {
    const partition = partitions.get(record.partition);
    // A stale one is read again from where the manifest stands.
    if (!partition || partition.stale) continue;
    for (const cut of partition.take(record, now)) cuts.start(partition, cut);
  }
  for (const [partition, position] of reader.positions()) {
    const landing = partitions.get(partition);
    if (landing && !landing.stale) landing.position = position;
  }
}

/** After its cuts under way have ended: looks where the manifest stands, and reads on from there. */
async function goOn(
  partition: LandingPartition,
  reader: TopicReader,
  beat: () => void,
  settle: (claim: Claim) => Promise<number>,
): Promise<void> {
  await waitFor(partition.tail, beat);
  const next = await settle(partition.claim);
  partition.restart(next);
  await reader.seek(partition.claim.partition, next);
}

/** Where the log has lost what was to be read next: what was read already is cut, then the loss is dealt with. */
async function overExpired(
  error: unknown,
  starts: PartitionEnds,
  partitions: ReadonlyMap<number, LandingPartition>,
  cuts: CutsUnderWay,
): Promise<void> {
  let found = false;
  for (const [number, partition] of partitions) {
    if (partition.position >= (starts[number] ?? 0)) continue;
    found = true;
    const cut = partition.closeAll('end');
    if (cut) cuts.start(partition, cut);
    await partition.tail;
    partition.stale = true;
  }
  if (!found) throw fault('KafkaUnavailable', 'the log said that records expired, but none did', error);
}

function isIdle(
  wanted: { continuous: boolean; ends: ReadonlyMap<number, number> },
  partitions: ReadonlyMap<number, LandingPartition>,
): boolean {
  if (wanted.continuous) return false;
  return [...partitions].every(([number, { sealed }]) => (wanted.ends.get(number) ?? 0) <= sealed);
}

function ages(partitions: ReadonlyMap<number, LandingPartition>): Record<number, number> {
  const ages: Record<number, number> = {};
  for (const [number, partition] of partitions) {
    const since = partition.openSince();
    if (since !== null) ages[number] = since;
  }
  return ages;
}

/** Lets the cuts under way end before the activity returns by itself. */
async function settled<T>(cuts: CutsUnderWay, beat: () => void, result: () => T): Promise<T> {
  while (cuts.count() > 0) {
    beat();
    await sleep(ROOM_PAUSE_MS);
  }
  if (cuts.failure() !== undefined) throw cuts.failure();
  return result();
}

async function waitFor(promise: Promise<void>, beat: () => void): Promise<void> {
  const timer = setInterval(beat, BEAT_MS);
  try {
    await promise;
  } finally {
    clearInterval(timer);
  }
}

function createBeat(pulse: Pulse, details: () => unknown): () => void {
  let last = 0;
  return () => {
    const now = Date.now();
    if (now - last < BEAT_MS) return;
    last = now;
    pulse.beat(details());
  };
}

/** Commits what is sealed as the group's offsets, now and then. */
function createLag(
  reader: TopicReader,
  partitions: ReadonlyMap<number, LandingPartition>,
): (last?: boolean) => Promise<void> {
  const told = new Map<number, number>();
  let toldAt = 0;
  return async (last = false) => {
    if (!last && Date.now() - toldAt < LAG_MS) return;
    toldAt = Date.now();
    const moved = [...partitions].filter(([number, { sealed }]) => told.get(number) !== sealed);
    if (moved.length === 0) return;
    const offsets = new Map(moved.map(([number, { sealed }]) => [number, sealed]));
    await reader.commitLag(offsets);
    for (const [number, sealed] of offsets) told.set(number, sealed);
  };
}
