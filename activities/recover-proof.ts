/**
 * Whether the replays that records name are ours: a header can be forged, and the control database that knew is lost. What
 * only a replay's own worker can have written is its lanes' progress, a group offset committed with the records. The
 * lanes are opened for it, which also fences whoever may still be at them: from then on nothing more of these replays can
 * come in.
 */
import { fault } from '../contracts/errors.ts';
import { laneId } from '../contracts/messages.ts';
import type { LaneProgress } from '../contracts/replay.ts';
import { eachOf } from './each-of.ts';
import type { Findings, RecoverPorts, SeenReplay } from './recover-ports.ts';

const LANES_AT_ONCE = 4;
/** Of a replay that the user vouches for. */
const NO_NONCE = 'unknown';

/**
 * @returns by replay id the nonce of its plan; those that the user distrusts are left out
 * @throws Fault ManifestConflict where Kafka knows nothing of a replay and the user said nothing of it
 */
export async function proveReplays(ports: RecoverPorts, { request, replays }: Findings): Promise<Map<string, string>> {
  const proven = new Map<string, string>();
  const doubtful: string[] = [];
  for (const [replayId, seen] of replays) {
    if (request.distrusted.includes(replayId)) continue;
    const nonce = await nonceOf(ports, request.spec.topic.name, replayId, seen);
    if (nonce !== null) proven.set(replayId, nonce);
    else if (request.trusted.includes(replayId)) proven.set(replayId, NO_NONCE);
    else doubtful.push(replayId);
  }
  if (doubtful.length === 0) return proven;
  throw fault(
    'ManifestConflict',
    `the topic has records of ${doubtful.length === 1 ? 'a replay' : 'replays'} of which Kafka has no progress ` +
      `(${doubtful.join(', ')}): it is older than the broker keeps group offsets, or the records are forged. Say for each ` +
      '--trust-replay ID (its records are landed) or --distrust-replay ID (they become dead letters); nothing was changed',
  );
}

async function nonceOf(ports: RecoverPorts, topic: string, replayId: string, seen: SeenReplay): Promise<string | null> {
  let nonce: string | null = null;
  const [schemaVersion = ''] = seen.schemaVersions;
  await eachOf([...seen.lanes], LANES_AT_ONCE, async (lane) => {
    const writer = await ports.openLane({ topic, laneId: laneId(replayId, lane), replayId, schemaVersion });
    try {
      const { seq, metadata } = await writer.committed();
      if (seq > 0) nonce ??= planOf(metadata);
    } finally {
      await writer.close();
    }
  });
  return nonce;
}

function planOf(metadata: string): string | null {
  try {
    const { plan } = JSON.parse(metadata) as Partial<LaneProgress>;
    return typeof plan === 'string' ? plan : null;
  } catch {
    return null; // not written by a lane
  }
}
