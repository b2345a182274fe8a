/** Headrace's Schedules in the namespace: of intervals, of backfills, of loads. */
import type { Temporal } from './temporal.ts';
import { WORKFLOWS } from '../contracts/temporal.ts';

export interface ScheduleLook {
  scheduleId: string;
  /** The workflow type of its action. */
  action: string;
  paused: boolean;
  note: string;
  next: string | null;
  last: string | null;
}

const OURS: ReadonlySet<string> = new Set([WORKFLOWS.interval, WORKFLOWS.load]);

export async function listSchedules({ client }: Temporal): Promise<ScheduleLook[]> {
  const found: ScheduleLook[] = [];
  for await (const { scheduleId, action, state, info } of client.schedule.list()) {
    const type = action?.workflowType ?? '';
    if (!OURS.has(type)) continue;
    found.push({
      scheduleId,
      action: type,
      paused: state.paused,
      note: state.note ?? '',
      next: state.paused ? null : (info.nextActionTimes[0]?.toISOString() ?? null),
      last: info.recentActions.at(-1)?.scheduledAt.toISOString() ?? null,
    });
  }
  return found.sort((a, b) => a.scheduleId.localeCompare(b.scheduleId));
}

/** @throws what Temporal says, but for one that is not there */
export async function removeSchedules({ client }: Temporal, ids: readonly string[]): Promise<void> {
  for (const id of ids) {
    try {
      await client.schedule.getHandle(id).delete();
    } catch (error) {
      if (!(error instanceof Error) || error.name !== 'ScheduleNotFoundError') throw error;
    }
  }
}
