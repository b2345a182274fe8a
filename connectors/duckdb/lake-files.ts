/** The port LakeFiles on DuckDB: lake files are made, read and summed up without a JavaScript object a row. */
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { LakeFiles } from '../../activities/ports/lake-files.ts';
import { createSpareBuffers } from '../../formats/spare-buffers.ts';
import { encodeCut } from './encode-cut.ts';
import { exportForLoad } from './export-load.ts';
import { firstRows } from './first-rows.ts';
import { rowsOfBuckets, sumsByBucket, sumsByChunk, sumsOfBoth } from './hash-rows.ts';
import { openDuckDb } from './instance.ts';
import { mergeFiles } from './merge-files.ts';

export interface LakeFilesOptions {
  /** Where DuckDB may spill to; absent: the system's place for temporary files. */
  scratch?: string;
  /** For one query of a load or of verify. */
  threads?: number;
  /** Each of the two databases. */
  memoryLimitMb?: number;
}

const DEFAULT_THREADS = 2;
/**
 * A cut is small, and several are encoded side by side, each in a thread of Node's pool. A second thread a query costs 0.2 s
 * of processor time a million rows (2.5 against 2.3 in cuts of 10,000, 1.9 against 1.7 in cuts of 50,000), and 0.7 s on a busy
 * machine, spent in handing the work out. Threads are a database's setting, so the encoder has a database of its own.
 */
const ENCODE_THREADS = 1;
/** Kept for the next cuts' lines: of two cuts of 100,000 rows, which are 24 MB each in a usual table. */
const SPARE_BYTES = 64 * 1024 * 1024;
/** Enough for a cut of 64 MiB or a load of a million rows beside each other; beyond, it spills. */
const DEFAULT_MEMORY_MB = 256;

/** @throws Fault WorkerFault when DuckDB's build lacks what is needed */
export async function openLakeFiles(options: LakeFilesOptions): Promise<LakeFiles & { close(): Promise<void> }> {
  const tempDirectory = await mkdtemp(join(options.scratch ?? tmpdir(), 'headrace-duckdb-'));
  const open = async (name: string, threads: number, keepConnections: boolean) => {
    const own = join(tempDirectory, name);
    await mkdir(own);
    const memoryLimitMb = options.memoryLimitMb ?? DEFAULT_MEMORY_MB;
    return openDuckDb({ threads, memoryLimitMb, tempDirectory: own, keepConnections });
  };
  const duckdb = await open('all', options.threads ?? DEFAULT_THREADS, false);
  const encoder = { duckdb: await open('encode', ENCODE_THREADS, true), spares: createSpareBuffers(SPARE_BYTES) };
  return {
    encode: (input, directory) => encodeCut(encoder, input, directory),
    merge: (...query) => mergeFiles(duckdb, ...query),
    exportForLoad: (...query) => exportForLoad(duckdb, ...query),
    sumsByChunk: (...query) => sumsByChunk(duckdb, ...query),
    sumsByBucket: (...query) => sumsByBucket(duckdb, ...query),
    sumsOfBoth: (...query) => sumsOfBoth(duckdb, ...query),
    firstRows: (...query) => firstRows(duckdb, ...query),
    rowsOfBuckets: (...query) => rowsOfBuckets(duckdb, ...query),
    async close() {
      encoder.duckdb.close();
      duckdb.close();
      await rm(tempDirectory, { recursive: true, force: true });
    },
  };
}
