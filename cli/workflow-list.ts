/** Workflows of Headrace, from Temporal's visibility store: running first, then the latest. */
import { datasetOf, type PipelineSpec } from '../contracts/pipeline.ts';
import { TASK_QUEUES, workflowIds } from '../contracts/temporal.ts';
import { phaseOf } from './search-attributes.ts';
import { statusText, workflowLink, type Temporal } from './temporal.ts';

export interface WorkflowLook {
  workflowId: string;
  type: string;
  status: string;
  /** What it says of itself: publishing, loading… */
  phase: string;
  startedAt: string;
  seconds: number;
  ui?: string;
}

/** Looked at before the pipeline's own are picked out: visibility filters by prefix on some stores only. */
const MOST_SCANNED = 500;

/** @param spec absent: of every pipeline */
export async function recentWorkflows(
  { client, settings }: Temporal,
  spec: PipelineSpec | undefined,
): Promise<WorkflowLook[]> {
  const found: WorkflowLook[] = [];
  let scanned = 0;
  for await (const each of client.workflow.list({ query: `TaskQueue = '${TASK_QUEUES.orchestrate}'` })) {
    scanned += 1;
    if (scanned > MOST_SCANNED) break;
    if (spec !== undefined && !belongsTo(each.workflowId, spec)) continue;
    const ui = workflowLink(settings, each.workflowId, each.runId);
    found.push({
      workflowId: each.workflowId,
      type: each.type,
      status: statusText(each.status.name),
      phase: phaseOf(each.raw.searchAttributes?.indexedFields),
      startedAt: each.startTime.toISOString(),
      seconds: ((each.closeTime ?? new Date()).getTime() - each.startTime.getTime()) / 1000,
      ...(ui === undefined ? {} : { ui }),
    });
  }
  const running = found.filter(({ status }) => status === 'running');
  const ended = found.filter(({ status }) => status !== 'running' && status !== 'continued as new');
  const latestFirst = (a: WorkflowLook, b: WorkflowLook): number => b.startedAt.localeCompare(a.startedAt);
  return [...running.sort(latestFirst), ...ended.sort(latestFirst)];
}

function belongsTo(workflowId: string, spec: PipelineSpec): boolean {
  if (workflowId === `land/${datasetOf(spec.lake)}`) return true;
  const interval = `${workflowIds.interval(spec.name)}-`; // and, by Temporal, its time: another pipeline's name may begin with this one's
  if (workflowId.startsWith(interval)) return /^\d{4}-\d\d-\d\dT/.test(workflowId.slice(interval.length));
  return ['run', 'replay', 'load', 'verify'].some((kind) => workflowId.startsWith(`${kind}/${spec.name}/`));
}
