/**
 * `headrace redrive FILE`: after a fix, the keys of open dead letters are read from the source again, by a replay of their
 * own with the whole chain behind it. What is bad again is a new dead letter.
 */
import { countText, numberText } from '../../contracts/count-words.ts';
import type { LetterPlace } from '../../contracts/letters.ts';
import { datasetOf } from '../../contracts/pipeline.ts';
import { QUEUES, WORKFLOWS, workflowIds, type RunInput, type RunReport } from '../../contracts/temporal.ts';
import { comeBackTo } from '../come-back.ts';
import type { FollowOptions } from '../common-options.ts';
import { configurationFor } from '../environment.ts';
import { launch } from '../launch.ts';
import { createOutput } from '../output.ts';
import { controlAddress, requireReachable } from '../../workers/reachable.ts';
import { newId } from '../replay-id.ts';
import { setVerifyExitCode, verifyText } from '../verify-text.ts';

export interface RedriveOptions extends FollowOptions {
  letter?: LetterPlace[];
  replayId?: string;
}

export async function runRedrive(file: string, options: RedriveOptions): Promise<void> {
  const output = createOutput(options.json === true);
  const { settings, spec, replay } = configurationFor(file, options);
  await requireReachable([controlAddress(settings)]);
  const { withLetters } = await import('../../workers/letters.ts');
  const dataset = datasetOf(spec.lake);
  const before = await withLetters(settings, (letters) => letters.counts(dataset));
  if (before.open === before.withoutKey && options.replayId === undefined) {
    const without = before.withoutKey === 0 ? '' : `; ${withoutKeyText(before.withoutKey)}`;
    output.result(
      { pipeline: spec.name, redriven: 0, counts: before },
      () => `no dead letter of ${spec.name} can be re-driven${without}`,
    );
    return;
  }
  const replayId = options.replayId ?? `redrive-${newId()}`;
  const redrive = options.letter === undefined ? {} : { letters: options.letter };
  const { rate, bytes } = replay;
  const pace = { ...(rate === undefined ? {} : { rate }), ...(bytes === undefined ? {} : { bytes }) };
  const input: RunInput = { spec, replayId, scope: {}, redrive, ...pace };
  const reports: RunReport[] = [];
  await launch({
    type: WORKFLOWS.run,
    workflowId: workflowIds.run(spec.name, replayId),
    input,
    summary: `${spec.name}: dead letters read from the source again`,
    settings,
    options,
    output,
    queues: QUEUES,
    beside: [workflowIds.land(datasetOf(spec.lake))],
    comeBack: comeBackTo('redrive', file, { ...options, replayId }),
    names: { pipeline: spec.name, replayId },
    present: (result) => void reports.push(result as RunReport),
  });
  const [report] = reports;
  if (report === undefined) return;
  const after = await withLetters(settings, (letters) => letters.counts(dataset));
  const redriven = after.redriven - before.redriven;
  output.result({ pipeline: spec.name, redriven, counts: after, report }, () =>
    [
      verifyText(report, true),
      '',
      `re-driven: ${countText(redriven, 'dead letter')}; ${numberText(after.open)} are open` +
        (after.withoutKey === 0 ? '' : `, of which ${withoutKeyText(after.withoutKey)}`),
    ].join('\n'),
  );
  setVerifyExitCode(report);
}

function withoutKeyText(count: number): string {
  return `${numberText(count)} have no key of the table: nobody can tell which row they were (headrace discard)`;
}
