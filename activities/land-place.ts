/** Where a partition's place comes from: a claim, the manifest after a disagreement, the log after it lost records. */
import { randomUUID } from 'node:crypto';
import { fault } from '../contracts/errors.ts';
import type { PartitionEnds } from '../contracts/replay.ts';
import type { CutsUnderWay } from './land-cuts.ts';
import type { LandingPartition } from './land-partition.ts';
import type { LandPorts } from './land-ports.ts';
import { waitFor } from './land-tell.ts';
import { type LandContext, refused } from './land-write.ts';
import type { Claim } from './ports/manifest.ts';
import type { TopicReader } from './ports/topic.ts';

/** @throws Fault ClaimRefused */
export async function claimPartition(
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

/** After its cuts under way have ended: looks where the manifest stands, and reads on from there. */
export async function goOn(
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
export async function overExpired(
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
