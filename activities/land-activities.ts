/** The landing hop's activities under the names that workflows call. */
import { copyLetters, type CopyLettersPorts } from './copy-letters.ts';
import { describeLanding } from './land-describe.ts';
import { createTurns } from './land-encoder.ts';
import { createLandMemory } from './land-memory.ts';
import { landPartitions } from './land-partitions.ts';
import type { LandPorts, LandRequestPorts, LandShare } from './land-ports.ts';
import {
  acceptLoss,
  awaitLanded,
  type AwaitLanded,
  endLandingRequest,
  endStandingRequests,
  requestLanding,
  type RequestLanding,
  setLandingEnds,
  type SetLandingEnds,
} from './land-requests.ts';
import type { LandingSpec } from '../contracts/pipeline.ts';
import type { Pulse } from './pulse.ts';

/**
 * For the queue `land`. All activities of the result share one memory budget.
 * @param pulse of the running activity
 */
export function createLandActivities(ports: LandPorts & CopyLettersPorts, pulse: () => Pulse) {
  const process = { memory: createLandMemory(ports.worker.landMemoryBytes), turns: createTurns() };
  return {
    describeLanding: ({ spec }: { spec: LandingSpec }) => describeLanding(ports, spec),
    endStandingRequests: ({ spec }: { spec: LandingSpec }) => endStandingRequests(ports, spec),
    copyLetters: (request: { spec: LandingSpec }) => copyLetters(ports, request, pulse()),
    landPartitions: (share: LandShare) => landPartitions(ports, process, share, pulse()),
  };
}

/**
 * For those who want a dataset landed. Not for the queue `land`: those who wait there could take the places of those
 * whom they wait for.
 */
export function createLandRequestActivities(ports: LandRequestPorts, pulse: () => Pulse) {
  return {
    requestLanding: (request: RequestLanding) => requestLanding(ports, request),
    setLandingEnds: (request: SetLandingEnds) => setLandingEnds(ports, request),
    endLandingRequest: (request: { spec: LandingSpec; requestId: string }) => endLandingRequest(ports, request),
    awaitLanded: (request: AwaitLanded) => awaitLanded(ports, request, pulse()),
    acceptLoss: (request: { spec: LandingSpec }) => acceptLoss(ports, request),
  };
}

export type LandActivities = ReturnType<typeof createLandActivities>;
export type LandRequestActivities = ReturnType<typeof createLandRequestActivities>;
