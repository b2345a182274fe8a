/** `headrace verify FILE`: reads source, topic, lake and warehouse, and says whether they agree; exit code 3 if not. */
import { numberText } from '../../contracts/count-words.ts';
import { WORKFLOWS, workflowIds, type VerifyInput, type VerifyReport } from '../../contracts/temporal.ts';
import { statusOf } from '../come-back.ts';
import type { FollowOptions } from '../common-options.ts';
import { confirm, requireAnswerable } from '../confirm.ts';
import { configurationFor } from '../environment.ts';
import { launch } from '../launch.ts';
import { outputFor } from '../output.ts';
import { newId } from '../replay-id.ts';
import { setVerifyExitCode, verifyText } from '../verify-text.ts';

export interface VerifyOptions extends FollowOptions {
  replayId?: string;
  living?: boolean;
  prune?: boolean;
  yes?: boolean;
}

export async function runVerify(file: string, options: VerifyOptions): Promise<void> {
  const { prune = false, yes = false } = options;
  if (!prune || yes) {
    await verify(file, options, prune);
    return;
  }
  requireAnswerable('--prune');
  const { extra } = await verify(file, options, false);
  if (extra === 0) return;
  if (await confirm(`Delete the rows of the warehouse that the source has no more (${numberText(extra)} are extra)?`))
    await verify(file, options, true);
}

/** @returns the report's number of extra rows; 0 where nobody waited for it */
async function verify(file: string, options: VerifyOptions, prune: boolean): Promise<{ extra: number }> {
  const output = outputFor(options);
  const { settings, spec } = configurationFor(file, options);
  const { replayId, living } = options;
  const input: VerifyInput = {
    spec,
    ...(replayId === undefined ? {} : { replayId }),
    ...(living === undefined ? {} : { living }),
    ...(prune ? { prune } : {}),
  };
  let extra = 0;
  await launch({
    type: WORKFLOWS.verify,
    workflowId: workflowIds.verify(spec.name, newId()),
    input,
    summary: `${spec.name}: is the warehouse what the source is?`,
    settings,
    options,
    output,
    queues: ['orchestrate', 'load'],
    comeBack: statusOf(file, options),
    names: { pipeline: spec.name, ...(replayId === undefined ? {} : { replayId }) },
    present: (result) => {
      const report = result as VerifyReport;
      output.result(report, () => verifyText(report, false));
      setVerifyExitCode(report);
      ({ extra } = report);
    },
  });
  return { extra };
}
