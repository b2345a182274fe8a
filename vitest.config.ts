/**
 * Three groups, one after the other: what only uses the services; what runs workers, which are alone in a Temporal namespace of
 * their file's own; and, one file at a time, what kills the services, loses a database, or looks at all that a service keeps.
 * The Kafka binding loads in one thread of a process only, so the pool is forks.
 */
import { defineConfig } from 'vitest/config';
import { watchedForks } from './test/watched-forks.ts';

const alone = [
  'test/stack/**/*.test.ts',
  'test/faults/kill-services.test.ts',
  'test/recovery/**/*.test.ts',
  'test/e2e/after-load.test.ts',
  'test/security/{secrets,encryption}.test.ts',
];
const runs = [
  'test/faults/**/*.test.ts',
  'test/e2e/**/*.test.ts',
  'test/security/injection.test.ts',
  'test/generators/{generate,mysql-rows}.test.ts',
];
const shared = {
  pool: watchedForks(600_000), // the longest file takes 270 s on a quiet machine
  testTimeout: 60_000,
  hookTimeout: 120_000,
  expect: { poll: { timeout: 15_000 } }, // a second, the default, is short where both processors are taken
};
// Kills are aimed at the middle of a hop; on a busy machine one may miss it. Vitest shows what it ran twice.
const killing = { ...shared, retry: 1 };

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
          exclude: [...alone, ...runs],
          maxWorkers: 2,
          sequence: { groupOrder: 0 },
        },
      },
      {
        test: {
          ...killing,
          name: 'runs',
          include: runs,
          exclude: alone,
          setupFiles: 'test/own-namespace.ts',
          maxWorkers: 2, // with three, two cores were never idle, and each file took three times as long
          sequence: { groupOrder: 1 },
        },
      },
      {
        test: {
          ...killing,
          name: 'alone',
          include: alone,
          maxWorkers: 1,
          fileParallelism: false,
          sequence: { groupOrder: 2 },
        },
      },
    ],
  },
});
