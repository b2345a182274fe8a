/**
 * `runInterval`: one data interval of a pipeline, with a run's whole chain; the action of schedules and backfills. Its key is
 * the scheduled time's floor, so whoever starts it for the same key means the same interval. Running it twice changes nothing.
 */
import {
  ActivityFailure,
  ApplicationFailure,
  CancellationScope,
  ChildWorkflowFailure,
  defineQuery,
  executeChild,
  isCancellation,
  proxyActivities,
  setHandler,
  upsertSearchAttributes,
  workflowInfo,
} from '@temporalio/workflow';
import type { IntervalActivities } from '../activities/run-interval.ts';
import { defineSearchAttributeKey } from '@temporalio/common';
import { messageOf } from '../contracts/errors.ts';
import { intervalEnd, type IntervalInput, type IntervalReport } from '../contracts/intervals.ts';
import {
  PROGRESS_QUERY,
  type Progress,
  type RunInput,
  type RunReport,
  SEARCH_ATTRIBUTES,
  workflowIds,
} from '../contracts/temporal.ts';
import { shortCall } from './activity-options.ts';
import { say } from './details.ts';
import { runPipeline } from './run.ts';
import { textOf } from './verify.ts';

const { openInterval, closeInterval } = proxyActivities<IntervalActivities>(shortCall('orchestrate'));

/** Temporal's own, on whatever a schedule starts. */
const SCHEDULED_AT = defineSearchAttributeKey('TemporalScheduledStartTime', 'DATETIME');

export const intervalProgressQuery = defineQuery<Progress>(PROGRESS_QUERY);

export async function runInterval(input: IntervalInput): Promise<IntervalReport> {
  const { spec, stepMs } = input;
  const { workflowId, runId, startTime, typedSearchAttributes } = workflowInfo();
  // Started by hand, without a schedule, it means now.
  const scheduledMs = (typedSearchAttributes.get(SCHEDULED_AT) ?? startTime).getTime();
  const at = { phase: 'planning', rows: 0, text: 'looking which interval this is' };
  const enter = (phase: string, text: string): void => {
    Object.assign(at, { phase, text });
    say(text);
    upsertSearchAttributes({ [SEARCH_ATTRIBUTES.phase]: [phase] });
  };
  setHandler(intervalProgressQuery, () => ({ phase: at.phase, paused: false, rows: at.rows, text: at.text }));
  upsertSearchAttributes({ [SEARCH_ATTRIBUTES.pipeline]: [spec.name], [SEARCH_ATTRIBUTES.phase]: [at.phase] });

  const { name: pipeline } = spec;
  const asked = { ...input, pipeline, endMs: intervalEnd(scheduledMs, stepMs), workflowId, runId };
  // Cancelled before it began, it is recorded all the same: a backfill waits for each of its intervals, and the record for its end.
  const opened = await CancellationScope.nonCancellable(() => openInterval(asked));
  const { from, to, replayId, scope } = opened;
  upsertSearchAttributes({
    [SEARCH_ATTRIBUTES.replayId]: [replayId],
    [SEARCH_ATTRIBUTES.intervalFrom]: [new Date(from)],
    [SEARCH_ATTRIBUTES.intervalTo]: [new Date(to)],
  });
  if (opened.done) {
    enter('done', `${from} to ${to} was done before`);
    return { from, to, ran: false, rows: opened.rows };
  }
  enter('running', `${from} to ${to}, replay ${replayId}`);
  const close = (outcome: { rows: number } | { error: string }): Promise<void> =>
    CancellationScope.nonCancellable(() => closeInterval({ pipeline, from, to, runId, outcome }));
  let report: RunReport;
  try {
    report = await executeChild(runPipeline, {
      workflowId: workflowIds.run(pipeline, replayId),
      args: [runInput(input, replayId, scope)],
      staticSummary: `${from} to ${to}`,
    });
  } catch (error) {
    const why = isCancellation(error) ? 'it was cancelled' : innermost(error);
    enter('failed', why);
    await close({ error: why });
    throw error;
  }
  at.rows = report.rows.replayed;
  if (!report.ok) {
    enter('different', textOf(report));
    await close({ error: textOf(report) });
    throw ApplicationFailure.nonRetryable(textOf(report), 'VerifyFailed');
  }
  await close({ rows: report.rows.replayed });
  enter('done', `${from} to ${to}: ${textOf(report)}`);
  return { from, to, ran: true, rows: report.rows.replayed };
}

function runInput(
  { spec, rate, bytes, speed, parallelism }: IntervalInput,
  replayId: string,
  scope: RunInput['scope'],
): RunInput {
  return {
    ...{ spec, replayId, scope },
    ...(rate === undefined ? {} : { rate }),
    ...(bytes === undefined ? {} : { bytes }),
    ...(speed === undefined ? {} : { speed }),
    ...(parallelism === undefined ? {} : { parallelism }),
  };
}

function innermost(error: unknown): string {
  let here = error;
  while ((here instanceof ChildWorkflowFailure || here instanceof ActivityFailure) && here.cause) here = here.cause;
  return messageOf(here);
}
