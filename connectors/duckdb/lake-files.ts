/** The port LakeFiles on DuckDB: lake files are made, read and summed up without a JavaScript object a row. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { LakeFiles } from '../../activities/ports/lake-files.ts';
import { encodeCut } from './encode-cut.ts';
import { exportForLoad } from './export-load.ts';
import { rowsOfBuckets, sumsByBucket, sumsByChunk } from './hash-rows.ts';
import { openDuckDb } from './instance.ts';

export interface LakeFilesOptions {
  /** Where DuckDB may spill to; absent: the system's place for temporary files. */
  scratch?: string;
  threads?: number;
  memoryLimitMb?: number;
}

const DEFAULT_THREADS = 2;
/** Enough for a cut of 64 MiB or a load of a million rows beside each other; beyond, it spills. */
const DEFAULT_MEMORY_MB = 256;

/** @throws Fault WorkerFault when DuckDB's build lacks what is needed */
export async function openLakeFiles(options: LakeFilesOptions): Promise<LakeFiles & { close(): Promise<void> }> {
  const tempDirectory = await mkdtemp(join(options.scratch ?? tmpdir(), 'headrace-duckdb-'));
  const duckdb = await openDuckDb({
    threads: options.threads ?? DEFAULT_THREADS,
    memoryLimitMb: options.memoryLimitMb ?? DEFAULT_MEMORY_MB,
    tempDirectory,
  });
  return {
    encode: (input, directory) => encodeCut(duckdb, input, directory),
    exportForLoad: (...query) => exportForLoad(duckdb, ...query),
    sumsByChunk: (...query) => sumsByChunk(duckdb, ...query),
    sumsByBucket: (...query) => sumsByBucket(duckdb, ...query),
    rowsOfBuckets: (...query) => rowsOfBuckets(duckdb, ...query),
    async close() {
      duckdb.close();
      await rm(tempDirectory, { recursive: true, force: true });
    },
  };
}
