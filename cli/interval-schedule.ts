/**
 * The Temporal Schedules whose action is one data interval. A backfill has its own, paused, which only its backfill request
 * starts: one for each of those that run side by side, so that "four at once, the oldest first" is the server's business.
 */
import type { ScheduleOptions, ScheduleOverlapPolicy } from '@temporalio/client';
import { fault, messageOf } from '../contracts/errors.ts';
import { instantId, type IntervalInput, type IntervalWindow } from '../contracts/intervals.ts';
import { TASK_QUEUES, WORKFLOWS, workflowIds } from '../contracts/temporal.ts';
import type { Temporal } from './temporal.ts';

export interface ScheduleRequest {
  input: IntervalInput;
  /** One of the two. */
  cron?: string;
  everyMs?: number;
  overlap: ScheduleOverlapPolicy;
  catchupMs: number;
}

function action(input: IntervalInput) {
  return {
    type: 'startWorkflow' as const,
    workflowType: WORKFLOWS.interval,
    // Temporal adds the scheduled time: the same interval is never run twice at once.
    workflowId: workflowIds.interval(input.spec.name),
    taskQueue: TASK_QUEUES.orchestrate,
    args: [input],
    staticSummary: `${input.spec.name}: one data interval`,
  };
}

/** Makes the schedule, or gives the one there what it lacks; a paused one stays paused. */
async function put({ client }: Temporal, options: ScheduleOptions): Promise<'created' | 'updated'> {
  const cron = options.spec.cronExpressions?.join();
  try {
    await client.schedule.create(options);
    return 'created';
  } catch (error) {
    if (!(error instanceof Error) || error.name !== 'ScheduleAlreadyRunning') throw cronFault(cron, error);
    const { spec, action: what, policies = {} } = options;
    await client.schedule
      .getHandle(options.scheduleId)
      .update(({ state }) => ({ spec, action: { ...what, args: what.args ?? [] }, policies, state }))
      .catch((refused: unknown) => {
        throw cronFault(cron, refused);
      });
    return 'updated';
  }
}

/** Of all that we send, only the expression is the user's own: what Temporal's client (a TypeError) or server (gRPC's INVALID_ARGUMENT) refuses. */
function cronFault(cron: string | undefined, error: unknown): unknown {
  if (cron === undefined) return error;
  const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error;
  const invalid = cause instanceof TypeError || (cause instanceof Error && 'code' in cause && cause.code === 3);
  if (!invalid) return error;
  const why = cause instanceof Error && 'details' in cause ? String(cause.details) : messageOf(cause);
  return fault('ConfigInvalid', `--cron ${cron}: ${why}; allowed: five fields, such as "0 3 * * *" (UTC)`, error);
}

/** The pipeline's one schedule of intervals. */
export async function scheduleIntervals(
  temporal: Temporal,
  { input, cron, everyMs, overlap, catchupMs }: ScheduleRequest,
): Promise<{ scheduleId: string; how: 'created' | 'updated' }> {
  const scheduleId = workflowIds.interval(input.spec.name);
  const spec = cron === undefined ? { intervals: [{ every: everyMs ?? input.stepMs }] } : { cronExpressions: [cron] };
  const policies = { overlap, catchupWindow: catchupMs };
  return { scheduleId, how: await put(temporal, { scheduleId, spec, action: action(input), policies }) };
}

/** @returns the schedules that carry the backfill, to be removed when it is over */
export async function startBackfill(
  temporal: Temporal,
  input: IntervalInput,
  { from, to }: IntervalWindow,
  parallel: number,
): Promise<string[]> {
  const { stepMs } = input;
  const [start, end] = [Date.parse(from), Date.parse(to)];
  const parts = Math.min(parallel, (end - start) / stepMs);
  const id = `${instantId(from)}-${instantId(to)}`;
  const ids: string[] = [];
  for (let part = 0; part < parts; part += 1) {
    const scheduleId = workflowIds.backfill(input.spec.name, id, part);
    const every = parts * stepMs;
    const offset = (start + (part + 1) * stepMs) % every;
    await put(temporal, {
      scheduleId,
      // Without an end, one who lets it go on (in Temporal's UI, "Unpause") would have made a schedule without end of it.
      spec: { intervals: [{ every, offset }], endAt: new Date(end) },
      action: action(input),
      policies: { overlap: 'BUFFER_ALL', catchupWindow: '1m' },
      state: { paused: true, note: 'a backfill: started by request only' },
    });
    // The first interval's key is its end.
    const range = { start: new Date(start + stepMs), end: new Date(end), overlap: 'BUFFER_ALL' as const };
    await temporal.client.schedule.getHandle(scheduleId).backfill(range);
    ids.push(scheduleId);
  }
  return ids;
}
