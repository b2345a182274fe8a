/** `headrace replay FILE`: the first hop alone, source to topic. */
import { countText } from '../../contracts/count-words.ts';
import { scopeText } from '../../contracts/scope-words.ts';
import { WORKFLOWS, workflowIds, type ReplayReport } from '../../contracts/temporal.ts';
import { comeBackTo, statusOf } from '../come-back.ts';
import { configurationFor } from '../environment.ts';
import { launch } from '../launch.ts';
import { outputFor, rateText, secondsText } from '../output.ts';
import { refuseEarly } from '../refuse-early.ts';
import { replayProgress } from '../replay-progress.ts';
import { replayInputOf, type ScopeOptions } from '../scope-options.ts';
import { emptyNote } from '../verify-text.ts';

export async function runReplay(file: string, options: ScopeOptions): Promise<void> {
  const output = outputFor(options);
  const { settings, spec, replay } = configurationFor(file, options);
  const input = replayInputOf(spec, options, replay);
  const { replayId } = input;
  await launch({
    type: WORKFLOWS.replay,
    workflowId: workflowIds.replay(spec.name, replayId),
    input,
    summary: `${spec.name}: source to topic ${spec.topic.name}`,
    settings,
    options,
    output,
    queues: ['orchestrate', 'read'],
    openLook: () => replayProgress(settings, input, ['replayed']),
    refuse: () => refuseEarly(settings, spec, input, output),
    comeBack: `${comeBackTo('replay', file, { ...options, replayId })}   (or: ${statusOf(file, options)})`,
    names: { pipeline: spec.name, replayId },
    present: (result) => {
      const report = result as ReplayReport;
      const { rows, chunks, seconds } = report;
      output.result(
        { pipeline: spec.name, ...report },
        () =>
          `replay ${replayId}: ${countText(rows, 'row')} in ${countText(chunks, 'chunk')} to topic ${spec.topic.name}, ` +
          `${secondsText(seconds)} (${rateText(rows, seconds)})${emptyNote(rows, scopeText(input.scope))}`,
      );
    },
  });
}
