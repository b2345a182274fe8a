/** Rebuilding a lost manifest, and looking for orphans, in the command's own process: neither needs a worker or Temporal. */
import { rm } from 'node:fs/promises';
import { findOrphans } from '../activities/lake-orphans.ts';
import { findManifest } from '../activities/recover-find.ts';
import type { RecoverPorts, RecoverRequest } from '../activities/recover-ports.ts';
import { writeManifest } from '../activities/recover-write.ts';
import { openLakeFiles } from '../connectors/duckdb/lake-files.ts';
import { openManifest } from '../connectors/postgres/manifest-store.ts';
import { openPool } from '../connectors/postgres/pool.ts';
import { openRecoveryStore } from '../connectors/postgres/recovery-store.ts';
import { openReplacements } from '../connectors/postgres/replacement-store.ts';

import { openSource, openWarehouse } from './databases.ts';
import { openObjectStore } from '../connectors/s3/object-store.ts';
import type { PipelineSpec } from '../contracts/pipeline.ts';
import type { OrphansReport, RecoveryReport } from '../contracts/recovery.ts';
import type { Settings } from '../contracts/settings.ts';
import { connectionOf } from './config/index.ts';
import { openKafka } from './kafka-client.ts';
import { migrate } from './migrate.ts';
import { keepByName } from './once.ts';
import { makeScratch } from './scratch.ts';

/** @param write false: only looks */
export async function recoverManifest(
  settings: Settings,
  request: RecoverRequest,
  write: boolean,
): Promise<RecoveryReport> {
  const scratch = await makeScratch(settings.worker.scratch);
  const control = openPool(settings.control, 'recover', 2);
  const sources = keepByName((wanted) => openSource(connectionOf(settings, wanted)));
  const warehouses = keepByName((wanted) => openWarehouse(connectionOf(settings, wanted)));
  const { topics, openLane, openReader } = await openKafka(settings.kafka);
  const store = openObjectStore(settings.s3);
  const lakeFiles = await openLakeFiles({ scratch, threads: settings.worker.queryThreads });
  const ports: RecoverPorts = {
    ...{ store, lakeFiles, scratch, openLane, openReader },
    topicAdmin: topics,
    openSource: sources.get,
    openWarehouse: warehouses.get,
    recovery: openRecoveryStore(control),
    manifest: openManifest(control),
    migrate: async () => {
      await migrate(settings);
    },
  };
  try {
    const findings = await findManifest(ports, request);
    return write ? await writeManifest(ports, findings) : findings.report;
  } finally {
    await Promise.allSettled([
      sources.closeAll(),
      warehouses.closeAll(),
      topics.close(),
      lakeFiles.close(),
      control.end(),
    ]);
    store.close();
    await rm(scratch, { recursive: true, force: true });
  }
}

export async function lakeOrphans(
  settings: Settings,
  request: { spec: PipelineSpec; olderThanMs: number; remove: boolean },
): Promise<OrphansReport> {
  const control = openPool(settings.control, 'orphans', 1);
  const store = openObjectStore(settings.s3);
  try {
    return await findOrphans(
      { store, recovery: openRecoveryStore(control), replacements: openReplacements(control) },
      request,
    );
  } finally {
    store.close();
    await control.end();
  }
}
