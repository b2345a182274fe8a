/** Intervals whose workflow ended without recording it are failed ones; those that end while they are looked at are not. */
import { expect, test } from 'vitest';
import { withEnds } from '../../cli/interval-ends.ts';
import type { IntervalLook } from '../../contracts/intervals.ts';

const row = (workflowId: string, state: IntervalLook['state']): IntervalLook => ({
  ...{ from: 'a', to: workflowId, madeBy: 'backfill', state, workflowId, replayId: 'r', attempts: 1, rows: null },
  ...{ error: null, startedAt: 'a', endedAt: null },
});

test.each<[string, IntervalLook['state'], string | null, Partial<IntervalLook>]>([
  ['running, it stays', 'running', 'RUNNING', { state: 'running', error: null }],
  ['terminated', 'running', 'TERMINATED', { state: 'failed', error: expect.stringContaining('terminated') as string }],
  ['forgotten by Temporal', 'running', null, { state: 'failed', error: expect.stringContaining('gone') as string }],
  ['ended between the two looks, it is what it recorded', 'done', 'COMPLETED', { state: 'done', error: null }],
])('%s', async (_what, second, status, found) => {
  const looks = [
    [row('1', 'running'), row('2', 'done')],
    [row('1', second), row('2', 'done')],
  ];
  const asked: string[] = [];
  const rows = await withEnds(
    () => Promise.resolve(looks.shift() ?? []),
    (workflowId) => Promise.resolve((asked.push(workflowId), status)),
  );
  expect(rows).toMatchObject([found, { state: 'done' }]);
  expect(asked).toEqual(['1']);
});
