/** What schedules start has a summary in the Temporal UI's list, as what commands start. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { scheduleIntervals } from '../../cli/interval-schedule.ts';
import { scheduleLoad } from '../../cli/load-schedule.ts';
import type { Temporal } from '../../cli/temporal.ts';
import type { PipelineSpec } from '../../contracts/pipeline.ts';
import { workflowIds } from '../../contracts/temporal.ts';
import { connectTemporal } from '../../workers/temporal-client.ts';
import { makeNamespace } from '../temporal-namespace.ts';

let temporal: Temporal;
beforeAll(async () => {
  const settings = { address: process.env.HEADRACE_TEMPORAL_ADDRESS ?? '', namespace: await makeNamespace() };
  temporal = { ...(await connectTemporal(settings)), settings };
});
afterAll(() => temporal.connection.close());

test('an interval and a load that a schedule starts', async () => {
  const spec = { name: 'sales' } as PipelineSpec;
  const hour = 3_600_000;
  await scheduleIntervals(temporal, {
    input: { spec, stepMs: hour } as Parameters<typeof scheduleIntervals>[1]['input'],
    ...{ overlap: 'SKIP', catchupMs: hour },
  });
  await scheduleLoad(temporal, spec, hour);
  for (const [id, summary] of [
    [workflowIds.interval('sales'), 'sales: one data interval'],
    [workflowIds.loadSchedule('sales'), 'sales: what is sealed and not loaded'],
  ]) {
    const { action } = await temporal.client.schedule.getHandle(id ?? '').describe();
    expect(action.staticSummary).toBe(summary);
  }
});
