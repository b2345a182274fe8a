/** `landDataset` with hand-made activities on the real Temporal server: when it runs which shares, and when it ends. */
import { randomUUID } from 'node:crypto';
import { ApplicationFailure, CancelledFailure, Context } from '@temporalio/activity';
import { type WorkflowHandle, WithStartWorkflowOperation, WorkflowFailedError } from '@temporalio/client';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import type { LandShare, LandShareReport } from '../../activities/land-ports.ts';
import type { PipelineSpec } from '../../contracts/pipeline.ts';
import { type LandInput, type Progress, TASK_QUEUES } from '../../contracts/temporal.ts';
import type { EnsureLanding, landDataset } from '../../workflows/land.ts';
import { type TestNamespace, openNamespace } from './namespace.ts';

/** One call of a hand-made land activity, waiting for the test to say how it ends. */
interface Call {
  share: LandShare;
  attempt: number;
  cancelled: () => boolean;
  report: (report: Partial<LandShareReport>) => void;
  fail: (error: Error) => void;
}

const PARTITIONS = 5;
let temporal: TestNamespace;
let serving: Promise<void>;
let stopServing: () => void = () => undefined;
let calls: Call[] = [];
let active = 0;
let mostGenerations = 0;
let standingEnded: string[] = [];
/** What the topic is described with. */
let topic = { topicId: 'topic-id', partitions: PARTITIONS };

const generations = new Map<number, number>();
const enter = (generation: number, by: number): void => {
  generations.set(generation, (generations.get(generation) ?? 0) + by);
  active += by;
  mostGenerations = Math.max(mostGenerations, [...generations.values()].filter((n) => n > 0).length);
};

const activities = {
  describeLanding: () => Promise.resolve({ ...topic, generation: 10 }),
  endStandingRequests: ({ spec }: { spec: PipelineSpec }) => {
    standingEnded.push(spec.topic.name);
    return Promise.resolve();
  },
  async landPartitions(share: LandShare): Promise<LandShareReport> {
    const context = Context.current();
    enter(share.generation, 1);
    const beats = setInterval(() => context.heartbeat(), 100);
    try {
      return await new Promise<LandShareReport>((resolve, reject) => {
        const none = { reason: 'idle' as const, rows: 0, cuts: 0, objects: 0, letters: 0, openSince: {} };
        context.cancelled.catch((error: unknown) => {
          if (error instanceof CancelledFailure) setTimeout(() => resolve({ ...none, reason: 'drained' }), 200);
        });
        calls.push({
          share,
          attempt: context.info.attempt,
          cancelled: () => context.cancellationSignal.aborted,
          report: (report) => resolve({ ...none, ...report }),
          fail: reject,
        });
      });
    } finally {
      clearInterval(beats);
      enter(share.generation, -1);
    }
  },
};

beforeAll(async () => {
  temporal = await openNamespace();
  // Served from the first test to the last: bundling the workflows takes longer than the tests.
  serving = temporal.whileServing({ land: activities }, () => new Promise<void>((resolve) => (stopServing = resolve)));
}, 120_000);
afterAll(async () => {
  stopServing();
  await serving;
  await temporal.close();
});
beforeEach(() => {
  calls = [];
  generations.clear();
  active = mostGenerations = 0;
  standingEnded = [];
  topic = { topicId: 'topic-id', partitions: PARTITIONS };
});

function input(parallelism?: number): LandInput {
  const name = `topic-${randomUUID().slice(0, 8)}`;
  const spec: PipelineSpec = {
    name,
    source: { connection: 'sales', table: { schema: 'public', table: name }, chunkRows: 1_000, lanes: 1 },
    topic: { name, partitions: PARTITIONS },
    lake: { bucket: 'lake', prefix: name, format: 'parquet', rotate: { records: 1, bytes: 1, ageMs: 1 } },
    warehouse: { connection: 'warehouse', table: { schema: 'public', table: name }, mode: 'upsert' },
  };
  return { spec, ...(parallelism === undefined ? {} : { parallelism }) };
}

async function poke(
  wanted: LandInput,
  acceptLoss = false,
  partitions?: number,
): Promise<WorkflowHandle<typeof landDataset>> {
  const workflowId = `land/${wanted.spec.lake.bucket}/${wanted.spec.lake.prefix}`;
  const startWorkflowOperation = new WithStartWorkflowOperation<typeof landDataset>('landDataset', {
    ...{ workflowId, taskQueue: TASK_QUEUES.orchestrate, workflowIdConflictPolicy: 'USE_EXISTING', args: [wanted] },
  });
  await temporal.client.workflow.executeUpdateWithStart<typeof landDataset, undefined, [EnsureLanding]>(
    'ensureLanding',
    {
      startWorkflowOperation,
      args: [{ input: wanted, options: { acceptLoss, ...(partitions === undefined ? {} : { partitions }) } }],
    },
  );
  return temporal.client.workflow.getHandle<typeof landDataset>(workflowId);
}

/** The nth call, once it is there. */
async function call(index: number): Promise<Call> {
  await expect.poll(() => calls.length, { timeout: 20_000 }).toBeGreaterThan(index);
  const found = calls[index];
  if (!found) throw new Error('no such call');
  return found;
}
const partitionsOf = (some: readonly Call[]) => some.map(({ share }) => [...share.partitions]).sort();

test('one activity has all partitions; the workflow ends when it is idle and nobody poked since', async () => {
  const handle = await poke(input(), true);
  const first = await call(0);
  expect(first.share).toMatchObject({
    partitions: [0, 1, 2, 3, 4],
    generation: 11,
    topicId: 'topic-id',
    acceptLoss: true,
  });
  first.report({ reason: 'returned', rows: 5, cuts: 2, objects: 2, openSince: { 3: 77 } });
  const second = await call(1);
  expect(second.share).toMatchObject({ generation: 11, openSince: { 3: 77 } });
  second.report({ rows: 1, cuts: 1, objects: 1 });
  expect(await handle.result()).toEqual({ rows: 6, cuts: 3, objects: 3 });
});

test('a poke while the activity runs is not lost when that says idle', async () => {
  const wanted = input();
  const handle = await poke(wanted);
  const first = await call(0);
  await poke(wanted);
  first.report({});
  const second = await call(1);
  expect(second.share.generation).toBe(11);
  second.report({});
  await handle.result();
  expect(calls).toHaveLength(2);
});

test('shares are disjoint and complete; an idle share waits for the others and is woken by a poke', async () => {
  const wanted = input(2);
  const handle = await poke(wanted);
  await call(1);
  expect(partitionsOf(calls)).toEqual([
    [0, 2, 4],
    [1, 3],
  ]);
  const [one, two] = calls as [Call, Call];
  one.report({});
  await new Promise((resolve) => setTimeout(resolve, 500));
  expect(calls).toHaveLength(2);
  await poke(wanted);
  const again = await call(2);
  expect(again.share.partitions).toEqual(one.share.partitions);
  again.report({});
  two.report({});
  // The second began before the poke: it has to look once more.
  (await call(3)).report({});
  await handle.result();
  expect(calls).toHaveLength(4);
});

test('a changed parallelism ends every activity before the next generation begins', async () => {
  const handle = await poke(input(1));
  await call(0);
  await handle.signal('setParallelism', 3);
  await call(3);
  expect(calls[0]?.cancelled()).toBe(true);
  expect(partitionsOf(calls.slice(1))).toEqual([[0, 3], [1, 4], [2]]);
  expect(calls.slice(1).map(({ share }) => share.generation)).toEqual([12, 12, 12]);
  expect(mostGenerations).toBe(1);
  for (const each of calls.slice(1)) each.report({});
  await handle.result();
});

test('new rotation settings come with a poke and reach the activities; another topic is refused', async () => {
  const wanted = input();
  const handle = await poke(wanted);
  await call(0);
  const rotate = { records: 99, bytes: 9, ageMs: 9 };
  await poke({ spec: { ...wanted.spec, lake: { ...wanted.spec.lake, rotate } } });
  const second = await call(1);
  expect(second.share).toMatchObject({ generation: 12, spec: { lake: { rotate } } });
  const other = { spec: { ...wanted.spec, topic: { name: 'another', partitions: 1 } } };
  await expect(poke(other)).rejects.toMatchObject({ cause: { type: 'SettingsMismatch' } });
  second.report({});
  await handle.result();
});

test('a poke that knows of more partitions begins a generation with them; one that does not changes nothing', async () => {
  const wanted = input();
  const handle = await poke(wanted, false, PARTITIONS);
  const first = await call(0);
  await poke(wanted, false, PARTITIONS);
  topic.partitions = PARTITIONS + 1;
  await poke(wanted);
  await new Promise((resolve) => setTimeout(resolve, 500));
  expect(calls).toHaveLength(1);
  await poke(wanted, true, PARTITIONS + 1);
  const second = await call(1);
  expect(first.cancelled()).toBe(true);
  expect(second.share).toMatchObject({ partitions: [0, 1, 2, 3, 4, 5], generation: 12, acceptLoss: true });
  // The broker that is asked may lag behind the one that the requester asked.
  await poke(wanted, false, PARTITIONS + 3);
  const third = await call(2);
  expect(third.share.partitions).toEqual([0, 1, 2, 3, 4, 5, 6, 7]);
  third.report({});
  await handle.result();
  expect(calls).toHaveLength(3);
});

test('each generation looks at the topic anew, after continuing as new too; one made anew is not taken over', async () => {
  const handle = await poke(input());
  await call(0);
  topic.partitions = PARTITIONS + 1;
  await handle.signal('setParallelism', 2);
  await call(2);
  expect(partitionsOf(calls.slice(1))).toEqual([
    [0, 2, 4],
    [1, 3, 5],
  ]);
  topic.partitions = PARTITIONS + 2;
  for (let i = 0; i < 5; i += 1) await handle.signal('resume', 'x'.repeat(1 << 20));
  for (const each of calls.slice(1)) each.report({ reason: 'returned' });
  await call(4);
  expect(partitionsOf(calls.slice(3))).toEqual([
    [0, 2, 4, 6],
    [1, 3, 5],
  ]);
  topic = { topicId: 'another', partitions: PARTITIONS + 3 };
  await handle.signal('setParallelism', 1);
  const last = await call(5);
  expect(last.share).toMatchObject({ topicId: 'topic-id', partitions: [0, 1, 2, 3, 4, 5, 6], generation: 14 });
  last.report({});
  await handle.result();
}, 60_000);

test('pause ends the activities, resume begins a new generation, stop ends the workflow and what people asked for', async () => {
  const wanted = input();
  const handle = await poke(wanted);
  await call(0);
  await handle.signal('pause');
  await expect.poll(() => active, { timeout: 20_000 }).toBe(0);
  await expect.poll(() => handle.query('progress')).toMatchObject({ phase: 'paused', paused: true });
  await handle.signal('resume');
  expect((await call(1)).share.generation).toBe(12);
  await handle.signal('stop');
  await handle.result();
  expect(active).toBe(0);
  expect(standingEnded).toEqual([wanted.spec.topic.name]);
});

test('a transient failure is tried again, one that no retry mends fails the workflow with its cause, after all ended', async () => {
  const handle = await poke(input(2));
  (await call(0)).fail(ApplicationFailure.retryable('broker away', 'KafkaUnavailable'));
  const again = await call(2);
  expect(again.attempt).toBe(2);
  again.fail(ApplicationFailure.nonRetryable('offsets 5 to 9 expired', 'OffsetsExpired'));
  const error = await handle.result().catch((thrown: unknown) => thrown);
  expect(error).toBeInstanceOf(WorkflowFailedError);
  expect(error).toMatchObject({ cause: { cause: { type: 'OffsetsExpired', message: 'offsets 5 to 9 expired' } } });
  expect(active).toBe(0);
});

test('continues as new between activities, with its totals, settings and generation', async () => {
  const handle = await poke(input(2));
  await call(1);
  // Nothing was told yet, whatever is landed already.
  const text = async (): Promise<string> => (await handle.query<Progress>('progress')).text;
  expect(await text()).toMatch(/^landing: topic \S+, 2 at a time$/);
  await handle.signal('setParallelism', 1);
  const first = await call(2);
  // Temporal suggests it for a history of 4 MiB, too.
  for (let i = 0; i < 5; i += 1) await handle.signal('resume', 'x'.repeat(1 << 20));
  first.report({ reason: 'returned', rows: 7, cuts: 1, objects: 1, openSince: { 2: 55 } });
  const second = await call(3);
  expect(second.share).toMatchObject({ partitions: [0, 1, 2, 3, 4], generation: 13, openSince: { 2: 55 } });
  expect(await text()).toMatch(/, 7 rows in 1 cut told by 20\S+Z, 1 at a time$/);
  second.report({ rows: 1 });
  expect(await handle.result()).toMatchObject({ rows: 8 });
  const runs = new Set<string>();
  const query = `WorkflowId = '${handle.workflowId}'`;
  await expect
    .poll(async () => {
      for await (const run of temporal.client.workflow.list({ query })) runs.add(run.runId);
      return runs.size;
    })
    .toBe(2);
}, 60_000);
