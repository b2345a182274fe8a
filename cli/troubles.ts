/**
 * Activities of a workflow and its children that failed and are being tried again, with the cause: what a user would
 * otherwise have to look up in the Temporal UI while nothing seems to happen.
 */
import type { Client } from '@temporalio/client';
import { failureMessage } from '../workers/payload-codec.ts';
import { phaseOf } from './search-attributes.ts';

export interface Trouble {
  /** Of the workflow that the activity belongs to. */
  workflowId: string;
  activity: string;
  attempt: number;
  cause: string;
}

/** A first retry may be a hiccup that nobody needs to hear of. */
const ATTEMPTS_BEFORE_TOLD = 3;
const MOST_CHILDREN = 10;

export interface Condition {
  /** What the workflow says it is at; empty where it says nothing. */
  phase: string;
  troubles: Trouble[];
}

/** @param beside ids of workflows that it waits for without being their parent; one that is not there has no troubles */
export async function conditionWith(client: Client, workflowId: string, beside: readonly string[]): Promise<Condition> {
  const [own, ...others] = await Promise.all([
    conditionOf(client, workflowId),
    ...beside.map((id) => conditionOf(client, id).catch(() => null)),
  ]);
  return { phase: own.phase, troubles: [...own.troubles, ...others.flatMap((other) => other?.troubles ?? [])] };
}

async function conditionOf(client: Client, workflowId: string): Promise<Condition> {
  const { raw } = await client.workflow.getHandle(workflowId).describe();
  const { payloadCodecs } = client.options.loadedDataConverter;
  const own = await Promise.all(
    (raw.pendingActivities ?? []).map(async (pending): Promise<Trouble[]> => {
      const { attempt, lastFailure, activityType } = pending;
      if (!lastFailure || (attempt ?? 0) < ATTEMPTS_BEFORE_TOLD) return [];
      const cause = causeIn(await failureMessage(lastFailure, payloadCodecs));
      return [{ workflowId, activity: activityType?.name ?? 'activity', attempt: attempt ?? 0, cause }];
    }),
  );
  const children = (raw.pendingChildren ?? []).slice(0, MOST_CHILDREN);
  const below = await Promise.all(
    children.map(async ({ workflowId: child }) => (child ? (await conditionOf(client, child)).troubles : [])),
  );
  const phase = phaseOf(raw.workflowExecutionInfo?.searchAttributes?.indexedFields);
  return { phase, troubles: [...own.flat(), ...below.flat()] };
}

/** Its first line, where that is not the head of a list: the list is the cause then. */
function causeIn(message: string): string {
  const [first = ''] = message.split('\n');
  return first.endsWith(':') ? message : first;
}

export function troubleText({ activity, attempt, cause }: Trouble): string {
  return `${activity} was tried ${attempt} times and is tried again: ${cause}`;
}
