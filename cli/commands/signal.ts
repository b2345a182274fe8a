/** `headrace pause WORKFLOW` and `resume WORKFLOW`: the workflow keeps the state, so it survives restarts. */
import { SIGNALS } from '../../contracts/temporal.ts';
import type { CommonOptions } from '../common-options.ts';
import { settingsFor } from '../environment.ts';
import { createOutput } from '../output.ts';
import { replayWorkflowOf } from '../replay-of.ts';
import { withTemporal } from '../temporal.ts';

export async function runSignal(signal: 'pause' | 'resume', named: string, options: CommonOptions): Promise<void> {
  const output = createOutput(options.json === true);
  const workflowId = replayWorkflowOf(named);
  const { temporal: settings } = settingsFor(options, ['temporal']);
  await withTemporal(settings, ({ client }) => client.workflow.getHandle(workflowId).signal(SIGNALS[signal]));
  output.result(
    { workflowId, signal },
    () =>
      `${workflowId}: asked to ${signal}${signal === 'pause' ? '; chunks under way stop at their next transaction' : ''}`,
  );
}
