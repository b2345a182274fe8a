/** The replay workflow's own logic, with fake activities on a real Temporal server. */
import { ApplicationFailure } from '@temporalio/common';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { PaceLimits } from '../../activities/ports/replays.ts';
import type { PublishRequest } from '../../activities/publish-chunk.ts';
import { fault } from '../../contracts/errors.ts';
import {
  type Progress,
  PROGRESS_QUERY,
  type ReplayReport,
  SIGNALS,
  UPDATES,
  TASK_QUEUES,
  WORKFLOWS,
} from '../../contracts/temporal.ts';
import { unique } from '../replay/setting.ts';
import { openNamespace, type TestNamespace } from './namespace.ts';

let temporal: TestNamespace;
beforeAll(async () => {
  temporal = await openNamespace();
});
afterAll(() => temporal.close());

const MODULUS = 4;

/** Activities of a replay with so many chunks; `publish` may be slow or fail. */
function fakes(chunks: number, publish: (request: PublishRequest, attempt: number) => Promise<void>) {
  const attempts = new Map<number, number>();
  const published: number[] = [];
  let running = 0;
  const seen = { most: 0, published, rates: [] as (number | null)[], skipped: [] as number[], withdrawn: 0 };
  return {
    seen,
    read: {
      planReplay: ({ replayId }: { replayId: string }) =>
        Promise.resolve({
          replayId,
          topicId: 't',
          laneModulus: MODULUS,
          empty: chunks === 0,
          nullEventRows: 0,
          estimatedRows: chunks,
        }),
      takeTurn: ({ pace }: { pace: PaceLimits }) => {
        seen.rates.push(pace.rowsPerSecond);
        return Promise.resolve(null);
      },
      setPace: ({ pace }: { pace: PaceLimits }) => {
        seen.rates.push(pace.rowsPerSecond);
        return Promise.resolve();
      },
      skipChunk: ({ chunk }: { chunk: number }) => {
        seen.skipped.push(chunk);
        return Promise.resolve();
      },
      withdrawReplay: () => {
        seen.withdrawn += 1;
        return Promise.resolve();
      },
      findChunks: ({ atLeast }: { atLeast: number }) =>
        Promise.resolve({ known: Math.min(chunks, atLeast), complete: atLeast >= chunks }),
      publishChunk: async (request: PublishRequest) => {
        running += 1;
        seen.most = Math.max(seen.most, running);
        const attempt = (attempts.get(request.chunk) ?? 0) + 1;
        attempts.set(request.chunk, attempt);
        try {
          await publish(request, attempt);
          published.push(request.chunk);
          return { chunk: request.chunk, rows: 10, done: true };
        } finally {
          running -= 1;
        }
      },
      finishReplay: () => Promise.resolve({ ends: { 0: 7 }, rows: published.length * 10 }),
    },
  };
}

function start(lanes: number, rate?: number) {
  const replayId = unique('r');
  const spec = { name: 'p', source: { lanes } };
  return temporal.client.workflow.start<(input: unknown) => Promise<ReplayReport>>(WORKFLOWS.replay, {
    workflowId: `replay/p/${replayId}`,
    taskQueue: TASK_QUEUES.orchestrate,
    args: [{ spec, replayId, scope: {}, ...(rate === undefined ? {} : { rate }) }],
  });
}

test('publishes every chunk once, no more than `lanes` at a time, a lane’s chunks in order', async () => {
  const { read, seen } = fakes(40, () => sleep(5));
  const report = await temporal.whileServing({ read }, async () => (await start(3)).result());
  expect(report).toMatchObject({ chunks: 40, rows: 400, ends: { 0: 7 } });
  expect(seen.most).toBeLessThanOrEqual(3);
  expect([...seen.published].sort((a, b) => a - b)).toEqual(Array.from({ length: 40 }, (_, i) => i));
  for (let lane = 0; lane < MODULUS; lane++) {
    const order = seen.published.filter((chunk) => chunk % MODULUS === lane);
    expect(order).toEqual([...order].sort((a, b) => a - b));
  }
});

test('a chunk in trouble holds up its own lane only, and is retried until it goes', async () => {
  let mended = false;
  const { read, seen } = fakes(16, ({ chunk }) =>
    chunk === 1 && !mended ? Promise.reject(fault('KafkaUnavailable', 'broker is away')) : Promise.resolve(),
  );
  await temporal.whileServing({ read }, async () => {
    const handle = await start(2);
    await expect.poll(() => seen.published.length, { timeout: 20_000 }).toBe(12);
    expect(seen.published.some((chunk) => chunk % MODULUS === 1)).toBe(false);
    mended = true;
    expect(await handle.result()).toMatchObject({ chunks: 16 });
  });
});

test('a fault that no retry can mend ends the replay with its cause, and nothing new is begun', async () => {
  const { read, seen } = fakes(30, ({ chunk }) =>
    chunk === 2 ? Promise.reject(fault('SourceChanged', 'column gone')) : Promise.resolve(),
  );
  await temporal.whileServing({ read }, async () => {
    const handle = await start(1);
    const failure = await handle.result().catch((error: unknown) => error);
    let cause: unknown = failure;
    while (cause instanceof Error && !(cause instanceof ApplicationFailure)) cause = cause.cause;
    expect(cause).toMatchObject({ type: 'SourceChanged', nonRetryable: true, message: 'column gone' });
    expect(seen.published).toEqual([0, 1]);
  });
});

test('pause, resume, rate and lanes can be changed while it runs', async () => {
  const { read, seen } = fakes(12, () => sleep(100));
  await temporal.whileServing({ read }, async () => {
    const handle = await start(1, 1_000);
    await expect.poll(() => seen.published.length, { timeout: 20_000 }).toBeGreaterThan(1);
    await handle.signal(SIGNALS.pause);
    await expect.poll(async () => (await handle.query<Progress>(PROGRESS_QUERY)).paused).toBe(true);
    await sleep(400);
    const before = seen.published.length;
    await sleep(500);
    expect(seen.published.length).toBe(before);
    await handle.signal(SIGNALS.setRate, null);
    await handle.signal(SIGNALS.setLanes, 4);
    await handle.signal(SIGNALS.resume);
    expect(await handle.result()).toMatchObject({ chunks: 12 });
    expect(seen.rates[0]).toBe(1_000);
    expect(seen.rates.at(-1)).toBeNull();
    expect(seen.most).toBeGreaterThan(1);
  });
});

test('a chunk that fails for a reason of its own waits for a person, and holds up its own lane only', async () => {
  let mended = false;
  const { read, seen } = fakes(16, ({ chunk }) =>
    (chunk === 1 && !mended) || chunk === 2
      ? Promise.reject(fault('TopicUnsuited', `record of chunk ${chunk} is too large`))
      : Promise.resolve(),
  );
  await temporal.whileServing({ read }, async () => {
    const handle = await start(2);
    await expect.poll(() => seen.published.length, { timeout: 20_000 }).toBe(8);
    const told = async (): Promise<string> => (await handle.query<Progress>(PROGRESS_QUERY)).text;
    await expect.poll(told, { timeout: 20_000 }).toContain('chunk 2 waits for retryChunk or skipChunk');
    await expect(handle.executeUpdate(UPDATES.retryChunk, { args: [{ chunk: 0 }] })).rejects.toThrow();
    await expect(handle.executeUpdate(UPDATES.skipChunk, { args: [{ chunk: 2, reason: ' ' }] })).rejects.toThrow();
    mended = true;
    await handle.executeUpdate(UPDATES.retryChunk, { args: [{ chunk: 1 }] });
    await handle.executeUpdate(UPDATES.skipChunk, { args: [{ chunk: 2, reason: 'not wanted' }] });
    expect(await handle.result()).toMatchObject({ chunks: 15 });
    expect(seen.skipped).toEqual([2]);
    expect(seen.published).not.toContain(2);
  });
});

test('cancelled, it lets what runs end, gives its place up and is cancelled', async () => {
  const { read, seen } = fakes(8, () => sleep(300));
  await temporal.whileServing({ read }, async () => {
    const handle = await start(2);
    await expect.poll(() => seen.published.length, { timeout: 20_000 }).toBeGreaterThan(0);
    await handle.cancel();
    await expect(handle.result()).rejects.toThrow();
    expect((await handle.describe()).status.name).toBe('CANCELLED');
    expect(seen.withdrawn).toBe(1);
  });
});

test('cancelled while it asks for its turn, it gives the place up after the answer, not before', async () => {
  const { read, seen } = fakes(8, () => Promise.resolve());
  const order: string[] = [];
  const slow = {
    ...read,
    takeTurn: async () => {
      order.push('asked');
      await sleep(1_500);
      order.push('taken');
      return null;
    },
    withdrawReplay: () => {
      order.push('withdrawn');
      return Promise.resolve();
    },
  };
  await temporal.whileServing({ read: slow }, async () => {
    const handle = await start(2);
    await expect.poll(() => order).toEqual(['asked']);
    await handle.cancel();
    await expect(handle.result()).rejects.toMatchObject({ cause: { name: 'CancelledFailure' } });
    expect(order).toEqual(['asked', 'taken', 'withdrawn']);
    expect(seen.published).toEqual([]);
  });
});

test('cancelled while a new rate is being told, it is cancelled all the same', async () => {
  const { read, seen } = fakes(10, () => sleep(600));
  let telling = false;
  const slow = {
    ...read,
    setPace: async () => {
      telling = true;
      await sleep(1_500);
    },
  };
  const outcome = await temporal.whileServing({ read: slow }, async () => {
    const replay = await start(2);
    await expect.poll(() => seen.most).toBeGreaterThan(0);
    await replay.signal(SIGNALS.setRate, 5);
    await expect.poll(() => telling).toBe(true);
    await replay.cancel();
    const ended = await replay.result().catch((error: unknown) => error);
    const { events } = await replay.fetchHistory();
    return { ended, failedTasks: events?.filter(({ workflowTaskFailedEventAttributes: failed }) => failed) };
  });
  expect(outcome).toMatchObject({ ended: { cause: { name: 'CancelledFailure' } }, failedTasks: [] });
  expect(seen.withdrawn).toBe(1);
});

test('an empty table ends at once', async () => {
  const { read } = fakes(0, () => Promise.resolve());
  expect(await temporal.whileServing({ read }, async () => (await start(2)).result())).toMatchObject({
    chunks: 0,
    rows: 0,
  });
});

test('its page says that a chunk is under way, whose rows nobody has told yet', async () => {
  const { read, seen } = fakes(1, () => sleep(3_000));
  await temporal.whileServing({ read }, async () => {
    const handle = await start(1);
    await expect.poll(() => seen.most, { timeout: 20_000 }).toBe(1);
    await handle.signal(SIGNALS.pause);
    const { text } = await handle.query<Progress>(PROGRESS_QUERY);
    expect(text).toBe('paused: 0 rows in 0 whole chunks, 1 chunk under way');
    await handle.signal(SIGNALS.resume);
    await handle.result();
  });
});

test('a run’s page leaves it to its replay whether that publishes or waits for its turn', async () => {
  const { read } = fakes(1, () => Promise.resolve());
  const replayId = unique('r');
  const orchestrate = { requestLanding: () => Promise.resolve(), endLandingRequest: () => Promise.resolve() };
  const waiting = { ...read, takeTurn: () => Promise.resolve('another') };
  await temporal.whileServing({ read: waiting, orchestrate }, async () => {
    const run = await temporal.client.workflow.start(WORKFLOWS.run, {
      workflowId: `run/p/${replayId}`,
      taskQueue: TASK_QUEUES.orchestrate,
      args: [{ spec: { name: 'p', source: { lanes: 1 }, lake: { bucket: 'b', prefix: 'p' } }, replayId, scope: {} }],
    });
    const told = async (): Promise<string> => (await run.query<Progress>(PROGRESS_QUERY)).text;
    await expect.poll(told, { timeout: 20_000 }).toContain(`replay/p/${replayId}, which says whether`);
    await run.terminate();
  });
});
