/**
 * Starts a workflow, or comes back to the one of that id: a running one is followed, a completed one's result is shown
 * and nothing runs again, a failed one runs again (its activities find what is already done). Those two are refused to a command with
 * another scope: Temporal would drop the new one without a word, or, before a plan was stored, take it for the old one's.
 */
import type { WorkflowExecutionDescription, WorkflowHandle } from '@temporalio/client';
import { TASK_QUEUES } from '../contracts/temporal.ts';
import { requireSameScope } from './same-scope.ts';
import type { Temporal } from './temporal.ts';

export interface StartRequest {
  type: string;
  workflowId: string;
  input: unknown;
  /** Shown beside the workflow in the UI. */
  summary: string;
}

export interface Started {
  handle: WorkflowHandle;
  runId?: string;
  /** `completed`: it had ended well before; its result is there. */
  how: 'started' | 'completed';
}

/** @throws Fault ConfigInvalid: a workflow of that id was started with another scope */
export async function startWorkflow(temporal: Temporal, request: StartRequest): Promise<Started> {
  const { type, workflowId, input, summary } = request;
  const { client } = temporal;
  await requireSameScope(temporal, workflowId, input);
  try {
    const handle = await client.workflow.start(type, {
      workflowId,
      taskQueue: TASK_QUEUES.orchestrate,
      args: [input],
      staticSummary: summary,
      workflowIdConflictPolicy: 'USE_EXISTING',
      workflowIdReusePolicy: 'ALLOW_DUPLICATE_FAILED_ONLY',
    });
    // Once more: of two commands at once Temporal took the first one's input.
    await requireSameScope(temporal, workflowId, input);
    return { handle: client.workflow.getHandle(workflowId), runId: handle.firstExecutionRunId, how: 'started' };
  } catch (error) {
    if (!(error instanceof Error) || error.name !== 'WorkflowExecutionAlreadyStartedError') throw error;
    return { handle: client.workflow.getHandle(workflowId), how: 'completed' };
  }
}

/** @returns such as RUNNING; null as describeWorkflow */
export async function workflowStatus(temporal: Temporal, workflowId: string): Promise<string | null> {
  return (await describeWorkflow(temporal, workflowId))?.status.name ?? null;
}

/** @returns null where no workflow of that id was ever started, as far as Temporal remembers */
export async function describeWorkflow(
  { client }: Temporal,
  workflowId: string,
): Promise<WorkflowExecutionDescription | null> {
  try {
    return await client.workflow.getHandle(workflowId).describe();
  } catch (error) {
    if (error instanceof Error && error.name === 'WorkflowNotFoundError') return null;
    throw error;
  }
}
