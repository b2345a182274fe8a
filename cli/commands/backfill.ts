/**
 * `headrace backfill FILE`: the intervals of a window, the oldest first, some side by side. What is done is left alone, so the
 * same command again runs what failed or was never begun; and a window of one step runs that interval alone.
 */
import { QUEUES } from '../../contracts/temporal.ts';
import { setTimeout as sleep } from 'node:timers/promises';
import { countText } from '../../contracts/count-words.ts';
import type { IntervalLook } from '../../contracts/intervals.ts';
import { comeBackTo } from '../come-back.ts';
import type { FollowOptions } from '../common-options.ts';
import { withEmbeddedWorker } from '../embedded-worker.ts';
import { configurationFor } from '../environment.ts';
import { EXIT } from '../exit-codes.ts';
import { goesOn } from '../follow.ts';
import { leaveWith } from '../interrupt.ts';
import { withEnds } from '../interval-ends.ts';
import { intervalInputOf, type IntervalOptions, stepOf, windowOf } from '../interval-options.ts';
import { startBackfill } from '../interval-schedule.ts';
import { countsOf, countsText, intervalsText } from '../interval-text.ts';
import { outputFor, type Output } from '../output.ts';
import { noWorkerText, unpolledQueues } from '../pollers.ts';
import { controlAddress, requireReachable } from '../../workers/reachable.ts';
import { removeSchedules } from '../schedule-list.ts';
import { workflowStatus } from '../start-workflow.ts';
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
      const comeBack = comeBackTo('backfill', file, options);
      const told = countText(count, 'interval');
      const start = async (): Promise<void> => {
        let isServed = false; // by a worker that stays
        // The start itself is not cut short, so that what goes on is the whole backfill.
        const leaving = leaveWith(() => goesOn(`the backfill of ${told}`, { comeBack, ownWorker: !isServed }));
        try {
          const schedules = await startBackfill(temporal, input, window, options.parallel);
          const missing = options.withWorker === true ? [] : await unpolledQueues(temporal, QUEUES);
          isServed = options.withWorker !== true && missing.length === 0;
          if (missing.length > 0) output.note(noWorkerText(missing));
          if (options.detach === true) {
            output.result(
              { pipeline: spec.name, ...window, intervals: count, schedules },
              () => `backfill of ${told} started; look at it with\n  ${comeBack} --overview`,
            );
            return;
          }
          await options.companions?.turn();
          const lookAtEnds = () => withEnds(look, (workflowId) => workflowStatus(temporal, workflowId));
          const rows = await untilSettled(lookAtEnds, { before, count, output }, leaving);
          await removeSchedules(temporal, schedules);
          show(rows);
        } finally {
          leaving.release();
        }
      };
      const ownWorker = options.withWorker === true && options.companions === undefined;
      await (ownWorker ? withEmbeddedWorker(settings, output, start) : start());
    });
  });
}

/** Every interval done, or failed in an attempt of this backfill. @throws CommandEnd after Ctrl-C */
async function untilSettled(
  look: () => Promise<IntervalLook[]>,
  { before, count, output }: { before: readonly IntervalLook[]; count: number; output: Output },
  { interrupted, signal }: ReturnType<typeof leaveWith>,
): Promise<IntervalLook[]> {
  const attempts = new Map(before.map((row) => [row.to, row.attempts]));
  let told = '';
  for (;;) {
    const rows = await Promise.race([look(), interrupted]);
    const settled = rows.filter(
      ({ state, to, attempts: tried }) => state === 'done' || (state === 'failed' && tried > (attempts.get(to) ?? 0)),
    );
    const text = countsText(countsOf(rows, count));
    if (text !== told && !output.json) output.note(text);
    told = text;
    if (settled.length >= count) return rows;
    await sleep(LOOK_EVERY_MS, undefined, { signal }).catch(() => interrupted);
  }
}
