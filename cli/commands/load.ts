/** `headrace load FILE`: what has landed into the warehouse, now, or every so often by a Temporal Schedule. */
import { WORKFLOWS, workflowIds, type LoadInput, type LoadReport } from '../../contracts/temporal.ts';
import { fault } from '../../contracts/errors.ts';
import { parseDuration } from '../../workers/config/index.ts';
import type { FollowOptions } from '../common-options.ts';
import { configurationFor } from '../environment.ts';
import { launch } from '../launch.ts';
import { scheduleLoad, unscheduleLoad } from '../load-schedule.ts';
import { createOutput, numberText, rateText, secondsText } from '../output.ts';
import { newId } from '../replay-id.ts';
import { shellWord } from '../scope-options.ts';
import { withTemporal } from '../temporal.ts';

export interface LoadOptions extends FollowOptions {
  every?: string;
  unschedule?: boolean;
}

const SHORTEST_EVERY_MS = 10_000;

export async function runLoad(file: string, options: LoadOptions): Promise<void> {
  const output = createOutput(options.json === true);
  const { settings, spec } = configurationFor(file, options);
  if (options.unschedule === true) {
    const removed = await withTemporal(settings.temporal, (temporal) => unscheduleLoad(temporal, spec));
    const schedule = workflowIds.loadSchedule(spec.name);
    output.result({ schedule, removed }, () => `${schedule}: ${removed ? 'removed' : 'there was no such schedule'}`);
    return;
  }
  if (options.every !== undefined) {
    const everyMs = intervalOf(options.every);
    const how = await withTemporal(settings.temporal, (temporal) => scheduleLoad(temporal, spec, everyMs));
    const schedule = workflowIds.loadSchedule(spec.name);
    output.result(
      { schedule, how, everySeconds: everyMs / 1000 },
      () => `schedule ${schedule}: ${how}, every ${options.every ?? ''}`,
    );
    return;
  }
  const input: LoadInput = { spec };
  const report = await launch({
    type: WORKFLOWS.load,
    workflowId: workflowIds.load(spec.name, newId()),
    input,
    summary: `${spec.name}: lake to warehouse`,
    settings,
    options,
    output,
    queues: ['orchestrate', 'load'],
    comeBack: `headrace status ${shellWord(file)}`,
    names: { pipeline: spec.name },
  });
  if (report === undefined) return;
  const { rows, cuts, seconds } = report as LoadReport;
  output.result(
    { pipeline: spec.name, ...(report as LoadReport) },
    () =>
      `loaded ${numberText(rows)} rows of ${numberText(cuts)} cuts, ${secondsText(seconds)} (${rateText(rows, seconds)})`,
  );
}

function intervalOf(every: string): number {
  const everyMs = parseDuration(every);
  if (everyMs !== undefined && everyMs >= SHORTEST_EVERY_MS) return everyMs;
  throw fault('ConfigInvalid', `--every ${every} is no interval; allowed: a duration of 10s or more, such as 5m or 1h`);
}
