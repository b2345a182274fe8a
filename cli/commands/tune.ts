/** `headrace tune WORKFLOW`: another rate or number of lanes for a replay that runs. */
import { fault } from '../../contracts/errors.ts';
import { SIGNALS } from '../../contracts/temporal.ts';
import type { CommonOptions } from '../common-options.ts';
import { settingsFor } from '../environment.ts';
import { createOutput } from '../output.ts';
import { replayWorkflowOf } from '../replay-of.ts';
import { withTemporal } from '../temporal.ts';

export interface TuneOptions extends CommonOptions {
  rate?: number;
  bytes?: number;
  lanes?: number;
}

export async function runTune(named: string, options: TuneOptions): Promise<void> {
  const output = createOutput(options.json === true);
  const workflowId = replayWorkflowOf(named);
  const { rate, bytes, lanes } = options;
  if (rate === undefined && bytes === undefined && lanes === undefined) {
    throw fault('ConfigInvalid', 'tune needs something to change: --rate ROWS, --bytes SIZE or --lanes N');
  }
  const { temporal: settings } = settingsFor(options, ['temporal']);
  await withTemporal(settings, async ({ client }) => {
    const handle = client.workflow.getHandle(workflowId);
    if (rate !== undefined) await handle.signal(SIGNALS.setRate, rate === 0 ? null : rate);
    if (bytes !== undefined) await handle.signal(SIGNALS.setBytes, bytes === 0 ? null : bytes);
    if (lanes !== undefined) await handle.signal(SIGNALS.setLanes, lanes);
  });
  output.result({ workflowId, rate, bytes, lanes }, () => `${workflowId}: asked`);
}
