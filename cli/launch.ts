/** What every command that starts a workflow does: worker if asked for, start, then follow it or leave it. */
import type { QueueName } from '../contracts/temporal.ts';
import type { Settings } from '../contracts/settings.ts';
import type { FollowOptions } from './common-options.ts';
import { follow, goesOn } from './follow.ts';
import { leaveWith } from './interrupt.ts';
import { noteOnce, type Output } from './output.ts';
import { noWorkerText, unpolledQueues } from './pollers.ts';
import type { Look } from './progress-model.ts';
import { startWorkflow, type StartRequest } from './start-workflow.ts';
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
  const { options, output, queues, beside = [], workflowId, names, comeBack } = request;
  const started = await startWorkflow(temporal, request);
  const link = workflowLink(temporal.settings, workflowId);
  if (options.detach === true) {
    const missing = await unpolledQueues(temporal, queues);
    if (missing.length > 0) noteOnce(options, output, noWorkerText(missing));
    const document = { ...names, workflowId, ...(link === undefined ? {} : { ui: link }) };
    output.result(document, () => `${started.how} ${workflowId}${link === undefined ? '' : `\n${link}`}\n${comeBack}`);
    return;
  }
  await options.companions?.turn();
  const ownWorker = options.withWorker === true;
  const { interrupted, release } = leaveWith(() => goesOn(workflowId, { comeBack, ownWorker }));
  let source: ProgressSource | undefined;
  try {
    if (started.how === 'completed')
      output.note(
        `${workflowId} had completed before; this is its result, of its own options. Another --replay-id runs anew.`,
      );
    else output.note(`${workflowId}${link === undefined ? '' : `  ${link}`}`);
    const opened = (source = output.json ? undefined : await request.openLook?.());
    const look = opened === undefined ? {} : { look: () => opened.look() };
    request.present(
      await follow(temporal, started.handle, { output, queues, beside, interrupted, ownWorker, ...look }),
    );
  } finally {
    await source?.close();
    release();
  }
}
