/** All that Temporal keeps of a namespace's workflows, as text: what a reader of its database would see. */
import type { Client } from '@temporalio/client';

/** Bytes as UTF-8: payloads of JSON are then the JSON. */
export function textsOf(value: unknown, found: string[] = []): string[] {
  if (typeof value === 'string') found.push(value);
  else if (value instanceof Uint8Array) found.push(Buffer.from(value).toString());
  else if (typeof value === 'object' && value !== null) for (const part of Object.values(value)) textsOf(part, found);
  return found;
}

export interface KeptWorkflow {
  workflowId: string;
  /** Protobuf, payloads as they are stored. */
  history: unknown;
  description: unknown;
}

/** Histories, descriptions (memo, search attributes, summary, pending activities) and schedules. */
export async function keptByTemporal(client: Client): Promise<{ workflows: KeptWorkflow[]; schedules: unknown[] }> {
  const workflows: KeptWorkflow[] = [];
  for await (const { workflowId, runId } of client.workflow.list()) {
    const handle = client.workflow.getHandle(workflowId, runId);
    const { raw } = await handle.describe();
    workflows.push({ workflowId, history: await handle.fetchHistory(), description: raw });
  }
  const schedules: unknown[] = [];
  for await (const { scheduleId } of client.schedule.list()) {
    // Raw: the client's own description decodes the action's arguments, for which it may lack the key.
    const { namespace } = client.options;
    schedules.push(await client.workflowService.describeSchedule({ namespace, scheduleId }));
  }
  return { workflows, schedules };
}
