/**
 * Intervals as they are recorded, but for those whose workflow has ended without recording it: terminated by a person, or by
 * Temporal. A backfill that went by the record alone would wait for them without end.
 */
import type { IntervalLook } from '../contracts/intervals.ts';
import { statusText } from './temporal.ts';

/**
 * @param look reads the records
 * @param statusOf of a workflow, by Temporal; null: nobody knows it any more
 */
export async function withEnds(
  look: () => Promise<IntervalLook[]>,
  statusOf: (workflowId: string) => Promise<string | null>,
): Promise<IntervalLook[]> {
  const rows = await look();
  const ended = new Map<string, string>();
  for (const { workflowId, state } of rows) {
    if (state !== 'running') continue;
    const status = (await statusOf(workflowId)) ?? 'gone';
    if (status !== 'RUNNING') ended.set(workflowId, statusText(status));
  }
  if (ended.size === 0) return rows;
  // Read once more: one that has ended in order recorded it before its workflow was over.
  return (await look()).map((row) => {
    const end = row.state === 'running' ? ended.get(row.workflowId) : undefined;
    return end === undefined
      ? row
      : { ...row, state: 'failed', error: `its workflow was ${end}, and did not record why` };
  });
}
