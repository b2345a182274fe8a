/**
 * `headrace status [FILE]`: workflows running and recent, and how far each pipeline's hops are. Works without a worker;
 * where one of Temporal and the control database does not answer, the other's part is still shown.
 */
import { messageOf } from '../../contracts/errors.ts';
import { QUEUES } from '../../contracts/temporal.ts';
import { controlAddress, requireReachable } from '../../workers/reachable.ts';
import type { CommonOptions } from '../common-options.ts';
import { configurationFor, settingsFor } from '../environment.ts';
import { failureOf } from '../failure.ts';
import { withInspector } from '../inspection.ts';
import { noteOnce, outputFor } from '../output.ts';
import { noWorkerText } from '../pollers.ts';
import { pipelinesText, workflowsText } from '../status-text.ts';
import { withTemporal } from '../temporal.ts';
import { pollingWorkers, workersText } from '../worker-list.ts';
import { recentWorkflows } from '../workflow-list.ts';

export async function runStatus(file: string | undefined, options: CommonOptions & { limit: number }): Promise<void> {
  const output = outputFor(options);
  const { settings, spec } =
    file === undefined ? { settings: settingsFor(options), spec: undefined } : configurationFor(file, options);
  await options.companions?.turn();
  const [temporals, pipelines] = await Promise.allSettled([
    withTemporal(settings.temporal, async (temporal) => {
      const [recent, workers] = await Promise.all([recentWorkflows(temporal, spec), pollingWorkers(temporal)]);
      const missing = QUEUES.filter((queue) => !workers.some(({ queues }) => queues.includes(queue)));
      const isWaiting = recent.some(({ status }) => status === 'running') && missing.length > 0;
      if (isWaiting) noteOnce(options, output, noWorkerText(missing, false));
      return { recent, workers };
    }),
    requireReachable([controlAddress(settings)]).then(() =>
      withInspector(settings, output, (inspector) => inspector.readStatus(spec?.name)),
    ),
  ]);
  if (temporals.status === 'rejected' && pipelines.status === 'rejected') throw temporals.reason;
  for (const part of [temporals, pipelines]) {
    if (part.status === 'fulfilled') continue;
    output.note(messageOf(part.reason));
    process.exitCode = failureOf(part.reason).exitCode;
  }
  const known = temporals.status === 'fulfilled' ? temporals.value : null;
  const document = {
    workflows: known?.recent.slice(0, options.limit) ?? null,
    workers: known?.workers ?? null,
    pipelines: pipelines.status === 'fulfilled' ? pipelines.value : null,
  };
  output.result(document, () =>
    [
      document.pipelines === null ? '' : pipelinesText(document.pipelines, known?.recent ?? []),
      document.workflows === null ? '' : workflowsText(document.workflows),
      document.workers === null ? '' : workersText(document.workers),
    ]
      .filter((part) => part !== '')
      .join('\n\n'),
  );
}
