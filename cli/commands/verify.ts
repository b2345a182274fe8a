/** `headrace verify FILE`: reads source, topic, lake and warehouse, and says whether they agree; exit code 3 if not. */
import { WORKFLOWS, workflowIds, type VerifyInput, type VerifyReport } from '../../contracts/temporal.ts';
import type { FollowOptions } from '../common-options.ts';
import { configurationFor } from '../environment.ts';
import { launch } from '../launch.ts';
import { outputFor } from '../output.ts';
import { newId } from '../replay-id.ts';
import { fileWords } from '../scope-options.ts';
import { setVerifyExitCode, verifyText } from '../verify-text.ts';

export async function runVerify(
  file: string,
  options: FollowOptions & { replayId?: string; living?: boolean },
): Promise<void> {
  const output = outputFor(options);
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
    comeBack: `headrace status ${fileWords(file, options)}`,
    names: { pipeline: spec.name, ...(replayId === undefined ? {} : { replayId }) },
    present: (result) => {
      const report = result as VerifyReport;
      output.result(report, () => verifyText(report, false));
      setVerifyExitCode(report);
    },
  });
}
