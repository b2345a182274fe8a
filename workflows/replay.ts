/**
 * `replayTable`: publishes a bounded reading of the source, chunk by chunk, lanes side by side. State is counts and chunk
 * numbers; bounds and outcomes are in the control database. A chunk that keeps failing holds up its own lane only; one that
 * fails for a reason of its own waits for a person (retry, skip), while the others go on.
 */
import { CancelledFailure } from '@temporalio/common';
import {
  ActivityCancellationType,
  allHandlersFinished,
  CancellationScope,
  condition,
  continueAsNew,
  defineQuery,
  defineSignal,
  isCancellation,
  proxyActivities,
  setHandler,
  sleep,
  upsertSearchAttributes,
  workflowInfo,
} from '@temporalio/workflow';
import { countText, numberText } from '../contracts/count-words.ts';
import type { PlanSummary } from '../activities/plan-replay.ts';
import type { ReplayActivities } from '../activities/replay-activities.ts';
import {
  PROGRESS_QUERY,
  type Progress,
  type ReplayInput,
  type ReplayReport,
  SEARCH_ATTRIBUTES,
  SIGNALS,
} from '../contracts/temporal.ts';
import { shortCall } from './activity-options.ts';
import { createChunkQueue, type QueueState } from './chunk-queue.ts';
import { say } from './details.ts';
import { createChunkWork } from './replay-chunks.ts';
import { createPacing, handlePace, type PaceState } from './replay-pace.ts';

/** Bounds are looked for a few at a time: what runs must not wait for a long search (a fifth of a replay's first second). */
const LOOK_AHEAD_CHUNKS = 8;
const TURN_PAUSE_FIRST_MS = 1_000;
const TURN_PAUSE_MOST_MS = 15_000;
/** A chunk that outlasts this is not waited for when the history should be cut… */
const CUT_PATIENCE_MS = 60_000;
/** …until the history is this long (the server's limit is 51,200 events). */
const HISTORY_MOST_EVENTS = 30_000;

export interface ReplayState extends QueueState, PaceState {
  startedAt: number;
  rows: number;
  done: number;
  lanes: number;
}

const { planReplay, findChunks, finishReplay, withdrawReplay } = proxyActivities<ReplayActivities>(shortCall('read'));
const { takeTurn } = proxyActivities<ReplayActivities>({
  ...shortCall('read'),
  // Cancelled while it is asked for, the place may be taken a moment later: it is given up only after the answer.
  cancellationType: ActivityCancellationType.WAIT_CANCELLATION_COMPLETED,
});
export const pauseSignal = defineSignal(SIGNALS.pause);
export const resumeSignal = defineSignal(SIGNALS.resume);
export const setLanesSignal = defineSignal<[number]>(SIGNALS.setLanes);
export const progressQuery = defineQuery<Progress>(PROGRESS_QUERY);

const asError = (error: unknown): Error => (error instanceof Error ? error : new Error(String(error)));

/** @param input with its plan, where a run has made it already */
export async function replayTable(
  input: ReplayInput & { plan?: PlanSummary },
  carried?: ReplayState,
): Promise<ReplayReport> {
  const state: ReplayState = carried ?? {
    startedAt: Date.now(),
    rows: 0,
    done: 0,
    next: 0,
    behind: [],
    troubled: [],
    skipped: [],
    paused: false,
    rate: input.rate ?? null,
    bytes: input.bytes ?? null,
    speed: input.speed ?? null,
    lanes: input.spec.source.lanes,
  };
  let phase = 'planning';
  const running = new Map<number, CancellationScope>();
  const enter = (next: string): void => {
    phase = next;
    upsertSearchAttributes({ [SEARCH_ATTRIBUTES.phase]: [next] });
  };
  const text = (): string =>
    [
      // Of a chunk under way, rows may be in the topic that nobody has told here.
      `${phase}: ${countText(state.rows, 'row')} in ${countText(state.done, 'whole chunk')}`,
      ...(running.size === 0 ? [] : [`${countText(running.size, 'chunk')} under way`]),
      ...(state.paused && phase !== 'paused' ? ['paused'] : []),
      ...(state.rate === null ? [] : [`at most ${numberText(state.rate)} rows/s`]),
      ...(state.bytes === null ? [] : [`at most ${state.bytes} bytes/s`]),
      ...(state.speed == null ? [] : [`${state.speed}x event time`]),
      ...(state.skipped.length === 0 ? [] : [`skipped: ${state.skipped.join(' ')}`]),
      ...state.troubled.map(({ chunk, cause }) => `chunk ${chunk} waits for retryChunk or skipChunk: ${cause}`),
    ].join(', ');
  /** Of what runs beside the main loop, which ends the replay with the first of them. */
  const failures: Error[] = [];
  const fail = (error: unknown): void => void failures.push(asError(error));
  const pacing = createPacing(input.replayId, state, fail);
  const setPaused = (paused: boolean): void => {
    state.paused = paused;
    pacing.changed();
    if (phase === 'publishing' || phase === 'paused') enter(paused ? 'paused' : 'publishing');
    say(text());
  };
  setHandler(pauseSignal, () => setPaused(true));
  setHandler(resumeSignal, () => setPaused(false));
  handlePace(input, state, pacing);
  setHandler(setLanesSignal, (lanes) => void (state.lanes = Math.max(1, Math.trunc(lanes))));
  setHandler(progressQuery, () => ({ phase, paused: state.paused, rows: state.rows, text: text() }));

  upsertSearchAttributes({
    [SEARCH_ATTRIBUTES.pipeline]: [input.spec.name],
    [SEARCH_ATTRIBUTES.replayId]: [input.replayId],
    [SEARCH_ATTRIBUTES.phase]: [phase],
  });
  const plan = input.plan ?? (await planReplay({ ...input, workflowId: workflowInfo().workflowId }));
  try {
    return await publishAll();
  } catch (error) {
    // Cancelled: what is under way is ended, and others may publish. Run again, it goes on from there.
    // An answer that is waited for may fail otherwise, as by the end of its worker.
    if (isCancellation(error) || CancellationScope.current().consideredCancelled) {
      await CancellationScope.nonCancellable(async () => {
        await condition(() => running.size === 0);
        await withdrawReplay({ replayId: input.replayId });
        enter('cancelled');
        say(`${text()}; what was under way is in whole transactions, and by its replay id it goes on from there`);
      });
      throw isCancellation(error) ? error : new CancelledFailure('cancelled');
    }
    throw error;
  }

  async function publishAll(): Promise<ReplayReport> {
    for (let pause = TURN_PAUSE_FIRST_MS; ; pause = Math.min(pause * 2, TURN_PAUSE_MOST_MS)) {
      const ahead = await takeTurn({ replayId: input.replayId, pace: pacing.withTurn() });
      if (ahead === null) break;
      if (phase !== 'waiting') enter('waiting');
      say(`waiting for replay ${ahead} of this pipeline to publish`);
      await sleep(pause);
    }

    pacing.begin();
    enter(state.paused ? 'paused' : 'publishing');
    const atWork = (): ReadonlySet<number> => new Set(running.keys());
    const queue = createChunkQueue(state, plan.laneModulus);
    let bounds = { known: state.next, complete: plan.empty };
    const search = { running: false };
    /** Bounds are looked for while chunks are published; the first few alone, so that those need not wait for the others. */
    const find = async (more: number): Promise<void> => {
      search.running = true;
      try {
        bounds = await findChunks({ replayId: input.replayId, atLeast: bounds.known + more });
      } catch (error) {
        fail(error);
      } finally {
        search.running = false;
      }
    };
    const idle = (): boolean => running.size === 0 && !search.running && !pacing.isTelling() && !work.isSkipping();
    const isAll = (): boolean => state.behind.length === 0 && state.troubled.length === 0 && state.next >= bounds.known;
    const work = createChunkWork({
      ...{ replayId: input.replayId, state, queue, running, fail },
      known: () => bounds.known,
      tell: () => say(text()),
    });

    let cutFrom = 0;
    for (;;) {
      if (failures.length > 0) break;
      const lookAhead = Math.max(LOOK_AHEAD_CHUNKS, 2 * state.lanes);
      if (!bounds.complete && !search.running && state.next + lookAhead >= bounds.known) {
        void find(state.next === bounds.known ? state.lanes : lookAhead);
      }
      const info = workflowInfo();
      if (info.continueAsNewSuggested && info.historyLength > cutFrom) {
        const drained = await condition(idle, CUT_PATIENCE_MS);
        if (drained && failures.length === 0) {
          await condition(allHandlersFinished);
          await continueAsNew<typeof replayTable>({ ...input, plan }, state);
        }
        // A chunk in trouble must not stop the others: go on for a while and try again, up to the limit.
        cutFrom = Math.min(info.historyLength + 2_000, HISTORY_MOST_EVENTS);
        if (info.historyLength >= HISTORY_MOST_EVENTS) await condition(idle);
        continue;
      }
      await condition(() => failures.length > 0 || (running.size < state.lanes && !state.paused && !work.isSkipping()));
      const chunk = failures.length === 0 ? queue.take(atWork(), bounds.known) : undefined;
      if (chunk !== undefined) void work.publish(chunk);
      else if (idle() && bounds.complete && isAll()) break;
      else if (failures.length === 0) {
        const before = [work.changes(), search.running] as const;
        if (running.size === 0 && state.troubled.length > 0 && phase === 'publishing') enter('in trouble');
        await condition(() => failures.length > 0 || work.changes() !== before[0] || search.running !== before[1]);
        if (phase === 'in trouble') enter('publishing');
      }
    }
    // What still runs is let finish: each chunk is whole or not there at all.
    await condition(idle);
    if (failures[0]) throw failures[0];

    enter('ending');
    const { ends, rows } = await finishReplay({ replayId: input.replayId });
    enter('published');
    say(`published ${countText(rows, 'row')} in ${countText(state.done, 'chunk')}`);
    await condition(allHandlersFinished);
    return {
      replayId: input.replayId,
      chunks: state.done,
      rows,
      topicId: plan.topicId,
      ends,
      seconds: (Date.now() - state.startedAt) / 1000,
    };
  }
}
