/** The load and verify workflows' own logic: rounds, retries, what stops them, and what they show. Activities are fakes. */
import { WorkflowFailedError } from '@temporalio/client';
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { LoadRequest, LoadRound } from '../../activities/load-sealed.ts';
import { fault } from '../../contracts/errors.ts';
import type { PipelineSpec } from '../../contracts/pipeline.ts';
import {
  type LoadReport,
  PROGRESS_QUERY,
  type Progress,
  SEARCH_ATTRIBUTES,
  TASK_QUEUES,
  type VerifyReport,
  WORKFLOWS,
} from '../../contracts/temporal.ts';
import { type TestNamespace, openNamespace } from './namespace.ts';

const spec: PipelineSpec = {
  name: 'p',
  source: { connection: 'sales', table: { schema: 'public', table: 't' }, chunkRows: 10, lanes: 2 },
  topic: { name: 't', partitions: 2 },
  lake: { bucket: 'lake', prefix: 'raw/t', format: 'parquet', rotate: { records: 1, bytes: 1, ageMs: 1 } },
  warehouse: { connection: 'warehouse', table: { schema: 'mart', table: 't' }, mode: 'upsert' },
};
const until = { topicId: 'T', ends: { 0: 10, 1: 20 } };
let temporal: TestNamespace;
let count = 0;

beforeAll(async () => {
  temporal = await openNamespace();
});
afterAll(async () => {
  await temporal.close();
});

function start(type: string, args: unknown[]) {
  const options = { taskQueue: TASK_QUEUES.orchestrate, workflowId: `test/${++count}`, args };
  return temporal.client.workflow.start(type, options);
}
const round = (more: Partial<LoadRound>): LoadRound => ({
  rows: 0,
  cuts: 0,
  batches: 0,
  letters: 0,
  ledger: {},
  done: false,
  ...more,
});

it('goes round until it is done, through transient faults, and adds up what got in', async () => {
  const requests: LoadRequest[] = [];
  const loadSealed = (request: LoadRequest): Promise<LoadRound> => {
    requests.push(request);
    if (requests.length === 2) return Promise.reject(fault('WarehouseUnavailable', 'the warehouse restarts'));
    const done = requests.length === 4;
    return Promise.resolve(round({ rows: 5, cuts: 2, batches: 1, ledger: done ? until.ends : { 0: 10 }, done }));
  };
  await temporal.whileServing({ load: { loadSealed } }, async () => {
    const handle = await start(WORKFLOWS.load, [{ spec, until }]);
    const report = (await handle.result()) as LoadReport;
    expect(report).toMatchObject({ rows: 15, cuts: 6, batches: 3 });
    expect(requests).toHaveLength(4);
    expect(requests[0]).toMatchObject({ spec, until, workflowId: handle.workflowId });
    const progress = await handle.query<Progress>(PROGRESS_QUERY);
    expect(progress).toMatchObject({ phase: 'loaded', rows: 15 });
    const { typedSearchAttributes } = await handle.describe();
    const shown = typedSearchAttributes.getAll().map(({ key, value }) => [key.name, value]);
    expect(Object.fromEntries(shown)).toMatchObject({
      [SEARCH_ATTRIBUTES.pipeline]: 'p',
      [SEARCH_ATTRIBUTES.dataset]: 'lake/raw/t',
      [SEARCH_ATTRIBUTES.phase]: 'loaded',
    });
  });
});

it('says while it runs what is still to come', async () => {
  let let_go: (() => void) | undefined;
  const waiting = new Promise<void>((resolve) => (let_go = resolve));
  let rounds = 0;
  const loadSealed = async (): Promise<LoadRound> => {
    if (++rounds === 1) return round({ rows: 3, cuts: 1, ledger: { 0: 10, 1: 4 } });
    await waiting;
    return round({ ledger: until.ends, done: true });
  };
  await temporal.whileServing({ load: { loadSealed } }, async () => {
    const handle = await start(WORKFLOWS.load, [{ spec, until }]);
    await expect.poll(async () => (await handle.query<Progress>(PROGRESS_QUERY)).rows, { timeout: 10_000 }).toBe(3);
    const { text } = await handle.query<Progress>(PROGRESS_QUERY);
    expect(text).toBe('loading mart.t: 3 rows of 1 cut; 1 of 2 partitions have offsets still to come');
    let_go?.();
    await handle.result();
  });
});

it('fails at once on a fault that no retry can mend, with its type and message', async () => {
  let calls = 0;
  const loadSealed = (): Promise<LoadRound> => {
    calls++;
    return Promise.reject(fault('TableOwned', 'mart.t belongs to pipeline q'));
  };
  await temporal.whileServing({ load: { loadSealed } }, async () => {
    const handle = await start(WORKFLOWS.load, [{ spec }]);
    const failure: unknown = await handle.result().catch((error: unknown) => error);
    expect(failure).toBeInstanceOf(WorkflowFailedError);
    const { cause } = failure as WorkflowFailedError;
    expect(cause?.cause).toMatchObject({
      type: 'TableOwned',
      message: 'mart.t belongs to pipeline q',
      nonRetryable: true,
    });
    expect(calls).toBe(1);
  });
});

it.each([
  [true, 'verified'],
  [false, 'different'],
])('verify completes with its report when ok is %s', async (ok, phase) => {
  const given: VerifyReport = {
    pipeline: 'p',
    replayId: 'r',
    rows: { source: 2_000, replayed: 2_000, landed: 2_000, loaded: 2_000 },
    missing: ok ? 0 : 1,
    extra: 0,
    different: 0,
    expired: 0,
    changedSince: 1,
    skipped: 0,
    skips: [],
    lost: 0,
    deadLetters: 0,
    discarded: 0,
    discardReasons: [],
    objects: 1,
    bytes: 10,
    chunksUnequal: 0,
    examples: { missing: [], extra: [], different: [], changedSince: [], skipped: [] },
    seconds: { replay: 1, land: 1, load: 1, verify: 1 },
    ok,
  };
  await temporal.whileServing({ load: { verifyReplay: () => Promise.resolve(given) } }, async () => {
    const handle = await start(WORKFLOWS.verify, [{ spec }]);
    expect(await handle.result()).toEqual(given);
    const progress = await handle.query<Progress>(PROGRESS_QUERY);
    expect(progress).toMatchObject({ phase, rows: 2_000 });
    expect(progress.text).toContain('2,000 rows in the source, 2,000 in the warehouse');
    expect(progress.text).toContain(ok ? 'equal (changedSince 1)' : 'NOT equal (missing 1, changedSince 1)');
  });
});
