/** The replay hop's activities under the names that workflows call. */
import { createFindChunks } from './find-chunks.ts';
import { createPlanReplay, type PlanPorts } from './plan-replay.ts';
import { publishChunk, type PublishPorts, type PublishRequest } from './publish-chunk.ts';
import type { PaceLimits } from './ports/replays.ts';
import type { Pulse } from './pulse.ts';
import { finishReplay, takeTurn, type TurnPorts, withdraw } from './replay-turn.ts';

export type ReplayPorts = PlanPorts & PublishPorts & TurnPorts;

/** @param pulse of the running activity */
export function createReplayActivities(ports: ReplayPorts, pulse: () => Pulse) {
  return {
    planReplay: createPlanReplay(ports),
    findChunks: createFindChunks(ports),
    takeTurn: (request: { replayId: string; pace: PaceLimits }) => takeTurn(ports, request),
    setPace: ({ replayId, pace }: { replayId: string; pace: PaceLimits }) => ports.replays.setPace(replayId, pace),
    skipChunk: ({ replayId, chunk, why, by }: { replayId: string; chunk: number; why: string; by?: string }) =>
      ports.replays.skipChunk(replayId, chunk, why, by ?? null),
    /** After a cancellation: what is under way is ended, and the publishing place given up. */
    withdrawReplay: ({ replayId }: { replayId: string }) => withdraw(ports, replayId),
    publishChunk: (request: PublishRequest) => publishChunk(ports, request, pulse()),
    finishReplay: (request: { replayId: string }) => finishReplay(ports, request),
  };
}

export type ReplayActivities = ReturnType<typeof createReplayActivities>;
