/**
 * The long landing activity: claims its partitions once, finishes what it finds open, then reads, buffers and cuts until
 * nobody wants more, the workflow's turn comes, or it is told to stop. What it holds in memory is never the only copy:
 * whenever it ends, the next one reads on from the manifest's `next`.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { isFault } from '../contracts/errors.ts';
import { landGroup } from '../contracts/messages.ts';
import { datasetOf } from '../contracts/pipeline.ts';
import type { PartitionEnds } from '../contracts/replay.ts';
import { type CutsUnderWay, createCutsUnderWay } from './land-cuts.ts';
import { encoderSettings } from '../formats/encoder-settings.ts';
import { steadyClock } from '../formats/steady-clock.ts';
import type { Turns } from './land-encoder.ts';
import type { LandMemory } from './land-memory.ts';
import { createKnownReplays } from './land-origins.ts';
import { createLandingPartition, firstShare, type LandingPartition } from './land-partition.ts';
import { claimPartition, goOn, overExpired } from './land-place.ts';
import type { LandPorts, LandShare, LandShareReport } from './land-ports.ts';
import { removeStaleScratch } from './land-scratch.ts';
import { settlePartition } from './land-settle.ts';
import { createBeat, createLag, waitFor } from './land-tell.ts';
import { checkTopic } from './land-topic.ts';
import { createWantsPoll } from './land-wants.ts';
import type { LandContext } from './land-write.ts';
import type { Claim } from './ports/manifest.ts';
import type { TopicReader } from './ports/topic.ts';
import type { Pulse } from './pulse.ts';

/** Shared by all land activities of a process. */
export interface LandProcess {
  memory: LandMemory;
  turns: Turns;
}

const RETURN_AFTER_MS = 3 * 60_000;
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
  const { lake, topic, foreign = null } = share.spec;
  const { topicId } = share;
  const dataset = datasetOf(lake);
  const knownReplays = createKnownReplays(ports.manifest, dataset, topicId);
  const { onBad } = share.spec;
  const context: LandContext = {
    ...{ dataset, topic: topic.name, topicId, lake, knownReplays, foreign },
    ...(onBad === undefined ? {} : { onBad }),
  };
  const startedAt = performance.now();
  const cuts = createCutsUnderWay(ports, context, encoderSettings(lake), process.turns);
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
    const facts = await checkTopic(ports.topicAdmin, context);
    const logStarts = () => ports.topicAdmin.logStarts(context.topic, facts.partitions);
    const starts = await logStarts();
    const settle = (claim: Claim, at: PartitionEnds) =>
      waitFor(settlePartition(ports, context, claim, at[claim.partition] ?? 0, share.acceptLoss), beat);
    for (const partition of share.partitions) {
      const claim = await claimPartition(ports, context, share.generation, partition, starts[partition] ?? 0);
      const next = await settle(claim, starts);
      const since = share.openSince[partition];
      // What was open when the activity before this one ended is in turn already.
      const first = since === undefined ? firstShare(partition, facts.partitions) : 1;
      partitions.set(partition, createLandingPartition(claim, next, lake.rotate, process.memory, since, first));
      beat();
    }
    const from = new Map([...partitions].map(([partition, { start }]) => [partition, start]));
    reader = await ports.openReader({ topic: context.topic, group: landGroup(context.dataset), from });
    lag = createLag(reader, partitions);

    for (;;) {
      beat();
      if (cuts.failure() !== undefined) throw cuts.failure();
      if (pulse.signal.aborted) return report('drained');
      if (performance.now() - startedAt > RETURN_AFTER_MS) return await settled(cuts, beat, () => report('returned'));
      const wanted = wants.now();
      if (wanted && isIdle(wanted, partitions)) return await settled(cuts, beat, () => report('idle'));
      await lag();
      for (const partition of partitions.values()) {
        if (partition.stale) await goOn(partition, reader, beat, async (claim) => settle(claim, await logStarts()));
        const cut = partition.due(steadyNow(), wanted?.ends.get(partition.claim.partition));
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
        if (isFault(error) && !error.retry) await checkTopic(ports.topicAdmin, context);
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

/** In epoch milliseconds, since a cut's age is told to the activity after this one. */
const steadyNow = steadyClock();

/** One batch of records into their buffers. Nothing is awaited between a record and the next: this is the hot path. */
async function readOnce(
  reader: TopicReader,
  partitions: ReadonlyMap<number, LandingPartition>,
  cuts: CutsUnderWay,
): Promise<void> {
  const records = await reader.read(READ_RECORDS, READ_TIMEOUT_MS);
  const now = steadyNow();
  for (const record of records) {
    const partition = partitions.get(record.partition);
    // A stale one is read again from where the manifest stands.
    if (!partition || partition.stale) continue;
    const closed = partition.take(record, now);
    if (closed.length > 0) for (const cut of closed) cuts.start(partition, cut);
  }
  for (const [partition, position] of reader.positions()) {
    const landing = partitions.get(partition);
    if (landing && !landing.stale) landing.position = position;
  }
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
