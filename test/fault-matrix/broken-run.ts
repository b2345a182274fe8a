/** A run that is stopped at a step for something odder than a crash, and what is looked at when it may not end well. */
import { WorkflowFailedError } from '@temporalio/client';
import { expect } from 'vitest';
import type { RunReport } from '../../contracts/temporal.ts';
import { workflowIds } from '../../contracts/temporal.ts';
import { expectExactlyOnce, queryLake, readTopic, sourceLines, tally, warehouseLines } from '../e2e/ends.ts';
import { finishRun, type Run, startRun } from '../faults/midway.ts';
import { expectNoStrays, newRun, RATE, within } from './run-cell.ts';
import type { Slot } from './slot.ts';
import { STEPS } from './steps.ts';

const REACH_SECONDS = 240;
const END_SECONDS = 600;

export interface Midway {
  run: Run;
  /** Rows of the source when all was well. */
  lines: readonly string[];
  /** Lets the step go on. */
  goOn: () => void;
}

/** Starts a run and stops it at the n-th request of a step. */
export async function stopAt(slot: Slot, stepName: string, nth: number): Promise<Midway> {
  const step = STEPS.find(({ name }) => name === stepName);
  if (!step) throw new Error(`there is no step ${stepName}`);
  const run = await newRun(slot);
  const lines = await sourceLines(slot.services, run.pipeline);
  if (slot.crew.size === 0) await slot.hire();
  const caught = slot.trap.arm(step, 'request', nth);
  await startRun(slot.services, run, RATE);
  const { release } = await within(REACH_SECONDS, `${stepName}, ${nth} times`, caught);
  return { run, lines, goOn: () => release('pass') };
}

/** Waits for a run that must end well, and compares all ends. @returns seconds */
export async function expectRecovered(slot: Slot, run: Run): Promise<number> {
  const began = performance.now();
  await within(END_SECONDS, 'the end of the run', finishRun(slot.services, run));
  const seconds = (performance.now() - began) / 1000;
  await expectExactlyOnce(slot.services, run.pipeline);
  await expectNoStrays(slot, run);
  return seconds;
}

export interface Failed {
  /** Of the innermost cause. */
  type: string;
  message: string;
  seconds: number;
}

/** Waits for a run that must fail, not hang. */
export async function expectFailed({ services }: Slot, { pipeline, replayId }: Run): Promise<Failed> {
  const began = performance.now();
  const handle = services.temporal.workflow.getHandle(workflowIds.run(pipeline.name, replayId));
  try {
    const report = (await within(END_SECONDS, 'the failure of the run', handle.result())) as RunReport;
    throw new Error(`the run ended, ok: ${report.ok}`);
  } catch (error) {
    if (!(error instanceof WorkflowFailedError)) throw error;
    let cause: unknown = error;
    while (cause instanceof Error && cause.cause instanceof Error && !isOurs(cause)) cause = cause.cause;
    const { message, type = '' } = cause as Error & { type?: string };
    return { type, message, seconds: (performance.now() - began) / 1000 };
  }
}

const isOurs = (error: Error): boolean => 'type' in error && typeof error.type === 'string' && error.type !== '';

/** The command of the same replay id again, as a user gives it after mending what was wrong. */
export async function runAgain(slot: Slot, run: Run): Promise<number> {
  await startRun(slot.services, run, RATE);
  return expectRecovered(slot, run);
}

/** What is in the topic, the lake and the warehouse came from the source, once; the lake has nothing that the topic has not. */
export async function expectNothingTwice(
  { services }: Slot,
  { pipeline }: Run,
  lines: readonly string[],
  { topic = true, warehouse = true } = {},
): Promise<string> {
  const source = new Set(lines);
  const once = (what: string, found: readonly string[]): void => {
    expect([...tally(found)].filter(([line, count]) => count > 1 || !source.has(line)).slice(0, 5), what).toEqual([]);
  };
  const landed = await queryLake(
    services,
    pipeline.spec,
    `id::VARCHAR || '|' || name || '|' AS line, amount::DOUBLE AS amount, _partition || ':' || _offset AS place`,
  );
  once(
    'lake',
    landed.map(({ line, amount }) => `${String(line)}${Number(amount)}`),
  );
  const told = [`lake ${landed.length}`];
  if (topic) {
    const records = await readTopic(pipeline.spec.topic.name);
    const places = new Set(records.map(({ partition, offset }) => `${partition}:${offset}`));
    expect(places.size, 'records').toBe(new Set(records.map(({ key }) => key)).size);
    expect(landed.filter(({ place }) => !places.has(String(place))).slice(0, 5), 'in the lake only').toEqual([]);
    told.unshift(`topic ${records.length}`);
  }
  if (warehouse) {
    const loaded = await warehouseLines(services, pipeline);
    once('warehouse', loaded);
    told.push(`warehouse ${loaded.length}`);
  }
  return `rows, none twice: ${told.join(', ')}`;
}
