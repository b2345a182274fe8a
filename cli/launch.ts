/** What every command that starts a workflow does: worker if asked for, start, then follow it or leave it. */
import type { QueueName } from '../contracts/temporal.ts';
import type { Settings } from '../contracts/settings.ts';
import type { FollowOptions } from './common-options.ts';
import { EXIT } from './exit-codes.ts';
import { follow, type FollowRequest, goesOn } from './follow.ts';
import { CommandEnd } from './failure.ts';
import { leaveWith } from './interrupt.ts';
import { noteOnce, type Output } from './output.ts';
import { noWorkerText, unpolledQueues } from './pollers.ts';
import type { Look } from './progress-model.ts';
import { type Started, startWorkflow, type StartRequest, workflowStatus } from './start-workflow.ts';
import { withTemporal, workflowLink, type Temporal } from './temporal.ts';
import { withEmbeddedWorker } from './embedded-worker.ts';

export interface LaunchRequest extends StartRequest {
  settings: Settings;
  options: FollowOptions;
  output: Output;
  queues: readonly QueueName[];
  /** Ids of workflows that it waits for without being their parent: a run's landing. */
  beside?: readonly string[];
  /** Reads progress from the control database; absent: the workflow is asked. */
  openLook?: () => Promise<ProgressSource>;
  comeBack: string;
  /** Fields of the document that --detach prints, beside the workflow's id. */
  names: Readonly<Record<string, string>>;
  /**
   * Where no worker is there to find it out: looks for what the workflow would be refused for. It takes half a second, which a
   * workflow with a worker is not made to wait for: that one's plan says the same. @throws Fault of all of it
   */
  refuse?: () => Promise<void>;
  /** Takes the workflow's result; called before a worker in this process is drained, which takes its time. */
  present: (result: unknown) => void;
}

export interface ProgressSource {
  look(): Promise<Look | null>;
  close(): Promise<void>;
}

/** Ends with the workflow, or after --detach with its start. @throws what the workflow failed of; CommandEnd */
export async function launch(request: LaunchRequest): Promise<void> {
  const { settings, options, output } = request;
  await withTemporal(settings.temporal, async (temporal) => {
    // Beside others the worker is there already.
    if (options.withWorker !== true || options.companions !== undefined) await startAndFollow(temporal, request);
    else await withEmbeddedWorker(settings, output, () => startAndFollow(temporal, request));
  });
}

async function startAndFollow(temporal: Temporal, request: LaunchRequest): Promise<void> {
  const { options, queues, workflowId, comeBack, refuse } = request;
  const ownWorker = options.withWorker === true;
  const isWaiting = refuse !== undefined && !ownWorker && (await unpolledQueues(temporal, queues)).length > 0;
  const found = isWaiting || options.detach === true ? await workflowStatus(temporal, workflowId) : null;
  if (isWaiting && found === null) await refuse();
  const at = { isStarted: false, isServed: !ownWorker };
  const leaving = leaveWith(() =>
    at.isStarted ? goesOn(workflowId, { comeBack, ownWorker: !at.isServed }) : inDoubt(workflowId, comeBack),
  );
  try {
    const started = await Promise.race([startWorkflow(temporal, request), leaving.interrupted]);
    at.isStarted = true;
    const served = (is: boolean): void => void (at.isServed = is && !ownWorker);
    await (options.detach === true
      ? tellStarted(temporal, request, started.how === 'started' && found === 'RUNNING' ? 'running' : started.how)
      : followStarted(temporal, request, started, { interrupted: leaving.interrupted, served }));
  } finally {
    leaving.release();
  }
}

/** Temporal was asked, and did not answer yet. */
function inDoubt(workflowId: string, comeBack: string): CommandEnd {
  const message = `interrupted while Temporal was asked for ${workflowId}: it may be that it was started. Come back to it, or start it, with:\n  ${comeBack}`;
  return new CommandEnd(EXIT.interrupted, 'Interrupted', message);
}

/** How the workflow was met, in the words that follow. */
const HOW = {
  started: 'started',
  running: 'runs already, with the options it was started with (headrace tune changes a pace):',
  completed: 'completed before:',
} as const;

async function tellStarted(temporal: Temporal, request: LaunchRequest, how: keyof typeof HOW): Promise<void> {
  const { options, output, queues, workflowId, names, comeBack } = request;
  const link = workflowLink(temporal.settings, workflowId);
  const missing = await unpolledQueues(temporal, queues);
  if (missing.length > 0) noteOnce(options, output, noWorkerText(missing));
  const document = { ...names, workflowId, ...(link === undefined ? {} : { ui: link }) };
  output.result(document, () => `${HOW[how]} ${workflowId}${link === undefined ? '' : `\n${link}`}\n${comeBack}`);
}

async function followStarted(
  temporal: Temporal,
  request: LaunchRequest,
  started: Started,
  leaving: Required<Pick<FollowRequest, 'interrupted' | 'served'>>,
): Promise<void> {
  const { options, output, queues, beside = [], workflowId } = request;
  const link = workflowLink(temporal.settings, workflowId);
  await options.companions?.turn();
  let source: ProgressSource | undefined;
  try {
    if (started.how === 'completed')
      output.note(
        `${workflowId} had completed before; this is its result, of its own options. Another --replay-id runs anew.`,
      );
    else output.note(`${workflowId}${link === undefined ? '' : `  ${link}`}`);
    const opened = (source = output.json ? undefined : await request.openLook?.());
    const look = opened === undefined ? {} : { look: () => opened.look() };
    const ownWorker = options.withWorker === true;
    request.present(await follow(temporal, started.handle, { output, queues, beside, ownWorker, ...leaving, ...look }));
  } finally {
    await source?.close();
  }
}
