/**
 * `loadWarehouse`: rounds of loading until the ends that were asked for are in the ledger, or nothing sealed is left.
 * Holds counts only; the ledger in the warehouse says where loading stands, so several of these may run at once.
 */
import {
  allHandlersFinished,
  condition,
  continueAsNew,
  defineQuery,
  proxyActivities,
  setHandler,
  upsertSearchAttributes,
  workflowInfo,
} from '@temporalio/workflow';
import type { LoadActivities } from '../activities/load.ts';
import { countText } from '../contracts/count-words.ts';
import { datasetOf } from '../contracts/pipeline.ts';
import {
  type LoadInput,
  type LoadReport,
  PROGRESS_QUERY,
  type Progress,
  SEARCH_ATTRIBUTES,
} from '../contracts/temporal.ts';
import { longWork } from './activity-options.ts';
import { say } from './details.ts';
import { createLetterCopies } from './letter-copies.ts';

/** How often the page's details are renewed; an hour of loading is then about 2,200 events of history. */
const ROUND_MS = 10_000;

const { loadSealed } = proxyActivities<LoadActivities>(longWork('load'));

export const loadProgressQuery = defineQuery<Progress>(PROGRESS_QUERY);

export interface LoadState {
  startedAt: number;
  rows: number;
  cuts: number;
  batches: number;
}

export async function loadWarehouse(input: LoadInput, carried?: LoadState): Promise<LoadReport> {
  const state: LoadState = carried ?? { startedAt: Date.now(), rows: 0, cuts: 0, batches: 0 };
  const copies = createLetterCopies();
  let phase = 'loading';
  let left = '';
  const { schema, table } = input.spec.warehouse.table;
  const text = (): string =>
    `${phase} ${schema}.${table}: ${countText(state.rows, 'row')} of ${countText(state.cuts, 'cut')}${left}`;
  setHandler(loadProgressQuery, () => ({ phase, paused: false, rows: state.rows, text: text() }));
  upsertSearchAttributes({
    [SEARCH_ATTRIBUTES.pipeline]: [input.spec.name],
    [SEARCH_ATTRIBUTES.dataset]: [datasetOf(input.spec.lake)],
    [SEARCH_ATTRIBUTES.phase]: [phase],
  });
  say(text());

  for (let round = 1; ; round++) {
    if (workflowInfo().continueAsNewSuggested) {
      await copies.settled();
      await condition(allHandlersFinished);
      await continueAsNew<typeof loadWarehouse>(input, state);
    }
    const done = await loadSealed.executeWithOptions({ summary: `round ${round}` }, [
      { ...input, workflowId: workflowInfo().workflowId, returnAfterMs: ROUND_MS },
    ]);
    state.rows += done.rows;
    state.cuts += done.cuts;
    state.batches += done.batches;
    if (done.letters > 0) copies.wanted(input.spec);
    left = done.done ? '' : missingText(input, done.ledger);
    if (done.done) phase = 'loaded';
    say(text());
    if (done.done) break;
  }
  upsertSearchAttributes({ [SEARCH_ATTRIBUTES.phase]: [phase] });
  await copies.settled();
  await condition(allHandlersFinished);
  const { rows, cuts, batches } = state;
  return { rows, cuts, batches, seconds: (Date.now() - state.startedAt) / 1000 };
}

/** What is waited for, so that a person sees whether it is landing that is behind. */
function missingText(input: LoadInput, ledger: Readonly<Record<number, number>>): string {
  const { until } = input;
  if (until && 'replayId' in until) return `; waits for all of replay ${until.replayId}`;
  const ends = Object.entries(until?.ends ?? {});
  const behind = ends.filter(([partition, end]) => (ledger[Number(partition)] ?? 0) < end);
  return behind.length === 0
    ? ''
    : `; ${behind.length} of ${countText(ends.length, 'partition')} have offsets still to come`;
}
