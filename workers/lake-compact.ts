/** Merges a lake's small objects in the command's own process: it must do so when no worker runs, and takes none's time. */
import { rm } from 'node:fs/promises';
import { compactLake, type CompactRequest } from '../activities/compact-lake.ts';
import { openLakeFiles } from '../connectors/duckdb/lake-files.ts';
import { openLoadStore } from '../connectors/postgres/load-store.ts';
import { openManifest } from '../connectors/postgres/manifest-store.ts';
import { openPool } from '../connectors/postgres/pool.ts';
import { openReplacements } from '../connectors/postgres/replacement-store.ts';
import { openObjectStore } from '../connectors/s3/object-store.ts';
import type { CompactedCuts, CompactReport } from '../contracts/compact.ts';
import type { Settings } from '../contracts/settings.ts';
import { requireMigrated } from './migrate.ts';
import { makeScratch } from './scratch.ts';

export async function compactLakeOf(
  settings: Settings,
  request: CompactRequest,
  signal: AbortSignal,
  tell: (done: CompactedCuts) => void,
): Promise<CompactReport> {
  await requireMigrated(settings);
  const scratch = await makeScratch(settings.worker.scratch);
  const control = openPool(settings.control, 'lake compact', 1);
  const store = openObjectStore(settings.s3);
  const lakeFiles = await openLakeFiles({ scratch, threads: settings.worker.queryThreads });
  const stores = { loads: openLoadStore(control), manifest: openManifest(control), store, lakeFiles, scratch };
  try {
    return await compactLake({ ...stores, replacements: openReplacements(control) }, request, signal, tell);
  } finally {
    store.close();
    await Promise.allSettled([lakeFiles.close(), control.end()]);
    await rm(scratch, { recursive: true, force: true });
  }
}
