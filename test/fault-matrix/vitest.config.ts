/** The fault matrix has a run of its own: its cells take long, and run side by side in one process. See main.ts. */
import { defineConfig } from 'vitest/config';
import { watchedForks } from '../watched-forks.ts';
import { isWhole, soakSeconds } from './plan.ts';

/** Of a file of cells, beside the soak: a whole matrix takes an hour of a quiet machine, the short form two minutes. */
const CELLS_SECONDS = isWhole() ? 4 * 3_600 : 900;

export default defineConfig({
  test: {
    root: new URL('../..', import.meta.url).pathname,
    globalSetup: 'test/global-setup.ts',
    include: ['test/fault-matrix/*.cells.ts'],
    pool: watchedForks((CELLS_SECONDS + soakSeconds()) * 1_000),
    fileParallelism: false,
    maxConcurrency: 400, // slots bound it
    hookTimeout: 120_000,
    retry: 0,
  },
});
