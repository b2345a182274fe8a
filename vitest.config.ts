/**
 * Two groups, one after the other: what only uses the services, two files at a time; then what kills and starts them, or
 * workers, or lose a database, or look at all that a service keeps, one file at a time. The Kafka binding loads in one thread of a process only, so the pool is forks.
 */
import { defineConfig } from 'vitest/config';

const faults = [
  'test/stack/**/*.test.ts',
  'test/faults/**/*.test.ts',
  'test/e2e/**/*.test.ts',
  'test/recovery/**/*.test.ts',
  'test/security/**/*.test.ts',
  'test/generators/generate.test.ts',
  'test/generators/mysql-rows.test.ts',
];
const shared = { pool: 'forks' as const, testTimeout: 60_000, hookTimeout: 120_000 };

export default defineConfig({
  test: {
    globalSetup: 'test/global-setup.ts',
    reporters: ['default'],
    projects: [
      {
        test: {
          ...shared,
          name: 'parts',
          include: ['test/**/*.test.ts'],
          exclude: faults,
          maxWorkers: 2,
          sequence: { groupOrder: 0 },
        },
      },
      {
        test: {
          ...shared,
          name: 'whole',
          // Kills are aimed at the middle of a hop; on a busy machine one may miss it. Vitest shows what it ran twice.
          retry: 1,
          include: faults,
          maxWorkers: 1,
          fileParallelism: false,
          sequence: { groupOrder: 1 },
        },
      },
    ],
  },
});
