/**
 * What a trigger by hand does while something that its schedule started runs: it waits for none of that (`ALLOW_ALL`, for it is
 * asked for now, and the schedule's own overlap policy might drop it without a word), so what runs is named.
 */
import type { ScheduleDescription } from '@temporalio/client';
import { defineSearchAttributeKey } from '@temporalio/common';
import { type IntervalInput, intervalEnd } from '../contracts/intervals.ts';
import { SEARCH_ATTRIBUTES, WORKFLOWS } from '../contracts/temporal.ts';
import type { Temporal } from './temporal.ts';

const FROM = defineSearchAttributeKey(SEARCH_ATTRIBUTES.intervalFrom, 'DATETIME');
const TO = defineSearchAttributeKey(SEARCH_ATTRIBUTES.intervalTo, 'DATETIME');

interface Running {
  workflowId: string;
  /** Absent: it has not begun, or is a load. */
  from?: Date | undefined;
  to?: Date | undefined;
}

/** @param schedule as it was before the trigger */
export async function triggeredText(
  { client }: Pick<Temporal, 'client'>,
  schedule: ScheduleDescription,
): Promise<string> {
  const running = await runningOf(client, schedule);
  const goesOn = running.map(named).join(', ');
  if (schedule.action.workflowType !== WORKFLOWS.interval) {
    const begun = 'triggered: all that is sealed and not loaded is loaded now';
    return running.length === 0 ? begun : `${begun}; ${goesOn} runs already and goes on`;
  }
  const [{ stepMs }] = schedule.action.args as [IntervalInput];
  const end = intervalEnd(Date.now(), stepMs);
  const same = running.find(({ to }) => to?.getTime() === end);
  if (same)
    return `triggered: ${named(same)} runs already and goes on; behind it, its window is read once more, which changes nothing that is in the warehouse`;
  const begun = 'triggered: the interval that ended last is run now';
  return running.length === 0 ? begun : `${begun}; ${goesOn} runs already and goes on`;
}

/** Those started lately and those that the server counts as running: it does not count what was triggered. */
async function runningOf(client: Temporal['client'], { info }: ScheduleDescription): Promise<Running[]> {
  const started = [...info.runningActions, ...info.recentActions.map(({ action }) => action)];
  const ids = new Set(started.map(({ workflow }) => workflow.workflowId));
  const found = await Promise.all(
    [...ids].map(async (workflowId): Promise<Running[]> => {
      const look = await client.workflow
        .getHandle(workflowId)
        .describe()
        .catch(() => null); // its retention may be over
      if (look?.status.name !== 'RUNNING') return [];
      return [{ workflowId, from: look.typedSearchAttributes.get(FROM), to: look.typedSearchAttributes.get(TO) }];
    }),
  );
  return found.flat();
}

function named({ workflowId, from, to }: Running): string {
  if (from === undefined || to === undefined) return workflowId;
  return `${from.toISOString()} to ${to.toISOString()} (${workflowId})`.replaceAll('.000', '');
}
