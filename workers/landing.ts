/**
 * Landing as a command asks for it, from outside Temporal: by hand, without a workflow that waits. The requests are the same
 * as a run's (activities/land-requests.ts), so both are served by the dataset's one land workflow.
 */
import type { Client } from '@temporalio/client';
import {
  acceptLoss,
  awaitLanded,
  endLandingRequest,
  requestLanding,
  type LandGoal,
} from '../activities/land-requests.ts';
import type { DatasetCounts, LostRange } from '../activities/ports/manifest.ts';
import { openManifest } from '../connectors/postgres/manifest-store.ts';
import { openPool } from '../connectors/postgres/pool.ts';
import type { LandingSpec } from '../contracts/pipeline.ts';
import type { Settings } from '../contracts/settings.ts';
import { landingOf, type TopicsSpec } from './config/index.ts';
import { openKafka } from './kafka-client.ts';
import { openTemporalPorts } from './temporal-ports.ts';

/** The one continuous request that people start and stop by hand. */
export const BY_HAND = 'by-hand';

export interface LandingRequest {
  requestId: string;
  /** Absent: on and on. `now`: up to what the topic holds now. */
  until?: 'now';
  parallelism?: number;
  acceptLoss?: boolean;
}

export interface Landing {
  /** @returns the ends to wait for, where there are any */
  request(spec: LandingSpec, request: LandingRequest): Promise<LandGoal | null>;
  /** Resolves when the manifest has reached the goal. @throws the land workflow's fault; what `signal` was aborted with */
  reached(spec: LandingSpec, goal: LandGoal, signal: AbortSignal): Promise<DatasetCounts>;
  end(spec: LandingSpec, requestId: string): Promise<void>;
  /** A landing each for the topics that there are now and whose names match, by name. */
  topics(spec: TopicsSpec): Promise<LandingSpec[]>;
  /** Accepts what is noted as lost now. */
  acceptLoss(spec: LandingSpec): Promise<LostRange[]>;
  close(): Promise<void>;
}

export async function openLanding(settings: Settings, client: Client): Promise<Landing> {
  const pool = openPool(settings.control, 'landing', 2);
  const { topics: topicAdmin } = await openKafka(settings.kafka);
  const { pokeLand, landStatus } = openTemporalPorts(() => Promise.resolve(client));
  const ports = { manifest: openManifest(pool), topicAdmin, pokeLand, landStatus };
  return {
    request: (spec, request) => requestLanding(ports, { spec, workflowId: null, ...request }),
    reached: (spec, goal, signal) =>
      awaitLanded(
        ports,
        { spec, goal },
        { beat: () => undefined, throwIfCancelled: () => signal.throwIfAborted(), signal },
      ),
    topics: async (spec) => (await topicAdmin.list()).flatMap((topic) => landingOf(spec, topic) ?? []),
    end: (spec, requestId) => endLandingRequest(ports, { spec, requestId }),
    acceptLoss: (spec) => acceptLoss(ports, { spec }),
    async close() {
      await topicAdmin.close();
      await pool.end();
    },
  };
}
