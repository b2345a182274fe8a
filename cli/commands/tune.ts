/** `headrace tune WORKFLOW`: another rate, speed or number of lanes for a replay that runs. */
import { fault } from '../../contracts/errors.ts';
import { SIGNALS, UPDATES } from '../../contracts/temporal.ts';
import type { CommonOptions } from '../common-options.ts';
import { settingsFor } from '../environment.ts';
import { askReplay } from '../ask-replay.ts';
import { createOutput } from '../output.ts';
import { replayWorkflowOf } from '../replay-of.ts';
import { withTemporal } from '../temporal.ts';

export interface TuneOptions extends CommonOptions {
  rate?: number;
  bytes?: number;
  lanes?: number;
  speed?: number;
}

export async function runTune(named: string, options: TuneOptions): Promise<void> {
  const output = createOutput(options.json === true);
  const workflowId = replayWorkflowOf(named);
  const { rate, bytes, lanes, speed } = options;
  if ([rate, bytes, lanes, speed].every((each) => each === undefined)) {
    throw fault(
      'ConfigInvalid',
      'tune needs something to change: --rate ROWS, --bytes SIZE, --speed FACTOR or --lanes N',
    );
  }
  const { temporal: settings } = settingsFor(options, ['temporal']);
  await withTemporal(settings, async ({ client }) => {
    const handle = client.workflow.getHandle(workflowId);
    // First: it alone may be refused.
    if (speed !== undefined) await askReplay(handle, workflowId, UPDATES.setSpeed, { speed });
    if (rate !== undefined) await handle.signal(SIGNALS.setRate, rate === 0 ? null : rate);
    if (bytes !== undefined) await handle.signal(SIGNALS.setBytes, bytes === 0 ? null : bytes);
    if (lanes !== undefined) await handle.signal(SIGNALS.setLanes, lanes);
  });
  const asked = Object.entries({ speed, rate, bytes, lanes }).flatMap(([what, value]) =>
    value === undefined ? [] : [`${what} ${value === 0 ? 'without a limit' : value}`],
  );
  output.result({ workflowId, rate, bytes, speed, lanes }, () => `${workflowId}: asked for ${asked.join(', ')}`);
}
