/** What `status` says of a worker that was killed while the server still lists its polls. */
import { expect, test } from 'vitest';
import { workersText } from '../../cli/worker-list.ts';

test('a worker that missed its heartbeats is told apart from one that polls now and then', () => {
  const heardOf = '2026-11-22T09:00:00.000Z';
  const [killed, living] = workersText([
    { worker: 'vm/1', queues: ['read', 'land'], heardOf, secondsAgo: 40, silent: true },
    { worker: 'vm/2', queues: ['load'], heardOf, secondsAgo: 40, silent: false },
  ]).split('\n');
  expect(killed).toMatch(/^worker vm\/1 \(read, land\) was last heard of 40\.0 s ago: it may have been killed/);
  expect(living).toBe('worker vm/2 (load) was last heard of 40.0 s ago');
  expect(workersText([])).toBe('');
});
