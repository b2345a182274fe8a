/** Data intervals: schedules and backfills. */
import { type Command, Option } from 'commander';
import {
  type CommonOptions,
  filter,
  isoTime,
  rowRate,
  wholeNumber,
  withCommon,
  withFollow,
} from '../common-options.ts';
import type { BackfillOptions } from '../commands/backfill.ts';
import type { ScheduleCommandOptions } from '../commands/schedule.ts';
import { add, onTables } from './define.ts';

function withInterval(command: Command): Command {
  return command
    .option('--look-back <duration>', 'event time before each interval that is read again, for late rows, e.g. 1h')
    .option('--where <sql>', "rows for which this expression in the source's SQL is true", filter)
    .option('--rate <rows>', 'rows a second at most', rowRate(1))
    .option('--parallelism <n>', 'land activities side by side', wholeNumber(1));
}

export function addIntervalCommands(program: Command): void {
  withInterval(withCommon(add(program, 'schedule <file>', 'run each new data interval by a Temporal Schedule')))
    .option('--every <duration>', 'an interval so often, and so long, e.g. 5m')
    .option('--cron <expression>', 'when to run, in UTC, e.g. "0 3 * * *"; needs --step')
    .option('--step <duration>', "an interval's length (default: --every)")
    .option('--since <time>', 'where the first interval begins (default: a step ago)', isoTime)
    .addOption(
      new Option('--overlap <policy>', 'what becomes of one that is due while another runs')
        .choices(['skip', 'buffer-one', 'buffer-all', 'allow-all', 'cancel-other', 'terminate-other'])
        .default('skip'),
    )
    .option('--catchup <duration>', 'how late one may be started after an outage (default: the step)')
    .action(
      onTables<ScheduleCommandOptions>(async (file, options) =>
        (await import('../commands/schedule.ts')).runSchedule(file, options),
      ),
    );
  withInterval(withFollow(add(program, 'backfill <file>', 'run the data intervals of a window, the oldest first')))
    .requiredOption('--from <time>', 'the first interval begins there', isoTime)
    .requiredOption('--to <time>', 'the last interval ends there', isoTime)
    .requiredOption('--step <duration>', "an interval's length, e.g. 1d")
    .option('--parallel <n>', 'intervals side by side', wholeNumber(1, 100), 1)
    .option('--overview', 'only show which are done, running, failed')
    .action(
      onTables<BackfillOptions>(async (file, options) =>
        (await import('../commands/backfill.ts')).runBackfill(file, options),
      ),
    );
  const schedules = withCommon(
    add(program, 'schedules [schedule]', 'the schedules that are there, or one with its intervals'),
  ).action(async (schedule: string | undefined, options: CommonOptions) =>
    (await import('../commands/schedules.ts')).runSchedules(schedule, options),
  );
  for (const deed of ['pause', 'resume', 'trigger', 'delete'] as const) {
    withCommon(add(schedules, `${deed} <schedule>`, `${deed} a schedule`)).action(
      async (schedule: string, _: CommonOptions, command: Command) =>
        (await import('../commands/schedules.ts')).runScheduleDeed(deed, schedule, command.optsWithGlobals()),
    );
  }
}
