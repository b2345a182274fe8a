/**
 * Puts connectors behind ports, and ports into activities, for the task queues that one process serves. Connections are
 * opened at first use and closed together.
 */
import { CancelledFailure, Context } from '@temporalio/activity';
import type { Client, Connection } from '@temporalio/client';
import { rm } from 'node:fs/promises';
import { createLandActivities, createLandRequestActivities } from '../activities/land-activities.ts';
import { createLoadActivities } from '../activities/load.ts';
import { createGenerateActivities } from '../activities/generate-events.ts';
import type { Pulse } from '../activities/pulse.ts';
import { createReplayActivities } from '../activities/replay-activities.ts';
import { createIntervalActivities } from '../activities/run-interval.ts';
import { createVerifyActivities } from '../activities/verify.ts';
import { openLakeFiles } from '../connectors/duckdb/lake-files.ts';
import { openIntervals } from '../connectors/postgres/interval-store.ts';
import { openLetters } from '../connectors/postgres/letter-store.ts';
import { openLoadStore } from '../connectors/postgres/load-store.ts';
import { openManifest } from '../connectors/postgres/manifest-store.ts';
import { openPool } from '../connectors/postgres/pool.ts';
import { openReplacements } from '../connectors/postgres/replacement-store.ts';
import { openReplays } from '../connectors/postgres/replay-store.ts';
import { openVerifyStore } from '../connectors/postgres/verify-store.ts';
import { openObjectStore } from '../connectors/s3/object-store.ts';
import type { Settings } from '../contracts/settings.ts';
import type { QueueName } from '../contracts/temporal.ts';
import { connectionOf } from './config/index.ts';
import { openHashesOfSource, openHashesOfWarehouse, openSource, openWarehouse } from './databases.ts';
import { generate } from './generate.ts';
import { openKafka } from './kafka-client.ts';
import {
  measuredLanes,
  measuredLoads,
  measuredManifest,
  measuredReplays,
  measuredStore,
  toldWarehouse,
  type Tell,
} from './measured-ports.ts';
import type { Metrics } from './metrics.ts';
import { keepByName } from './once.ts';
import { makeScratch } from './scratch.ts';
import { connectTemporal } from './temporal-client.ts';
import { openTemporalPorts } from './temporal-ports.ts';

/** Statements of the control database take milliseconds; one that waits for a lock of its like, some more. */
const CONTROL_ANSWER_MS = 60_000;

type Activities = Record<string, (...args: never[]) => Promise<unknown>>;

export interface OpenedActivities {
  byQueue: Readonly<Record<QueueName, Activities>>;
  close(): Promise<void>;
}

function currentPulse(): Pulse {
  const context = Context.current();
  return {
    beat: (details) => context.heartbeat(details),
    throwIfCancelled() {
      if (context.cancellationSignal.aborted) throw new CancelledFailure('the activity was told to stop');
    },
    signal: context.cancellationSignal,
  };
}

/**
 * @param name of this worker process, for claims and connections
 * @param tell hears what became durable, with its fields
 */
export async function openActivities(
  settings: Settings,
  name: string,
  metrics: Metrics,
  tell: Tell,
): Promise<OpenedActivities> {
  const scratch = await makeScratch(settings.worker.scratch);
  const control = openPool(settings.control, 'worker', 12, [], CONTROL_ANSWER_MS);
  let temporal: Promise<{ connection: Connection; client: Client }> | undefined;
  const client = async () => (await (temporal ??= connectTemporal(settings.temporal))).client;
  const { pokeLand, landStatus, isWorkflowOpen } = openTemporalPorts(client);

  const connection = (wanted: string) => connectionOf(settings, wanted);
  const sources = keepByName((wanted) => openSource(connection(wanted)));
  const warehouses = keepByName((wanted) => toldWarehouse(openWarehouse(connection(wanted)), tell));
  const sourceHashes = keepByName((wanted) => openHashesOfSource(connection(wanted)));
  const warehouseHashes = keepByName((wanted) => openHashesOfWarehouse(connection(wanted)));
  const { topics, openLane, openReader } = await openKafka(settings.kafka);
  const objects = openObjectStore(settings.s3);
  const store = measuredStore(objects, metrics);
  const lakeFiles = await openLakeFiles({ scratch, threads: settings.worker.queryThreads });
  const manifest = measuredManifest(openManifest(control), metrics, tell);
  const loads = measuredLoads(openLoadStore(control), metrics, tell);
  const letters = openLetters(control);

  const shared = { store, lakeFiles, scratch };
  const replay = createReplayActivities(
    {
      replays: measuredReplays(openReplays(control), metrics, tell),
      letters,
      topics,
      store,
      openSource: sources.get,
      openWarehouse: warehouses.get,
      openLane: measuredLanes(openLane, metrics),
      isWorkflowOpen,
    },
    currentPulse,
  );
  const land = createLandActivities(
    {
      ...shared,
      manifest,
      letters,
      openLane,
      openReader,
      topicAdmin: topics,
      isWorkflowOpen,
      worker: { landMemoryBytes: settings.worker.landMemoryBytes, scratch, name },
    },
    currentPulse,
  );
  const requests = createLandRequestActivities({ manifest, topicAdmin: topics, pokeLand, landStatus }, currentPulse);
  const intervals = createIntervalActivities(openIntervals(control));
  const load = createLoadActivities(
    {
      ...{ ...shared, loads, verify: openVerifyStore(control), manifest, openReader, openWarehouse: warehouses.get },
      replacements: openReplacements(control),
    },
    currentPulse,
  );
  const verify = createVerifyActivities(
    {
      ...shared,
      verify: openVerifyStore(control),
      loads,
      openSourceHashes: sourceHashes.get,
      openWarehouseHashes: warehouseHashes.get,
      openWarehouse: warehouses.get,
    },
    currentPulse,
  );
  const generating = createGenerateActivities(
    { generate: (request, options) => generate(settings, request, options) },
    currentPulse,
  );
  return {
    byQueue: {
      orchestrate: { ...requests, ...intervals },
      read: { ...replay, ...generating },
      land,
      load: { ...load, ...verify },
    },
    async close() {
      await Promise.allSettled([
        sources.closeAll(),
        warehouses.closeAll(),
        sourceHashes.closeAll(),
        warehouseHashes.closeAll(),
        topics.close(),
        lakeFiles.close(),
        temporal?.then(async (opened) => opened.connection.close()),
      ]);
      objects.close();
      await control.end();
      await rm(scratch, { recursive: true, force: true });
    },
  };
}
