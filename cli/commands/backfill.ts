/**
 * `headrace backfill FILE`: the intervals of a window, the oldest first, some side by side. What is done is left alone, so the
 * same command again runs what failed or was never begun; and a window of one step runs that interval alone.
 */
import { QUEUES } from '../../contracts/temporal.ts';
import { setTimeout as sleep } from 'node:timers/promises';
import type { IntervalLook, IntervalWindow } from '../../contracts/intervals.ts';
import type { Intervals } from '../../activities/ports/intervals.ts';
import { comeBackTo } from '../come-back.ts';
import type { FollowOptions } from '../common-options.ts';
import { withEmbeddedWorker } from '../embedded-worker.ts';
import { configurationFor } from '../environment.ts';
import { EXIT } from '../exit-codes.ts';
import { CommandEnd } from '../failure.ts';
import { catchInterrupt } from '../interrupt.ts';
import { intervalInputOf, type IntervalOptions, stepOf, windowOf } from '../interval-options.ts';
import { startBackfill } from '../interval-schedule.ts';
import { countsOf, countsText, intervalsText } from '../interval-text.ts';
import { outputFor, type Output } from '../output.ts';
import { noWorkerText, unpolledQueues } from '../pollers.ts';
import { controlAddress, requireReachable } from '../../workers/reachable.ts';
import { removeSchedules } from '../schedule-list.ts';
import { withTemporal } from '../temporal.ts';

export interface BackfillOptions extends FollowOptions, IntervalOptions {
  from: string;
  to: string;
  step: string;
  parallel: number;
  overview?: boolean;
}

const LOOK_EVERY_MS = 1_000;

export async function runBackfill(file: string, options: BackfillOptions): Promise<void> {
  const output = outputFor(options);
  const { settings, spec, replay } = configurationFor(file, options);
  const stepMs = stepOf('--step', options.step);
  const { count, ...window } = windowOf(options.from, options.to, stepMs);
  const input = intervalInputOf(spec, stepMs, 'backfill', options, replay);
  await requireReachable([controlAddress(settings)]);
  const { withIntervals } = await import('../../workers/intervals.ts');
  await withIntervals(settings, async (intervals) => {
    const look = () => intervals.list(spec.name, window, count);
    const show = (rows: readonly IntervalLook[], document: object = {}): void => {
      const counts = countsOf(rows, count);
      output.result({ pipeline: spec.name, ...window, ...document, counts, intervals: rows }, () =>
        [...(rows.length === 0 ? [] : [intervalsText(rows), '']), countsText(counts)].join('\n'),
      );
      if (counts.failed > 0) process.exitCode = EXIT.workflowFailed;
    };
    if (options.overview === true) {
      show(await look());
      return;
    }
    await withTemporal(settings.temporal, async (temporal) => {
      const before = await look();
      const follow = async (): Promise<void> => {
        const schedules = await startBackfill(temporal, input, window, options.parallel);
        const missing = options.withWorker === true ? [] : await unpolledQueues(temporal, QUEUES);
        if (missing.length > 0) output.note(noWorkerText(missing));
        const comeBack = comeBackTo('backfill', file, options);
        if (options.detach === true) {
          output.result(
            { pipeline: spec.name, ...window, intervals: count, schedules },
            () => `backfill of ${count} intervals started; look at it with\n  ${comeBack} --overview`,
          );
          return;
        }
        await options.companions?.turn();
        const rows = await untilSettled(intervals, spec.name, window, count, before, output, comeBack);
        await removeSchedules(temporal, schedules);
        show(rows);
      };
      const ownWorker = options.withWorker === true && options.companions === undefined;
      await (ownWorker ? withEmbeddedWorker(settings, output, follow) : follow());
    });
  });
}

/** Every interval done, or failed in an attempt of this backfill. @throws CommandEnd after Ctrl-C */
async function untilSettled(
  intervals: Intervals,
  pipeline: string,
  window: IntervalWindow,
  count: number,
  before: readonly IntervalLook[],
  output: Output,
  comeBack: string,
): Promise<IntervalLook[]> {
  const attempts = new Map(before.map((row) => [row.to, row.attempts]));
  const interrupt = catchInterrupt();
  let told = '';
  try {
    for (;;) {
      const rows = await intervals.list(pipeline, window, count);
      const settled = rows.filter(
        ({ state, to, attempts: tried }) => state === 'done' || (state === 'failed' && tried > (attempts.get(to) ?? 0)),
      );
      const text = countsText(countsOf(rows, count));
      if (text !== told && !output.json) output.note(text);
      told = text;
      if (settled.length >= count) return rows;
      await sleep(LOOK_EVERY_MS, undefined, { signal: interrupt.signal }).catch(() => undefined);
      if (interrupt.signal.aborted) {
        throw new CommandEnd(
          EXIT.interrupted,
          'Interrupted',
          `the backfill goes on. Come back to it with:\n  ${comeBack}`,
        );
      }
    }
  } finally {
    interrupt.release();
  }
}
