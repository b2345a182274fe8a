/**
 * Starts a workflow, or comes back to the one of that id: a running one is followed, a completed one's result is shown
 * and nothing runs again, a failed one runs again (its activities find what is already done).
 */
import type { WorkflowHandle } from '@temporalio/client';
import { TASK_QUEUES } from '../contracts/temporal.ts';
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

export async function startWorkflow({ client }: Temporal, request: StartRequest): Promise<Started> {
  const { type, workflowId, input, summary } = request;
  try {
    const handle = await client.workflow.start(type, {
      workflowId,
      taskQueue: TASK_QUEUES.orchestrate,
      args: [input],
      staticSummary: summary,
      workflowIdConflictPolicy: 'USE_EXISTING',
      workflowIdReusePolicy: 'ALLOW_DUPLICATE_FAILED_ONLY',
    });
    return { handle: client.workflow.getHandle(workflowId), runId: handle.firstExecutionRunId, how: 'started' };
  } catch (error) {
    if (!(error instanceof Error) || error.name !== 'WorkflowExecutionAlreadyStartedError') throw error;
    return { handle: client.workflow.getHandle(workflowId), how: 'completed' };
  }
}
