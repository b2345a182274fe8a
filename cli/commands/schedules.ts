/** `headrace schedules`: those that are there; one with its intervals; pause, resume, trigger and delete. */
import type { ScheduleDescription } from '@temporalio/client';
import { fault } from '../../contracts/errors.ts';
import type { IntervalInput } from '../../contracts/intervals.ts';
import { WORKFLOWS } from '../../contracts/temporal.ts';
import type { CommonOptions } from '../common-options.ts';
import { settingsFor } from '../environment.ts';
import { intervalsText } from '../interval-text.ts';
import { longIntervalText } from '../long-interval.ts';
import { createOutput, tableText } from '../output.ts';
import { listSchedules } from '../schedule-list.ts';
import { withTemporal } from '../temporal.ts';
import { triggeredText } from '../triggered-text.ts';

export type ScheduleDeed = 'pause' | 'resume' | 'trigger' | 'delete';

const DONE: Readonly<Record<Exclude<ScheduleDeed, 'trigger'>, string>> = {
  pause: 'paused; intervals under way go on',
  resume: 'goes on; its next interval begins where the last one begun ended',
  delete: 'deleted; intervals under way go on, later ones are not begun',
};

export async function runSchedules(scheduleId: string | undefined, options: CommonOptions): Promise<void> {
  const output = createOutput(options.json === true);
  const settings = settingsFor(options);
  await withTemporal(settings.temporal, async (temporal) => {
    const all = await listSchedules(temporal);
    const schedules = scheduleId === undefined ? all : all.filter((each) => each.scheduleId === scheduleId);
    if (scheduleId !== undefined && schedules.length === 0) throw unknown(scheduleId);
    const { withIntervals } = await import('../../workers/intervals.ts');
    const pipeline = scheduleId?.replace(/^interval\//, '');
    const intervals =
      scheduleId?.startsWith('interval/') === true
        ? await withIntervals(settings, (store) => store.list(pipeline ?? '', null, SHOWN))
        : [];
    output.result({ schedules, ...(scheduleId === undefined ? {} : { intervals }) }, () => {
      if (schedules.length === 0) return 'No schedule is there; headrace schedule FILE makes one.';
      const rows = schedules.map(({ scheduleId: id, paused, next, last, note }) => [
        id,
        isBackfill(id) ? 'by request' : paused ? 'paused' : 'active',
        next ?? '',
        last ?? '',
        note,
      ]);
      const table = tableText(['schedule', 'state', 'next', 'last', ''], rows);
      return intervals.length === 0 ? table : `${table}\n\n${intervalsText(intervals)}`;
    });
  });
}

const isBackfill = (scheduleId: string): boolean => scheduleId.startsWith('backfill/');

/** Of one schedule, the latest. */
const SHOWN = 50;

export async function runScheduleDeed(deed: ScheduleDeed, scheduleId: string, options: CommonOptions): Promise<void> {
  const output = createOutput(options.json === true);
  if (isBackfill(scheduleId) && deed !== 'delete') {
    const why = 'carries a backfill: it begins the intervals that headrace backfill asked for, and none by itself';
    throw fault('ConfigInvalid', `${scheduleId} ${why}; schedules delete leaves out those not begun yet`);
  }
  const { temporal: settings } = settingsFor(options, ['temporal']);
  const told = await withTemporal(settings, async ({ client }) => {
    const handle = client.schedule.getHandle(scheduleId);
    try {
      if (deed === 'trigger') {
        const before = await handle.describe();
        const long = await longNext(before, options);
        if (long !== null) output.note(long);
        const text = await triggeredText({ client }, before);
        await handle.trigger('ALLOW_ALL');
        return text;
      }
      if (deed === 'pause') await handle.pause('headrace schedules pause');
      else if (deed === 'resume') await handle.unpause('headrace schedules resume');
      else await handle.delete();
      return DONE[deed];
    } catch (error) {
      if (error instanceof Error && error.name === 'ScheduleNotFoundError') throw unknown(scheduleId, error);
      throw error;
    }
  });
  output.result({ schedule: scheduleId, deed }, () => `${scheduleId}: ${told}`);
}

/** @returns null also for a schedule of loads, and where the settings name no control database */
async function longNext({ action }: ScheduleDescription, options: CommonOptions): Promise<string | null> {
  if (action.workflowType !== WORKFLOWS.interval) return null;
  const [input] = action.args as [IntervalInput];
  try {
    return await longIntervalText(settingsFor(options, ['control']), input);
  } catch {
    return null;
  }
}

function unknown(scheduleId: string, cause?: unknown): Error {
  return fault(
    'ConfigInvalid',
    `there is no schedule ${scheduleId}; headrace schedules lists those that are there`,
    cause,
  );
}
