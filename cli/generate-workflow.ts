/** `headrace generate --workflow`: starts the workflow and follows it, or asks one to stop. */
import { countText, numberText } from '../contracts/count-words.ts';
import type { GenerateReport, GenerateRequest } from '../contracts/generate.ts';
import type { Settings } from '../contracts/settings.ts';
import { SIGNALS, workflowIds, WORKFLOWS, type GenerateInput } from '../contracts/temporal.ts';
import { formatTime, targetText, type GenerateOptions } from './generate-options.ts';
import { launch } from './launch.ts';
import type { Output } from './output.ts';
import { withTemporal } from './temporal.ts';

export async function launchGenerate(
  settings: Settings,
  request: GenerateRequest,
  options: GenerateOptions,
  output: Output,
): Promise<void> {
  const { profile, target } = request;
  const id = options.id ?? target.kind;
  const workflowId = workflowIds.generate(profile, id);
  const replace = options.replace === true;
  const startsNow = options.live === true && options.start === undefined && request.id === undefined;
  const input: GenerateInput = { request, replace, startsNow };
  await launch({
    type: WORKFLOWS.generate,
    ...{ workflowId, input, settings, options, output },
    summary: `${profile} to ${targetText(target)}`,
    queues: ['orchestrate', 'read'],
    comeBack: `the same command; headrace pause ${workflowId}, headrace resume ${workflowId}, headrace generate ${profile} --workflow --id ${id} --stop`,
    names: { profile },
    present: (result) => {
      const report = result as GenerateReport;
      const reached = report.at === null ? '' : `, up to ${formatTime(report.at)}`;
      output.result({ profile, workflowId, ...report }, () =>
        [
          `${workflowId}: ${countText(report.main, 'event')}${reached}${report.ended === 'complete' ? '' : ' (stopped)'}`,
          ...Object.entries(report.counts).map(([name, count]) => `  ${name.padEnd(24)} ${numberText(count)}`),
        ].join('\n'),
      );
    },
  });
}

export async function stopGenerate(
  settings: Settings,
  profile: string,
  options: GenerateOptions,
  output: Output,
): Promise<void> {
  const kind = (options.to?.[0] ?? 'kafka').replace(/:.*/, '');
  const workflowId = workflowIds.generate(profile, options.id ?? kind);
  await withTemporal(settings.temporal, ({ client }) => client.workflow.getHandle(workflowId).signal(SIGNALS.stop));
  output.result({ workflowId, signal: SIGNALS.stop }, () => `${workflowId}: asked to stop`);
}
