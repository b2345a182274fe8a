/**
 * `headrace status [FILE]`: workflows running and recent, and how far each pipeline's hops are. Works without a worker;
 * where one of Temporal and the control database does not answer, the other's part is still shown.
 */
import { messageOf } from '../../contracts/errors.ts';
import type { PipelineLook } from '../../contracts/inspect.ts';
import { QUEUES } from '../../contracts/temporal.ts';
import { controlAddress, requireReachable } from '../../workers/reachable.ts';
import type { CommonOptions } from '../common-options.ts';
import { configurationFor, settingsFor } from '../environment.ts';
import { failureOf } from '../failure.ts';
import { withInspector } from '../inspection.ts';
import { noteOnce, outputFor } from '../output.ts';
import { noWorkerText, unpolledQueues } from '../pollers.ts';
import { pipelinesText, workflowsText } from '../status-text.ts';
import { withTemporal } from '../temporal.ts';
import { recentWorkflows, type WorkflowLook } from '../workflow-list.ts';

export async function runStatus(file: string | undefined, options: CommonOptions & { limit: number }): Promise<void> {
  const output = outputFor(options);
  const { settings, spec } =
    file === undefined ? { settings: settingsFor(options), spec: undefined } : configurationFor(file, options);
  await options.companions?.turn();
  const [workflows, pipelines] = await Promise.allSettled([
    withTemporal(settings.temporal, async (temporal) => {
      const recent = await recentWorkflows(temporal, spec, options.limit);
      const missing = recent.some(({ status }) => status === 'running') ? await unpolledQueues(temporal, QUEUES) : [];
      if (missing.length > 0) noteOnce(options, output, noWorkerText(missing, false));
      return recent;
    }),
    requireReachable([controlAddress(settings)]).then(() =>
      withInspector(settings, output, (inspector) => inspector.readStatus(spec?.name)),
    ),
  ]);
  if (workflows.status === 'rejected' && pipelines.status === 'rejected') throw workflows.reason;
  for (const part of [workflows, pipelines]) {
    if (part.status === 'fulfilled') continue;
    output.note(messageOf(part.reason));
    process.exitCode = failureOf(part.reason).exitCode;
  }
  const document = { workflows: valueOf<WorkflowLook[]>(workflows), pipelines: valueOf<PipelineLook[]>(pipelines) };
  output.result(document, () =>
    [
      document.pipelines === null ? '' : pipelinesText(document.pipelines, document.workflows ?? []),
      document.workflows === null ? '' : workflowsText(document.workflows),
    ]
      .filter((part) => part !== '')
      .join('\n\n'),
  );
}

function valueOf<T>(part: PromiseSettledResult<T>): T | null {
  return part.status === 'fulfilled' ? part.value : null;
}
