/**
 * A replay id stands for one scope from the first command on, not only once its plan is stored: what failed or is still running
 * is never taken up with other rows. What was said first is read from Temporal: the input of the workflow's latest run.
 */
import { fault } from '../contracts/errors.ts';
import type { ReplayInput } from '../contracts/temporal.ts';
import { scopeWords } from './come-back.ts';
import { placeText } from './letter-options.ts';
import { replayWorkflowOf } from './replay-of.ts';
import type { Temporal } from './temporal.ts';

type Scoped = Pick<ReplayInput, 'replayId' | 'scope' | 'speed' | 'redrive'>;

/**
 * `run` and `replay` of one id are one replay: both workflows are asked, whichever is started.
 *
 * @throws Fault ConfigInvalid naming both scopes
 */
export async function requireSameScope(temporal: Temporal, workflowId: string, input: unknown): Promise<void> {
  if (!isScoped(input)) return;
  const wanted = wordsOf(input);
  for (const id of new Set([workflowId.replace(/^replay\//, 'run/'), replayWorkflowOf(workflowId)])) {
    const first = await openInputOf(temporal, id);
    if (!isScoped(first) || wordsOf(first) === wanted) continue;
    throw fault(
      'ConfigInvalid',
      `replay ${input.replayId} was started with ${wordsOf(first)}, not with ${wanted} (${id}): ` +
        `give the same options again, or another --replay-id`,
    );
  }
}

/** @returns null where there is no such workflow, or it has completed: then its result is shown, and nothing runs */
async function openInputOf({ client, connection, settings }: Temporal, workflowId: string): Promise<unknown> {
  try {
    const { status, runId } = await client.workflow.getHandle(workflowId).describe();
    if (status.name === 'COMPLETED') return null;
    // The first event alone: a history may be 51,200 of them.
    const { history } = await connection.workflowService.getWorkflowExecutionHistory({
      namespace: settings.namespace,
      execution: { workflowId, runId },
      maximumPageSize: 1,
    });
    const sent = history?.events?.[0]?.workflowExecutionStartedEventAttributes?.input?.payloads ?? [];
    const { payloadCodecs, payloadConverter } = client.options.loadedDataConverter;
    let payloads = sent.slice(0, 1);
    for (const codec of [...payloadCodecs].reverse()) payloads = await codec.decode(payloads);
    const [payload] = payloads;
    return payload === undefined ? null : payloadConverter.fromPayload<unknown>(payload);
  } catch (error) {
    if (error instanceof Error && error.name === 'WorkflowNotFoundError') return null;
    throw error;
  }
}

function isScoped(input: unknown): input is Scoped {
  return typeof input === 'object' && input !== null && 'replayId' in input && 'scope' in input;
}

function wordsOf({ scope: { from, to, where, limit }, speed, redrive }: Scoped): string {
  const scope = {
    ...(from === undefined ? {} : { from }),
    ...(to === undefined ? {} : { to }),
    ...(where === undefined ? {} : { where }),
    ...(limit === undefined ? {} : { limit }),
    ...(speed === undefined ? {} : { speed }),
  };
  if (redrive)
    return `headrace redrive${(redrive.letters ?? []).map((place) => ` --letter ${placeText(place)}`).join('')}`;
  return scopeWords(scope) || 'no --from, --to, --where, --limit or --speed';
}
