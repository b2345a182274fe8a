/** The fault matrix has a run of its own: its cells take long, and run side by side in one process. See main.ts. */
import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    root: new URL('../..', import.meta.url).pathname,
    globalSetup: 'test/global-setup.ts',
    include: ['test/fault-matrix/*.cells.ts'],
    pool: 'forks',
    fileParallelism: false,
    maxConcurrency: 400, // slots bound it
    hookTimeout: 120_000,
    retry: 0,
  },
});
