/** `runInterval` that is cancelled: a backfill waits for the end of each of its intervals, so each has one on record. */
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { CloseIntervalRequest } from '../../activities/run-interval.ts';
import type { IntervalInput } from '../../contracts/intervals.ts';
import { TASK_QUEUES, WORKFLOWS } from '../../contracts/temporal.ts';
import { unique } from '../replay/setting.ts';
import { openNamespace, type TestNamespace } from './namespace.ts';

const input: IntervalInput = {
  spec: {
    name: 'p',
    source: { connection: 'sales', table: { schema: 'public', table: 't' }, chunkRows: 10, lanes: 1 },
    topic: { name: 't', partitions: 1 },
    lake: { bucket: 'lake', prefix: 'raw/t', format: 'parquet', rotate: { records: 1, bytes: 1, ageMs: 1 } },
    warehouse: { connection: 'warehouse', table: { schema: 'mart', table: 't' }, mode: 'upsert' },
  },
  ...{ stepMs: 60_000, madeBy: 'backfill' },
};
const opened = { from: '2026-03-01T00:00:00.000Z', to: '2026-03-01T00:01:00.000Z', replayId: 'r', scope: {} };
let temporal: TestNamespace;

beforeAll(async () => {
  temporal = await openNamespace();
});
afterAll(() => temporal.close());

test.each(['before a worker takes it', 'while it is being recorded'])(
  'cancelled %s, it is recorded, and as ended',
  async (when) => {
    const seen = { opening: false, opened: 0, closed: [] as CloseIntervalRequest[] };
    const orchestrate = {
      openInterval: async () => {
        seen.opening = true;
        await sleep(1_000);
        seen.opened += 1;
        return { ...opened, done: false, rows: 0 };
      },
      closeInterval: (request: CloseIntervalRequest) => {
        seen.closed.push(request);
        return Promise.resolve();
      },
    };
    const options = { taskQueue: TASK_QUEUES.orchestrate, workflowId: `interval/${unique('p')}`, args: [input] };
    const handle = await temporal.client.workflow.start(WORKFLOWS.interval, options);
    if (when.startsWith('before')) await handle.cancel();
    await temporal.whileServing({ orchestrate }, async () => {
      await expect.poll(() => seen.opening, { timeout: 20_000 }).toBe(true);
      if (when.startsWith('while')) await handle.cancel();
      await expect(handle.result()).rejects.toMatchObject({ cause: { name: 'CancelledFailure' } });
    });
    expect(seen).toMatchObject({ opened: 1, closed: [{ outcome: { error: 'it was cancelled' } }] });
  },
);
