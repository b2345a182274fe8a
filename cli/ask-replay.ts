/** An update of a replay's workflow, whose refusal is told by its reason. */
import type { WorkflowHandle } from '@temporalio/client';
import { fault, messageOf } from '../contracts/errors.ts';

/** @throws Fault ConfigInvalid where the workflow refuses it */
export async function askReplay(
  handle: WorkflowHandle,
  workflowId: string,
  update: string,
  request: object,
): Promise<string> {
  try {
    return await handle.executeUpdate<string, [object]>(update, { args: [request] });
  } catch (error) {
    if (!(error instanceof Error) || error.name !== 'WorkflowUpdateFailedError') throw error;
    throw fault('ConfigInvalid', `${workflowId}: ${messageOf(error.cause ?? error)}`, error);
  }
}
