/**
 * The Temporal Schedule that loads a pipeline's warehouse. Loading needs no interval of its own (all that is sealed and
 * not in the ledger), so a start that was missed is made good by the next one.
 */
import type { ScheduleOptions } from '@temporalio/client';
import type { PipelineSpec } from '../contracts/pipeline.ts';
import { TASK_QUEUES, WORKFLOWS, workflowIds, type LoadInput } from '../contracts/temporal.ts';
import type { Temporal } from './temporal.ts';

/** Makes the pipeline's schedule, or gives the one there the new spec and interval. */
export async function scheduleLoad(
  { client }: Temporal,
  spec: PipelineSpec,
  everyMs: number,
): Promise<'created' | 'updated'> {
  const input: LoadInput = { spec };
  const options = {
    scheduleId: workflowIds.loadSchedule(spec.name),
    spec: { intervals: [{ every: everyMs }] },
    action: {
      type: 'startWorkflow',
      workflowType: WORKFLOWS.load,
      // Temporal adds the scheduled time.
      workflowId: workflowIds.load(spec.name, 'scheduled'),
      taskQueue: TASK_QUEUES.orchestrate,
      args: [input],
      staticSummary: `${spec.name}: what is sealed and not loaded`,
    },
    // A load under way takes what the next one would have found.
    policies: { overlap: 'SKIP', catchupWindow: everyMs },
  } satisfies ScheduleOptions;
  try {
    await client.schedule.create(options);
    return 'created';
  } catch (error) {
    if (!(error instanceof Error) || error.name !== 'ScheduleAlreadyRunning') throw error;
    const { spec: when, action, policies } = options;
    await client.schedule
      .getHandle(options.scheduleId)
      .update(({ state }) => ({ spec: when, action, policies, state }));
    return 'updated';
  }
}

/** @returns false where there was none */
export async function unscheduleLoad({ client }: Temporal, spec: PipelineSpec): Promise<boolean> {
  try {
    await client.schedule.getHandle(workflowIds.loadSchedule(spec.name)).delete();
    return true;
  } catch (error) {
    if (error instanceof Error && error.name === 'ScheduleNotFoundError') return false;
    throw error;
  }
}
