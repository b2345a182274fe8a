/** `headrace verify FILE`: reads source, topic, lake and warehouse, and says whether they agree; exit code 3 if not. */
import { WORKFLOWS, workflowIds, type VerifyInput, type VerifyReport } from '../../contracts/temporal.ts';
import type { FollowOptions } from '../common-options.ts';
import { configurationFor } from '../environment.ts';
import { launch } from '../launch.ts';
import { createOutput } from '../output.ts';
import { newId } from '../replay-id.ts';
import { shellWord } from '../scope-options.ts';
import { setVerifyExitCode, verifyText } from '../verify-text.ts';

export async function runVerify(
  file: string,
  options: FollowOptions & { replayId?: string; living?: boolean },
): Promise<void> {
  const output = createOutput(options.json === true);
  const { settings, spec } = configurationFor(file, options);
  const { replayId, living } = options;
  const input: VerifyInput = {
    spec,
    ...(replayId === undefined ? {} : { replayId }),
    ...(living === undefined ? {} : { living }),
  };
  await launch({
    type: WORKFLOWS.verify,
    workflowId: workflowIds.verify(spec.name, newId()),
    input,
    summary: `${spec.name}: is the warehouse what the source is?`,
    settings,
    options,
    output,
    queues: ['orchestrate', 'load'],
    comeBack: `headrace status ${shellWord(file)}`,
    names: { pipeline: spec.name, ...(replayId === undefined ? {} : { replayId }) },
    present: (result) => {
      const report = result as VerifyReport;
      output.result(report, () => verifyText(report, false));
      setVerifyExitCode(report);
    },
  });
}
