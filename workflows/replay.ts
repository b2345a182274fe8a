/**
 * `replayTable`: publishes a bounded reading of the source, chunk by chunk, lanes side by side. State is counts and chunk
 * numbers; bounds and outcomes are in the control database. A chunk that keeps failing holds up its own lane only.
 */
import {
  allHandlersFinished,
  condition,
  continueAsNew,
  defineQuery,
  defineSignal,
  proxyActivities,
  setHandler,
  sleep,
  upsertSearchAttributes,
  workflowInfo,
} from '@temporalio/workflow';
import type { ReplayActivities } from '../activities/replay-activities.ts';
import { laneOf } from '../contracts/replay.ts';
import {
  PROGRESS_QUERY,
  type Progress,
  type ReplayInput,
  type ReplayReport,
  SEARCH_ATTRIBUTES,
  SIGNALS,
} from '../contracts/temporal.ts';
import { longWork, shortCall } from './activity-options.ts';
import { say } from './details.ts';

/** Bounds are looked for a few at a time: what runs must not wait for a long search (a fifth of a replay's first second). */
const LOOK_AHEAD_CHUNKS = 8;
const TURN_PAUSE_FIRST_MS = 1_000;
const TURN_PAUSE_MOST_MS = 15_000;
/** A chunk that outlasts this is not waited for when the history should be cut… */
const CUT_PATIENCE_MS = 60_000;
/** …until the history is this long (the server's limit is 51,200 events). */
const HISTORY_MOST_EVENTS = 30_000;

export interface ReplayState {
  startedAt: number;
  rows: number;
  done: number;
  /** Chunks below are done or among `behind`. */
  next: number;
  /** Chunks below `next` that had not been started, their lanes being held up. */
  behind: number[];
  paused: boolean;
  rate: number | null;
  lanes: number;
}

const { planReplay, findChunks, takeTurn, finishReplay } = proxyActivities<ReplayActivities>(shortCall('read'));
const publish = proxyActivities<ReplayActivities>(longWork('read'));

export const pauseSignal = defineSignal(SIGNALS.pause);
export const resumeSignal = defineSignal(SIGNALS.resume);
export const setRateSignal = defineSignal<[number | null]>(SIGNALS.setRate);
export const setLanesSignal = defineSignal<[number]>(SIGNALS.setLanes);
export const progressQuery = defineQuery<Progress>(PROGRESS_QUERY);

export async function replayTable(input: ReplayInput, carried?: ReplayState): Promise<ReplayReport> {
  const state: ReplayState = carried ?? {
    startedAt: Date.now(),
    rows: 0,
    done: 0,
    next: 0,
    behind: [],
    paused: false,
    rate: input.rate ?? null,
    lanes: input.spec.source.lanes,
  };
  let phase = 'planning';
  const enter = (next: string): void => {
    phase = next;
    upsertSearchAttributes({ [SEARCH_ATTRIBUTES.phase]: [next] });
  };
  const text = (): string =>
    `${phase}: ${state.rows} rows in ${state.done} chunks${state.paused && phase !== 'paused' ? ', paused' : ''}${state.rate === null ? '' : `, at most ${state.rate} rows/s`}`;
  const setPaused = (paused: boolean): void => {
    state.paused = paused;
    if (phase === 'publishing' || phase === 'paused') enter(paused ? 'paused' : 'publishing');
    say(text());
  };
  setHandler(pauseSignal, () => setPaused(true));
  setHandler(resumeSignal, () => setPaused(false));
  setHandler(setRateSignal, (rate) => void (state.rate = rate));
  setHandler(setLanesSignal, (lanes) => void (state.lanes = Math.max(1, Math.trunc(lanes))));
  setHandler(progressQuery, () => ({ phase, paused: state.paused, rows: state.rows, text: text() }));

  upsertSearchAttributes({
    [SEARCH_ATTRIBUTES.pipeline]: [input.spec.name],
    [SEARCH_ATTRIBUTES.replayId]: [input.replayId],
    [SEARCH_ATTRIBUTES.phase]: [phase],
  });
  const plan = await planReplay({ ...input, workflowId: workflowInfo().workflowId });

  for (let pause = TURN_PAUSE_FIRST_MS; ; pause = Math.min(pause * 2, TURN_PAUSE_MOST_MS)) {
    const ahead = await takeTurn({ replayId: input.replayId });
    if (ahead === null) break;
    if (phase !== 'waiting') enter('waiting');
    say(`waiting for replay ${ahead} of this pipeline to publish`);
    await sleep(pause);
  }

  enter(state.paused ? 'paused' : 'publishing');
  const running = new Map<number, { lane: number; since: number }>();
  const failures: Error[] = [];
  let bounds = { known: state.next, complete: plan.empty };
  const search = { running: false };
  /** Bounds are looked for while chunks are published; the first few alone, so that those need not wait for the others. */
  const find = async (more: number): Promise<void> => {
    search.running = true;
    try {
      bounds = await findChunks({ replayId: input.replayId, atLeast: bounds.known + more });
    } catch (error) {
      failures.push(error instanceof Error ? error : new Error(String(error)));
    } finally {
      search.running = false;
    }
  };
  const idle = (): boolean => running.size === 0 && !search.running;
  const publishOne = async (chunk: number): Promise<void> => {
    running.set(chunk, { lane: laneOf(chunk, plan.laneModulus), since: Date.now() });
    try {
      const rate = state.rate === null ? {} : { rate: state.rate / lanesAtWork() };
      const done = await publish.publishChunk.executeWithOptions({ summary: `chunk ${chunk}` }, [
        { replayId: input.replayId, chunk, ...rate },
      ]);
      state.rows += done.rows;
      state.done += 1;
    } catch (error) {
      failures.push(error instanceof Error ? error : new Error(String(error)));
    } finally {
      running.delete(chunk);
      say(text());
    }
  };
  /** Lanes that share the rate: fewer than `lanes` where fewer chunks are left. */
  const lanesAtWork = (): number => {
    const left = running.size + state.behind.length + bounds.known - state.next;
    return bounds.complete ? Math.max(1, Math.min(state.lanes, left)) : state.lanes;
  };
  /** The first chunk whose lane is free; chunks of a held-up lane are put behind. */
  const nextChunk = (): number | undefined => {
    const busy = new Set([...running.values()].map(({ lane }) => lane));
    const free = (chunk: number): boolean => !busy.has(laneOf(chunk, plan.laneModulus));
    const late = state.behind.findIndex(
      (chunk, place) =>
        free(chunk) &&
        !state.behind
          .slice(0, place)
          .some((other) => laneOf(other, plan.laneModulus) === laneOf(chunk, plan.laneModulus)),
    );
    if (late >= 0) return state.behind.splice(late, 1)[0];
    while (state.next < bounds.known) {
      const chunk = state.next++;
      const heldUp = state.behind.some((other) => laneOf(other, plan.laneModulus) === laneOf(chunk, plan.laneModulus));
      if (free(chunk) && !heldUp) return chunk;
      state.behind.push(chunk);
    }
    return undefined;
  };

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
        await continueAsNew<typeof replayTable>(input, state);
      }
      // A chunk in trouble must not stop the others: go on for a while and try again, up to the limit.
      cutFrom = Math.min(info.historyLength + 2_000, HISTORY_MOST_EVENTS);
      if (info.historyLength >= HISTORY_MOST_EVENTS) await condition(idle);
      continue;
    }
    await condition(() => failures.length > 0 || (running.size < state.lanes && !state.paused));
    const chunk = failures.length === 0 ? nextChunk() : undefined;
    if (chunk !== undefined) void publishOne(chunk);
    else if (idle() && bounds.complete && state.behind.length === 0 && state.next >= bounds.known) break;
    else if (failures.length === 0) {
      const [before, looked] = [running.size, search.running];
      await condition(
        () => failures.length > 0 || running.size < before || looked !== search.running || (idle() && !state.paused),
      );
    }
  }
  // What still runs is let finish: each chunk is whole or not there at all.
  await condition(idle);
  if (failures[0]) throw failures[0];

  enter('ending');
  const { ends, rows } = await finishReplay({ replayId: input.replayId });
  enter('published');
  say(`published ${rows} rows in ${state.done} chunks`);
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
