/** The replay hop's activities under the names that workflows call. */
import { createFindChunks } from './find-chunks.ts';
import { createPlanReplay, type PlanPorts } from './plan-replay.ts';
import { publishChunk, type PublishPorts, type PublishRequest } from './publish-chunk.ts';
import type { Pulse } from './pulse.ts';
import { finishReplay, takeTurn, type TurnPorts } from './replay-turn.ts';

export type ReplayPorts = PlanPorts & PublishPorts & TurnPorts;

/** @param pulse of the running activity */
export function createReplayActivities(ports: ReplayPorts, pulse: () => Pulse) {
  return {
    planReplay: createPlanReplay(ports),
    findChunks: createFindChunks(ports),
    takeTurn: (request: { replayId: string }) => takeTurn(ports, request),
    publishChunk: (request: PublishRequest) => publishChunk(ports, request, pulse()),
    finishReplay: (request: { replayId: string }) => finishReplay(ports, request),
  };
}

export type ReplayActivities = ReturnType<typeof createReplayActivities>;
