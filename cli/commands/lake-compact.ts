/** `headrace lake compact FILE`: small files become large ones. */
import { countText, countWith, numberText } from '../../contracts/count-words.ts';
import type { CompactedCuts, CompactReport } from '../../contracts/compact.ts';
import { besides } from '../come-back.ts';
import type { CommonOptions } from '../common-options.ts';
import { EXIT } from '../exit-codes.ts';
import { CommandEnd } from '../failure.ts';
import { catchInterrupt } from '../interrupt.ts';
import { lakesOf } from '../lakes.ts';
import { bytesText, createOutput } from '../output.ts';

export interface LakeCompactOptions extends CommonOptions {
  /** Bytes. */
  target: number;
  dryRun?: boolean;
}

export async function runLakeCompact(file: string, options: LakeCompactOptions): Promise<void> {
  const output = createOutput(options.json === true);
  const { settings, specs, many } = await lakesOf(file, options, output, { readsObjects: true });
  const { compactLakeOf } = await import('../../workers/lake-compact.ts');
  const { signal, release } = catchInterrupt(() =>
    output.note('stopping when this cut is done; what is merged stays (Ctrl-C again ends at once, which is safe, too)'),
  );
  const dryRun = options.dryRun === true;
  const reports: CompactReport[] = [];
  let merged = 0;
  try {
    for (const spec of specs) {
      const request = { spec, targetBytes: options.target, dryRun };
      const report = await compactLakeOf(settings, request, signal, (done) => {
        merged += done.state === 'merged' ? 1 : 0;
        if (!output.json) output.note(lineOf(done));
      });
      reports.push(report);
    }
  } catch (error) {
    if (!signal.aborted) throw error;
    throw new CommandEnd(
      EXIT.interrupted,
      'Interrupted',
      `stopped; ${countWith(merged, 'cut', 'was made, and stays', 'were made, and stay')}`,
    );
  } finally {
    release();
  }
  const orphans = besides('lake orphans', file, options, ' --delete');
  output.result(many ? { lakes: reports } : reports[0], () =>
    reports.map((each) => reportText(each, orphans)).join('\n'),
  );
}

const WORDS = { planned: 'would become', merged: 'became', overtaken: 'were changed by somebody else meanwhile: not' };

function lineOf({ topic, partition, start, end, objects, bytes, state }: CompactedCuts): string {
  const range = `offsets ${numberText(start)} to ${numberText(end)}`;
  const size = `${bytesText(bytes.before)}${state === 'merged' ? `, now ${bytesText(bytes.after)}` : ''}`;
  return `${topic} ${partition}, ${range}: ${countText(objects.before, 'file')} ${WORDS[state]} ${numberText(objects.after)} (${size})`;
}

/** @param orphans the command that removes what gave way */
function reportText({ dataset, groups, objects, targetBytes, dryRun }: CompactReport, orphans: string): string {
  const files = (count: number): string => `${numberText(count)} ${count === 1 ? 'file' : 'files'}`;
  if (groups.length === 0) {
    const why =
      objects === 0 ? 'nothing has landed yet' : `no files lie side by side that make one of ${bytesText(targetBytes)}`;
    return `lake ${dataset}: nothing to merge; ${why} (${files(objects)})`;
  }
  const done = groups.filter(({ state }) => state !== 'overtaken');
  const overtaken = groups.length - done.length;
  const sum = (when: 'before' | 'after'): number => done.reduce((all, each) => all + each.objects[when], 0);
  const rest = objects - sum('before');
  const parts = [
    `lake ${dataset}: ${files(sum('before'))} ${dryRun ? 'would become' : 'became'} ${numberText(sum('after'))}, ${numberText(rest)} left as they are`,
    ...(overtaken > 0 ? [`${numberText(overtaken)} groups were changed by somebody else meanwhile: run it again`] : []),
    ...(dryRun ? ['nothing was changed'] : [`${orphans} removes the old files after an hour`]),
  ];
  return parts.join('\n');
}
