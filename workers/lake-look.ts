/** Looks at the lake in the command's own process: they must answer when no worker runs. */
import { rm } from 'node:fs/promises';
import { lookAtLake, showRows } from '../activities/lake-look.ts';
import { openLakeFiles } from '../connectors/duckdb/lake-files.ts';
import { firstRows } from '../connectors/parquetjs/first-rows.ts';
import { openLoadStore } from '../connectors/postgres/load-store.ts';
import { openPool } from '../connectors/postgres/pool.ts';
import { openObjectStore } from '../connectors/s3/object-store.ts';
import type { LakeLook, LakeRowsLook } from '../contracts/lake-look.ts';
import type { LandingSpec } from '../contracts/pipeline.ts';
import type { Settings } from '../contracts/settings.ts';
import { landingOf, type TopicsSpec } from './config/index.ts';
import { openKafka } from './kafka-client.ts';
import { makeScratch } from './scratch.ts';

export async function readLakeLook(settings: Settings, spec: LandingSpec): Promise<LakeLook> {
  const control = openPool(settings.control, 'lake ls', 1);
  try {
    return await lookAtLake(openLoadStore(control), spec);
  } finally {
    await control.end();
  }
}

export async function readLakeRows(
  settings: Settings,
  spec: LandingSpec,
  wanted: Parameters<typeof showRows>[2],
): Promise<LakeRowsLook> {
  const scratch = await makeScratch(settings.worker.scratch);
  const control = openPool(settings.control, 'lake show', 1);
  const store = openObjectStore(settings.s3);
  const lakeFiles = await openLakeFiles({ scratch, threads: settings.worker.queryThreads });
  const readers = {
    duckdb: (...file: Parameters<typeof lakeFiles.firstRows>) => lakeFiles.firstRows(...file),
    parquetjs: firstRows,
  };
  try {
    return await showRows({ loads: openLoadStore(control), store, readers, scratch }, spec, wanted);
  } finally {
    store.close();
    await Promise.allSettled([lakeFiles.close(), control.end()]);
    await rm(scratch, { recursive: true, force: true });
  }
}

/** A landing each of the topics that match now. */
export async function matchingTopics({ kafka }: Settings, spec: TopicsSpec): Promise<LandingSpec[]> {
  const { topics } = await openKafka(kafka);
  try {
    return (await topics.list()).flatMap((topic) => landingOf(spec, topic) ?? []);
  } finally {
    await topics.close();
  }
}
