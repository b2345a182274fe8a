/** A long wait's calls leave no pile of listeners behind, in the client itself; its end ends the call that is under way. */
import type { WorkflowHandle } from '@temporalio/client';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { awaitWorker } from '../../cli/await-worker.ts';
import { follow } from '../../cli/follow.ts';
import { createOutput } from '../../cli/output.ts';
import type { Temporal } from '../../cli/temporal.ts';
import { connectTemporal } from '../../workers/temporal-client.ts';

const settings = { address: process.env.HEADRACE_TEMPORAL_ADDRESS ?? '', namespace: 'default' };
const output = createOutput(true);
const warnings: string[] = [];
const hear = (warning: Error): void => void warnings.push(warning.name);
let temporal: Temporal;
beforeAll(async () => {
  process.on('warning', hear);
  temporal = { ...(await connectTemporal(settings)), settings };
});
afterAll(async () => {
  process.off('warning', hear);
  await temporal.connection.close();
});

/** More calls than Node takes listeners without a word. */
async function manyCalls(): Promise<string> {
  for (let call = 0; call < 15; call += 1) await temporal.connection.workflowService.getSystemInfo({});
  await new Promise(setImmediate);
  return 'done';
}
const never = new Promise<never>(() => undefined);
const handle = (result: () => Promise<unknown>) => ({ workflowId: 'none', result }) as unknown as WorkflowHandle;

test('a follow of many long polls', async () => {
  expect(await follow(temporal, handle(manyCalls), { output, queues: [], interrupted: never })).toBe('done');
  expect(await awaitWorker(temporal, { queues: [], output, interrupted: never, mayHire: true }, manyCalls)).toBe(
    'done',
  );
  expect(warnings).not.toContain('MaxListenersExceededWarning');
});

test('an end ends the poll under way, after others', async () => {
  const workflowId = `poll-${Date.now()}`;
  const real = await temporal.client.workflow.start('none', { workflowId, taskQueue: 'nobody' });
  let cause: unknown;
  let leave: (error: Error) => void = () => undefined;
  const interrupted = new Promise<never>((_, reject) => (leave = reject));
  const poll = async (): Promise<void> => {
    await manyCalls();
    setTimeout(() => leave(new Error('left')), 300);
    await real.result().catch((error: unknown) => (cause = error));
  };
  await expect(follow(temporal, handle(poll), { output, queues: [], interrupted })).rejects.toThrow('left');
  await expect.poll(() => (cause as Error | undefined)?.cause ?? cause, { timeout: 5_000 }).toMatchObject({ code: 1 });
  await real.terminate();
});
