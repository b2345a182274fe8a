/** What activities ask Temporal itself: whether a workflow is open, how a land workflow fares, to wake it up. */
import {
  ApplicationFailure,
  type Client,
  isGrpcServiceError,
  WithStartWorkflowOperation,
  type WorkflowExecutionDescription,
  WorkflowFailedError,
  WorkflowNotFoundError,
} from '@temporalio/client';
import type { LandRequestPorts, LandStatus } from '../activities/land-ports.ts';
import { fault, type FaultCode, FAULTS, messageOf } from '../contracts/errors.ts';
import { datasetOf } from '../contracts/pipeline.ts';
import { ENSURE_LANDING_UPDATE, TASK_QUEUES, workflowIds, WORKFLOWS } from '../contracts/temporal.ts';

export type TemporalPorts = Pick<LandRequestPorts, 'pokeLand' | 'landStatus'> & {
  isWorkflowOpen: (workflowId: string) => Promise<boolean>;
};

export function openTemporalPorts(client: () => Promise<Client>): TemporalPorts {
  async function describe(workflowId: string): Promise<WorkflowExecutionDescription | null> {
    try {
      return await (await client()).workflow.getHandle(workflowId).describe();
    } catch (error) {
      if (error instanceof WorkflowNotFoundError) return null;
      throw fault('TemporalUnavailable', `asking Temporal about ${workflowId}: ${messageOf(error)}`, error);
    }
  }
  return {
    async isWorkflowOpen(workflowId) {
      const found = await describe(workflowId);
      return found?.status.name === 'RUNNING' || found?.status.name === 'PAUSED';
    },
    async landStatus(dataset): Promise<LandStatus> {
      const workflowId = workflowIds.land(dataset);
      const found = await describe(workflowId);
      if (found?.status.name === 'RUNNING') return { kind: 'open' };
      if (found?.status.name !== 'FAILED') return { kind: 'closed' };
      return { kind: 'failed', ...(await failureOf(await client(), workflowId)) };
    },
    async pokeLand(input, options) {
      const workflowId = workflowIds.land(datasetOf(input.spec.lake));
      const start = new WithStartWorkflowOperation(WORKFLOWS.land, {
        workflowId,
        taskQueue: TASK_QUEUES.orchestrate,
        workflowIdConflictPolicy: 'USE_EXISTING',
        args: [input],
        staticSummary: `lands topic ${input.spec.topic.name} in ${datasetOf(input.spec.lake)}`,
      });
      try {
        await (
          await client()
        ).workflow.executeUpdateWithStart(ENSURE_LANDING_UPDATE, {
          startWorkflowOperation: start,
          args: [{ input, options }],
        });
      } catch (error) {
        if (isGrpcServiceError(error))
          throw fault('TemporalUnavailable', `waking ${workflowId} up: ${messageOf(error)}`, error);
        throw fault('Unexpected', `waking ${workflowId} up: ${messageOf(error)}`, error);
      }
    },
  };
}

/** The innermost cause of a failed workflow, which is the one that names a remedy. */
async function failureOf(client: Client, workflowId: string): Promise<{ code: FaultCode; message: string }> {
  try {
    await client.workflow.getHandle(workflowId).result();
  } catch (error) {
    let cause: unknown = error instanceof WorkflowFailedError ? error.cause : error;
    while (cause instanceof Error && !(cause instanceof ApplicationFailure) && cause.cause !== undefined)
      cause = cause.cause;
    const type = cause instanceof ApplicationFailure ? cause.type : undefined;
    return { code: type && type in FAULTS ? (type as FaultCode) : 'Unexpected', message: messageOf(cause) };
  }
  return { code: 'Unexpected', message: `${workflowId} failed` };
}
