/**
 * Follows a workflow to its end: progress, causes of retries, a word where no worker is there for it. Ctrl-C leaves the
 * workflow running and says how to come back.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type { WorkflowHandle } from '@temporalio/client';
import { PROGRESS_QUERY, type Progress, type QueueName } from '../contracts/temporal.ts';
import { EXIT } from './exit-codes.ts';
import { CommandEnd } from './failure.ts';
import type { Output } from './output.ts';
import { pollSignal } from './poll-signal.ts';
import { noWorkerText, unpolledQueues } from './pollers.ts';
import { createDisplay, type ProgressDisplay } from './progress-display.ts';
import type { Look } from './progress-model.ts';
import type { Temporal } from './temporal.ts';
import { conditionWith, troubleText } from './troubles.ts';

export interface FollowRequest {
  output: Output;
  /** What is waited for. Absent: the workflow's result. */
  wait?: (signal: AbortSignal) => Promise<unknown>;
  /** Queues that the workflow needs workers for. */
  queues: readonly QueueName[];
  /** Ids of workflows that it waits for without being their parent: a run's landing. */
  beside?: readonly string[];
  /** Null: nothing to show (yet). Absent: the workflow itself is asked. */
  look?: () => Promise<Look | null>;
  /** Rejects at Ctrl-C, with how to come back (`leaveWith`). */
  interrupted: Promise<never>;
  /** A worker of this command's own is about to poll: none is missed at first. */
  ownWorker?: boolean;
  /** Told at each look whether a worker is there for every queue. */
  served?: (is: boolean) => void;
}

const LOOK_EVERY_MS = 500;
const CARE_EVERY_MS = 2_000;
const QUERY_MS = 2_000;
const OWN_WORKER_MS = 15_000;

/**
 * @returns what was waited for
 * @throws CommandEnd after Ctrl-C; what the workflow failed of
 */
export async function follow(temporal: Temporal, handle: WorkflowHandle, request: FollowRequest): Promise<unknown> {
  const display = createDisplay(request.output.json);
  const ended = new AbortController();
  const watching = watch(temporal, handle, request, display, ended.signal);
  try {
    const result = request.wait?.(ended.signal) ?? resultOf(temporal, handle, ended.signal);
    return await Promise.race([result, request.interrupted]);
  } finally {
    ended.abort();
    await watching;
    display.end();
  }
}

/** What ends a command that leaves a workflow behind. @param ownWorker whether it had the only worker, or none was there */
export function goesOn(
  workflowId: string,
  { comeBack, ownWorker }: { comeBack: string; ownWorker: boolean },
): CommandEnd {
  return new CommandEnd(
    EXIT.interrupted,
    'Interrupted',
    `left ${workflowId}, which goes on ${ownWorker ? 'as soon as a worker runs' : 'running'}. Come back to it with:\n  ${comeBack}`,
  );
}

/** Looks and cares until the end, once more at the end itself; its own errors are not the workflow's, so they are kept. */
async function watch(
  temporal: Temporal,
  handle: WorkflowHandle,
  { queues, beside = [], look, output, ownWorker, served = () => undefined }: FollowRequest,
  display: ProgressDisplay,
  ended: AbortSignal,
): Promise<void> {
  const take = look ?? (() => askWorkflow(temporal, handle));
  const care = createCare(
    temporal,
    handle.workflowId,
    { queues, beside, served },
    display,
    ownWorker === true ? Date.now() + OWN_WORKER_MS : 0,
  );
  let caredAt = -Infinity;
  let phase = '';
  while (!ended.aborted) {
    if (performance.now() - caredAt >= CARE_EVERY_MS) {
      phase = await care().catch(() => phase);
      caredAt = performance.now();
    }
    if (!output.json) {
      const seen = await take().catch(() => null);
      if (seen !== null) display.show(seen.text === '' ? { ...seen, text: phase } : seen);
    }
    await sleep(LOOK_EVERY_MS, undefined, { signal: ended }).catch(() => undefined);
  }
  if (output.json || look === undefined) return;
  const last = await take().catch(() => null);
  if (last !== null) display.show(last);
}

/**
 * Tells each thing once: a queue without a worker, and each activity's cause of being retried. Gives the phase.
 * @param missedFrom when workers begin to be missed, ms
 */
function createCare(
  temporal: Temporal,
  workflowId: string,
  { queues, beside, served }: Required<Pick<FollowRequest, 'queues' | 'beside' | 'served'>>,
  display: ProgressDisplay,
  missedFrom: number,
) {
  let unpolled = '';
  const told = new Set<string>();
  return async (): Promise<string> => {
    const missing = Date.now() < missedFrom ? [] : await unpolledQueues(temporal, queues);
    if (missing.length > 0 && missing.join() !== unpolled) display.note(noWorkerText(missing));
    if (missing.length === 0 && unpolled !== '') display.note('A worker is there now.');
    unpolled = missing.join();
    served(missing.length === 0);
    const { phase, troubles } = await conditionWith(temporal.client, workflowId, beside);
    for (const trouble of troubles) {
      const key = `${trouble.activity} ${trouble.cause}`;
      if (!told.has(key)) display.note(troubleText(trouble));
      told.add(key);
    }
    return phase;
  };
}

/** A long poll that is not ended would hold the process up for 20 s. */
async function resultOf({ connection }: Temporal, handle: WorkflowHandle, ended: AbortSignal): Promise<unknown> {
  return await connection.withAbortSignal(pollSignal(ended), () => handle.result());
}

/** The workflow's own words; a query needs a worker, so it is given little time. */
async function askWorkflow({ connection }: Temporal, handle: WorkflowHandle): Promise<Look> {
  const query = () => handle.query<Progress>(PROGRESS_QUERY);
  const { text } = await connection.withDeadline(Date.now() + QUERY_MS, query);
  return { expected: null, hops: [], text };
}
