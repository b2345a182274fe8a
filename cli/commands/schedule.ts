/** `headrace schedule FILE`: a Temporal Schedule whose action is one data interval of the pipeline, with the whole chain. */
import type { ScheduleOverlapPolicy } from '@temporalio/client';
import { fault } from '../../contracts/errors.ts';
import { QUEUES } from '../../contracts/temporal.ts';
import { parseDuration } from '../../workers/config/index.ts';
import { besides } from '../come-back.ts';
import type { CommonOptions } from '../common-options.ts';
import { configurationFor } from '../environment.ts';
import { utcMs } from '../../contracts/scope-words.ts';
import { intervalInputOf, type IntervalOptions, stepOf } from '../interval-options.ts';
import { scheduleIntervals } from '../interval-schedule.ts';
import { longIntervalText } from '../long-interval.ts';
import { outputFor } from '../output.ts';
import { noWorkerText, unpolledQueues } from '../pollers.ts';
import { withTemporal } from '../temporal.ts';

export const OVERLAPS = {
  skip: 'SKIP',
  'buffer-one': 'BUFFER_ONE',
  'buffer-all': 'BUFFER_ALL',
  'allow-all': 'ALLOW_ALL',
  'cancel-other': 'CANCEL_OTHER',
  'terminate-other': 'TERMINATE_OTHER',
} as const satisfies Record<string, ScheduleOverlapPolicy>;

export interface ScheduleCommandOptions extends CommonOptions, IntervalOptions {
  every?: string;
  cron?: string;
  step?: string;
  since?: string;
  overlap: keyof typeof OVERLAPS;
  catchup?: string;
}

export async function runSchedule(file: string, options: ScheduleCommandOptions): Promise<void> {
  const output = outputFor(options);
  const { settings, spec, replay } = configurationFor(file, options);
  await options.companions?.turn();
  const { every, cron, step, since, catchup } = options;
  if ((every === undefined) === (cron === undefined)) {
    throw fault('ConfigInvalid', 'schedule needs one of --every DURATION and --cron EXPRESSION');
  }
  if (cron !== undefined && step === undefined) {
    throw fault('ConfigInvalid', '--cron needs --step: how long an interval is, such as 1d for one a day');
  }
  const everyMs = every === undefined ? undefined : stepOf('--every', every);
  const stepMs = step === undefined ? (everyMs ?? 0) : stepOf('--step', step);
  const catchupMs = catchup === undefined ? Math.max(stepMs, 60_000) : parseDuration(catchup);
  if (catchupMs === undefined) {
    throw fault('ConfigInvalid', `--catchup ${catchup} is no duration; allowed: such as 30m, 2h or 1d`);
  }
  const input = {
    ...intervalInputOf(spec, stepMs, 'schedule', options, replay),
    ...(since === undefined ? {} : { since: new Date(utcMs(since)).toISOString() }),
  };
  await withTemporal(settings.temporal, async (temporal) => {
    const { scheduleId, how } = await scheduleIntervals(temporal, {
      ...{ input, catchupMs, overlap: OVERLAPS[options.overlap] },
      ...(cron === undefined ? {} : { cron }),
      ...(everyMs === undefined ? {} : { everyMs }),
    });
    const missing = await unpolledQueues(temporal, QUEUES);
    if (missing.length > 0) output.note(noWorkerText(missing, false));
    const long = await longIntervalText(settings, input, besides('backfill', file, options));
    if (long !== null) output.note(long);
    output.result(
      { schedule: scheduleId, how, stepSeconds: stepMs / 1000, ...(cron === undefined ? {} : { cron }) },
      () =>
        `schedule ${scheduleId}: ${how}, ${cron ?? `every ${every}`}; headrace schedules ${scheduleId} shows its intervals`,
    );
  });
}
