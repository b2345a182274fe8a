/**
 * One cell: a small run, stopped at a step, hurt there, healed, let finish; then all ends are read and compared, row by row.
 * Small chunks and cuts, so that few rows make many effects.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { expect } from 'vitest';
import { startService, stopService } from '../../stack/fault-controls.ts';
import type { ServiceName } from '../../stack/types.ts';
import { expectExactlyOnce, sealedObjects } from '../e2e/ends.ts';
import { newSales } from '../e2e/sales-pipeline.ts';
import { type Run, finishRun, startRun } from '../faults/midway.ts';
import { required, unique } from '../replay/setting.ts';
import { type Cell, cellName } from './cells.ts';
import type { LinkName } from './exchanges.ts';
import { seed } from './plan.ts';
import { newRandom, seedOf } from './random.ts';
import type { Slot } from './slot.ts';
import type { TemporalServer } from './temporal-server.ts';
import type { Caught } from './trap.ts';

const ROWS = 1_200;
const SHAPE = { chunkRows: 100, lanes: 3, partitions: 3, rotate: { records: 100, age: '400ms' } };
/** Rows a second: slow enough that landing and loading are under way while rows still come. */
export const RATE = 600;
const REACH_SECONDS = 240;
/** A run that takes longer to end after a fault has not recovered from it. */
const END_SECONDS = 600;
const AWAY_MS = 1_500;
const LOOK_EVERY_MS = 50;

export interface Outcome {
  /** From the moment that all is well again until the step was passed, or the run was over. */
  recoverySeconds: number;
}

export async function newRun(slot: Slot, rows = ROWS): Promise<Run> {
  const pipeline = await newSales(slot.services, rows, SHAPE);
  return { pipeline, replayId: unique('r'), rows };
}

/** @param temporal the slot's server */
export async function runCell(slot: Slot, cell: Cell, temporal: TemporalServer): Promise<Outcome> {
  const { trap, crew } = slot;
  let well = false;
  try {
    const run = await newRun(slot);
    const wanted = cell.fault === 'two workers killed' ? 2 : 1;
    while (crew.size < wanted) await slot.hire();
    const [first, last] = cell.step.times;
    const nth = first + newRandom(seedOf(seed(), cellName(cell))).whole(last - first + 1);
    const caught = trap.arm(cell.step, cell.side, nth);
    await startRun(slot.services, run, RATE);
    const what = await within(REACH_SECONDS, `${cell.step.name}, ${nth} times`, caught);
    const ended = finishRun(slot.services, run);
    ended.catch(() => undefined); // looked at below
    const recoverySeconds = await hurt(slot, cell, what, ended, temporal);
    await within(END_SECONDS, 'the end of the run', Promise.race([ended, slot.died()]));
    await expectExactlyOnce(slot.services, run.pipeline);
    await expectNoStrays(slot, run);
    well = true;
    return { recoverySeconds };
  } finally {
    await slot.clear(well);
  }
}

/** @returns seconds that recovery took */
async function hurt(
  slot: Slot,
  cell: Cell,
  caught: Caught,
  ended: Promise<void>,
  temporal: TemporalServer,
): Promise<number> {
  const { trap, links, crew, hire, killCrew } = slot;
  const over = ended.then(
    () => true,
    () => true,
  );
  let isOver = false;
  void Promise.race([over, slot.died().catch(() => true)]).then(() => (isOver = true));
  /** @param healing what is part of it: the start of a new worker */
  const recovery = async (healing?: () => Promise<unknown>): Promise<number> => {
    const began = performance.now();
    const { passed } = trap.watch(cell.step);
    await healing?.();
    while (passed() === 0 && !isOver && performance.now() - began < END_SECONDS * 1000) await sleep(LOOK_EVERY_MS);
    return (performance.now() - began) / 1000;
  };
  switch (cell.fault) {
    case 'worker killed':
    case 'two workers killed':
      await killCrew();
      caught.release('lose');
      return recovery(hire);
    case 'connection reset':
      caught.release('lose');
      return recovery();
    case 'answer never comes':
      return recovery();
    case 'link cut':
      links[cell.step.link].cut();
      caught.release('lose');
      await sleep(AWAY_MS);
      links[cell.step.link].mend();
      return recovery();
    case 'worker frozen': {
      const zombies = [...crew];
      for (const zombie of zombies) zombie.kill('SIGSTOP');
      const seconds = await recovery(hire);
      caught.release('pass');
      for (const zombie of zombies) zombie.kill('SIGCONT');
      return seconds;
    }
    case 'request late': {
      await killCrew();
      const seconds = await recovery(hire);
      caught.release('pass');
      return seconds;
    }
    case 'service killed': {
      const home = required('HEADRACE_HOME');
      const { link } = cell.step;
      await (link === 'temporal' ? temporal.kill() : stopService(home, SERVICES[link], 'SIGKILL'));
      caught.release('lose');
      await sleep(AWAY_MS);
      await (link === 'temporal' ? temporal.start() : startService(home, SERVICES[link]));
      return recovery();
    }
  }
}

const SERVICES: Readonly<Record<Exclude<LinkName, 'temporal'>, ServiceName>> = {
  source: 'postgres',
  warehouse: 'postgres',
  control: 'postgres',
  kafka: 'kafka',
  s3: 's3',
};

/** The bucket holds nothing that could be taken for data but what the manifest names. */
export async function expectNoStrays({ services }: Slot, { pipeline: { spec } }: Run): Promise<void> {
  const found = await services.listObjects(spec.lake.bucket, `${spec.lake.prefix}/`);
  const data = found.filter((name) => !name.startsWith(`${spec.lake.prefix}/_headrace/`)).sort();
  expect(data, 'objects in the bucket').toEqual((await sealedObjects(services, spec)).map(({ name }) => name));
}

export async function within<T>(seconds: number, what: string, work: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`after ${seconds} s still not: ${what}`)), seconds * 1000);
  });
  return await Promise.race([work, late]).finally(() => clearTimeout(timer));
}
