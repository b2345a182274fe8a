/** `headrace run FILE`: the bounded whole as one workflow, with its report; exit code 3 where something differs. */
import { datasetOf } from '../../contracts/pipeline.ts';
import { QUEUES, WORKFLOWS, workflowIds, type RunInput, type RunReport } from '../../contracts/temporal.ts';
import { comeBackTo, statusOf } from '../come-back.ts';
import { configurationFor } from '../environment.ts';
import { launch } from '../launch.ts';
import { outputFor } from '../output.ts';
import { refuseEarly } from '../refuse-early.ts';
import { replayProgress } from '../replay-progress.ts';
import { replayInputOf, type ScopeOptions } from '../scope-options.ts';
import { setVerifyExitCode, verifyText } from '../verify-text.ts';

export interface RunOptions extends ScopeOptions {
  parallelism?: number;
}

export async function runRun(file: string, options: RunOptions): Promise<void> {
  const output = outputFor(options);
  const { settings, spec, replay } = configurationFor(file, options);
  const { parallelism } = options;
  const input: RunInput = {
    ...replayInputOf(spec, options, replay),
    ...(parallelism === undefined ? {} : { parallelism }),
  };
  const { replayId } = input;
  await launch({
    type: WORKFLOWS.run,
    workflowId: workflowIds.run(spec.name, replayId),
    input,
    summary: `${spec.name}: source to warehouse`,
    settings,
    options,
    output,
    queues: QUEUES,
    beside: [workflowIds.land(datasetOf(spec.lake))],
    openLook: () => replayProgress(settings, input, ['replayed', 'landed', 'loaded']),
    refuse: () => refuseEarly(settings, spec, input, output),
    comeBack: `${comeBackTo('run', file, { ...options, replayId })}   (or: ${statusOf(file, options)})`,
    names: { pipeline: spec.name, replayId },
    present: (result) => {
      const report = result as RunReport;
      const added = (report.columnsAdded ?? []).map((statement) => `column added to the warehouse: ${statement}`);
      output.result(report, () => [verifyText(report, true), ...added].join('\n'));
      setVerifyExitCode(report);
    },
  });
}
