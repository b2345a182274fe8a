/**
 * `verifyPipeline`: reads source, lake and warehouse and says whether a replay arrived. A difference is an answer, not a
 * failure: the workflow completes with `ok: false`.
 */
import { countText, numberText } from '../contracts/count-words.ts';
import { defineQuery, proxyActivities, setHandler, upsertSearchAttributes } from '@temporalio/workflow';
import type { VerifyActivities } from '../activities/verify.ts';
import {
  PROGRESS_QUERY,
  type Progress,
  SEARCH_ATTRIBUTES,
  type VerifyInput,
  type VerifyReport,
} from '../contracts/temporal.ts';
import { longWork } from './activity-options.ts';
import { say } from './details.ts';

const { verifyReplay, pruneExtra } = proxyActivities<VerifyActivities>(longWork('load'));

export const verifyProgressQuery = defineQuery<Progress>(PROGRESS_QUERY);

export async function verifyPipeline(input: VerifyInput): Promise<VerifyReport> {
  let [phase, rows] = ['verifying', 0];
  let text = `reading source, lake and warehouse of ${input.spec.name}`;
  setHandler(verifyProgressQuery, () => ({ phase, paused: false, rows, text }));
  upsertSearchAttributes({
    [SEARCH_ATTRIBUTES.pipeline]: [input.spec.name],
    [SEARCH_ATTRIBUTES.phase]: [phase],
    ...(input.replayId === undefined ? {} : { [SEARCH_ATTRIBUTES.replayId]: [input.replayId] }),
  });
  say(text);
  const deleted = input.prune === true ? await pruneExtra(input) : undefined;
  const found = await verifyReplay.executeWithOptions({ summary: input.replayId ?? 'latest replay' }, [input]);
  const report: VerifyReport = { ...found, ...deleted };
  rows = report.rows.loaded;
  phase = report.ok ? 'verified' : 'different';
  text = textOf(report);
  say(text);
  upsertSearchAttributes({
    [SEARCH_ATTRIBUTES.phase]: [phase],
    [SEARCH_ATTRIBUTES.replayId]: [report.replayId],
  });
  return report;
}

/** One line for people. */
export function textOf(report: VerifyReport): string {
  const { missing, extra, different, skipped, changedSince, lost, deadLetters, chunksUnequal } = report;
  const counts = { missing, extra, different, skipped, lost, deadLetters, chunksUnequal, changedSince };
  const found = Object.entries(counts).filter(([, count]) => count > 0);
  const details = found.map(([name, count]) => `${name} ${count}`).join(', ');
  const rows = `replay ${report.replayId}: ${countText(report.rows.source, 'row')} in the source, ${numberText(report.rows.loaded)} in the warehouse`;
  return `${rows}; ${report.ok ? 'equal' : 'NOT equal'}${details === '' ? '' : ` (${details})`}`;
}
