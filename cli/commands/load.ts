/** `headrace load FILE`: what has landed into the warehouse, now, or every so often by a Temporal Schedule. */
import { countText } from '../../contracts/count-words.ts';
import { WORKFLOWS, workflowIds, type LoadInput, type LoadReport } from '../../contracts/temporal.ts';
import { fault } from '../../contracts/errors.ts';
import type { PipelineSpec } from '../../contracts/pipeline.ts';
import type { Settings } from '../../contracts/settings.ts';
import { parseDuration } from '../../workers/config/index.ts';
import { statusOf } from '../come-back.ts';
import type { FollowOptions } from '../common-options.ts';
import { configurationFor } from '../environment.ts';
import { launch } from '../launch.ts';
import { scheduleLoad, unscheduleLoad } from '../load-schedule.ts';
import { outputFor, type Output, rateText, secondsText } from '../output.ts';
import { noWorkerText, unpolledQueues } from '../pollers.ts';
import { newId } from '../replay-id.ts';
import { withTemporal } from '../temporal.ts';

export interface LoadOptions extends FollowOptions {
  every?: string;
  unschedule?: boolean;
  skipExpired?: boolean;
}

const SHORTEST_EVERY_MS = 10_000;
const LONGEST_EVERY_MS = 365 * 86_400_000;

export async function runLoad(file: string, options: LoadOptions): Promise<void> {
  const output = outputFor(options);
  const { settings, spec } = configurationFor(file, options);
  if (options.unschedule === true) {
    const removed = await withTemporal(settings.temporal, (temporal) => unscheduleLoad(temporal, spec));
    const schedule = workflowIds.loadSchedule(spec.name);
    output.result({ schedule, removed }, () => `${schedule}: ${removed ? 'removed' : 'there was no such schedule'}`);
    return;
  }
  if (options.every !== undefined) {
    await schedule(settings, spec, options.every, output);
    return;
  }
  const input: LoadInput = { spec, ...(options.skipExpired === true ? { skipExpired: true } : {}) };
  await launch({
    type: WORKFLOWS.load,
    workflowId: workflowIds.load(spec.name, newId()),
    input,
    summary: `${spec.name}: lake to warehouse`,
    settings,
    options,
    output,
    queues: ['orchestrate', 'load'],
    comeBack: statusOf(file, options),
    names: { pipeline: spec.name },
    present: (result) => {
      const report = result as LoadReport;
      const { rows, cuts, seconds } = report;
      const speed = `${secondsText(seconds)} (${rateText(rows, seconds)})`;
      output.result(
        { pipeline: spec.name, ...report },
        () => `loaded ${countText(rows, 'row')} of ${countText(cuts, 'cut')}, ${speed}`,
      );
    },
  });
}

async function schedule(settings: Settings, spec: PipelineSpec, every: string, output: Output): Promise<void> {
  const everyMs = intervalOf(every);
  const scheduleId = workflowIds.loadSchedule(spec.name);
  await withTemporal(settings.temporal, async (temporal) => {
    const how = await scheduleLoad(temporal, spec, everyMs);
    const missing = await unpolledQueues(temporal, ['orchestrate', 'load']);
    if (missing.length > 0) output.note(noWorkerText(missing, false));
    output.result(
      { schedule: scheduleId, how, everySeconds: everyMs / 1000 },
      () => `schedule ${scheduleId}: ${how}, every ${every}`,
    );
  });
}

function intervalOf(every: string): number {
  const everyMs = parseDuration(every);
  if (everyMs !== undefined && everyMs >= SHORTEST_EVERY_MS && everyMs <= LONGEST_EVERY_MS) return everyMs;
  throw fault(
    'ConfigInvalid',
    `--every ${every} is no interval; allowed: a duration from 10s to 365d, such as 5m or 1h`,
  );
}
