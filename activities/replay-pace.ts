/**
 * One budget for all lanes of a replay, kept in the control database: each transaction pays for what it sent, and none is
 * begun before everything sent so far is due. So the average holds whatever the number of lanes and workers, a change of rate
 * reaches the chunks that run, and nobody waits with a transaction open. A burst is a second's worth a lane.
 */
import type { ReplayPace, Replays } from './ports/replays.ts';
import type { Pulse } from './pulse.ts';

/** A change of rate is seen after so long. */
export const LOOK_AGAIN_MS = 500;

/** @returns the pace once it is time to send; null: the replay is paused */
export async function awaitTurn(replays: Replays, replayId: string, pulse: Pulse): Promise<ReplayPace | null> {
  for (;;) {
    const pace = await replays.pace(replayId);
    if (pace.paused) return null;
    if (pace.owedMs <= 0) return pace;
    await new Promise((resolve) => setTimeout(resolve, Math.min(pace.owedMs, LOOK_AGAIN_MS)));
    pulse.throwIfCancelled();
    pulse.beat({ waits: 'for its share of the rate' });
  }
}
