/** `runPipeline` where its children's ids are taken, as a reset of it leaves them; with fake activities on the real server. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { Context } from '@temporalio/activity';
import type { PublishRequest } from '../../activities/publish-chunk.ts';
import type { PipelineSpec } from '../../contracts/pipeline.ts';
import { PROGRESS_QUERY, type Progress, type RunReport, TASK_QUEUES, WORKFLOWS } from '../../contracts/temporal.ts';
import { openNamespace, type TestNamespace } from './namespace.ts';

const spec: PipelineSpec = {
  name: 'p',
  source: { connection: 'sales', table: { schema: 'public', table: 't' }, chunkRows: 10, lanes: 1 },
  topic: { name: 't', partitions: 1 },
  lake: { bucket: 'lake', prefix: 'raw/t', format: 'parquet', rotate: { records: 1, bytes: 1, ageMs: 1 } },
  warehouse: { connection: 'warehouse', table: { schema: 'mart', table: 't' }, mode: 'upsert' },
};
const plan = { topicId: 'T', laneModulus: 4, empty: false, nullEventRows: 0, estimatedRows: 10 };
const input = { spec, replayId: 'r', scope: {} };
let temporal: TestNamespace;

beforeAll(async () => {
  temporal = await openNamespace();
});
afterAll(() => temporal.close());

test('load and verify of before give way, the replay of before is waited for, and the run ends', async () => {
  let publish: () => void = () => undefined;
  const published = new Promise<void>((resolve) => (publish = resolve));
  const chunks: number[] = [];
  let [loads, verifies] = [0, 0];
  /** The first call hangs until its workflow is gone. */
  const hang = async (): Promise<void> => {
    const beats = setInterval(() => Context.current().heartbeat(), 100);
    await Context.current().cancelled.catch(() => undefined);
    clearInterval(beats);
  };
  const done = () => Promise.resolve();
  const read = {
    planReplay: () => Promise.resolve({ ...plan, replayId: 'r' }),
    takeTurn: () => Promise.resolve(null),
    findChunks: () => Promise.resolve({ known: 1, complete: true }),
    publishChunk: async ({ chunk }: PublishRequest) => {
      await published;
      chunks.push(chunk);
      return { chunk, rows: 10, done: true };
    },
    finishReplay: () => Promise.resolve({ ends: { 0: 10 }, rows: 10 }),
  };
  const load = {
    loadSealed: async () => {
      if (++loads === 1) await hang();
      return { rows: 10, cuts: 1, batches: 1, letters: 0, ledger: { 0: 10 }, done: true };
    },
    verifyReplay: async () => {
      if (++verifies === 1) await hang();
      return {
        ...{ ok: true, pipeline: 'p', replayId: 'r', skips: [], discardReasons: [], seconds: { verify: 1 } },
        rows: { source: 10, replayed: 10, landed: 10, loaded: 10 },
      };
    },
  };
  const orchestrate = { requestLanding: done, setLandingEnds: done, endLandingRequest: done, awaitLanded: done };

  const work = async () => {
    const start = async (type: string, workflowId: string, args: unknown[]) => {
      const options = { taskQueue: TASK_QUEUES.orchestrate, workflowId, args };
      const { firstExecutionRunId } = await temporal.client.workflow.start(type, options);
      // This one, and not whichever is the last of its id.
      return temporal.client.workflow.getHandle(workflowId, firstExecutionRunId);
    };
    const before = {
      replay: await start(WORKFLOWS.replay, 'replay/p/r', [input]),
      load: await start(WORKFLOWS.load, 'load/p/r', [{ spec }]),
      verify: await start(WORKFLOWS.verify, 'verify/p/r', [{ spec }]),
    };
    await expect.poll(() => [loads, verifies], { timeout: 20_000 }).toEqual([1, 1]);
    const run = await start(WORKFLOWS.run, 'run/p/r', [input]);
    const told = async () => (await run.query<Progress>(PROGRESS_QUERY)).text;
    await expect.poll(told, { timeout: 20_000 }).toContain('replay/p/r runs already');
    expect((await before.load.describe()).status.name).toBe('TERMINATED');
    publish();
    const report = (await run.result()) as RunReport;
    expect(report.ok).toBe(true);
    expect((await before.replay.describe()).status.name).toBe('COMPLETED');
    expect((await before.verify.describe()).status.name).toBe('TERMINATED');
    // By the one of before, and once more, when it finds all done.
    expect(chunks).toEqual([0, 0]);
  };
  await temporal.whileServing({ read, load, orchestrate }, () => work().finally(publish));
});
