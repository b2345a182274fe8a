/**
 * `replayTable`: publishes a bounded reading of the source, chunk by chunk, lanes side by side. State is counts and chunk
 * numbers; bounds and outcomes are in the control database. A chunk that keeps failing holds up its own lane only; one that
 * fails for a reason of its own waits for a person (retry, skip), while the others go on.
 */
import {
  ActivityCancellationType,
  ActivityFailure,
  allHandlersFinished,
  ApplicationFailure,
  CancellationScope,
  condition,
  continueAsNew,
  defineQuery,
  defineSignal,
  defineUpdate,
  isCancellation,
  proxyActivities,
  setHandler,
  sleep,
  upsertSearchAttributes,
  workflowInfo,
} from '@temporalio/workflow';
import type { ReplayActivities } from '../activities/replay-activities.ts';
import type { FaultCode } from '../contracts/errors.ts';
import {
  PROGRESS_QUERY,
  type Progress,
  type ReplayInput,
  type ReplayReport,
  type RetryChunk,
  SEARCH_ATTRIBUTES,
  type SetSpeed,
  SIGNALS,
  type SkipChunk,
  UPDATES,
} from '../contracts/temporal.ts';
import { longWork, shortCall } from './activity-options.ts';
import { createChunkQueue, type QueueState } from './chunk-queue.ts';
import { say } from './details.ts';

/** Bounds are looked for a few at a time: what runs must not wait for a long search (a fifth of a replay's first second). */
const LOOK_AHEAD_CHUNKS = 8;
const TURN_PAUSE_FIRST_MS = 1_000;
const TURN_PAUSE_MOST_MS = 15_000;
/** A chunk that outlasts this is not waited for when the history should be cut… */
const CUT_PATIENCE_MS = 60_000;
/** …until the history is this long (the server's limit is 51,200 events). */
const HISTORY_MOST_EVENTS = 30_000;

/** What is wrong with one chunk's rows, and with no other's. */
const CHUNK_FAULTS: ReadonlySet<string> = new Set<FaultCode>(['TopicUnsuited', 'TableUnsuited']);

export interface ReplayState extends QueueState {
  startedAt: number;
  rows: number;
  done: number;
  paused: boolean;
  rate: number | null;
  bytes: number | null;
  /** Absent: of a replay that was carried over from an older version. */
  speed?: number | null;
  lanes: number;
}

const { planReplay, findChunks, takeTurn, finishReplay, setPace, skipChunk, withdrawReplay } =
  proxyActivities<ReplayActivities>(shortCall('read'));
const publish = proxyActivities<ReplayActivities>({
  ...longWork('read'),
  // One that was told to stop has stopped: nothing of it is under way any more.
  cancellationType: ActivityCancellationType.WAIT_CANCELLATION_COMPLETED,
});

export const pauseSignal = defineSignal(SIGNALS.pause);
export const resumeSignal = defineSignal(SIGNALS.resume);
export const setRateSignal = defineSignal<[number | null]>(SIGNALS.setRate);
export const setBytesSignal = defineSignal<[number | null]>(SIGNALS.setBytes);
export const retryChunkUpdate = defineUpdate<string, [RetryChunk]>(UPDATES.retryChunk);
export const skipChunkUpdate = defineUpdate<string, [SkipChunk]>(UPDATES.skipChunk);
export const setSpeedUpdate = defineUpdate<string, [SetSpeed]>(UPDATES.setSpeed);
export const setLanesSignal = defineSignal<[number]>(SIGNALS.setLanes);
export const progressQuery = defineQuery<Progress>(PROGRESS_QUERY);

const asError = (error: unknown): Error => (error instanceof Error ? error : new Error(String(error)));

export async function replayTable(input: ReplayInput, carried?: ReplayState): Promise<ReplayReport> {
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
  const enter = (next: string): void => {
    phase = next;
    upsertSearchAttributes({ [SEARCH_ATTRIBUTES.phase]: [next] });
  };
  const text = (): string =>
    [
      `${phase}: ${state.rows} rows in ${state.done} chunks`,
      ...(state.paused && phase !== 'paused' ? ['paused'] : []),
      ...(state.rate === null ? [] : [`at most ${state.rate} rows/s`]),
      ...(state.bytes === null ? [] : [`at most ${state.bytes} bytes/s`]),
      ...(state.speed == null ? [] : [`${state.speed}x event time`]),
      ...(state.skipped.length === 0 ? [] : [`skipped: ${state.skipped.join(' ')}`]),
      ...state.troubled.map(({ chunk, cause }) => `chunk ${chunk} waits for retryChunk or skipChunk: ${cause}`),
    ].join(', ');
  const limits = () => ({
    ...{ rowsPerSecond: state.rate, bytesPerSecond: state.bytes },
    ...{ speed: state.speed ?? null, paused: state.paused },
  });
  /** Of what runs beside the main loop, which ends the replay with the first of them. */
  const failures: Error[] = [];
  const pacing = { begun: false, changed: false, running: false };
  const isPaceStale = (): boolean => pacing.changed;
  /** Tells chunks that run; the first pace goes with the turn. */
  const repace = async (): Promise<void> => {
    pacing.changed = true;
    if (!pacing.begun || pacing.running) return;
    pacing.running = true;
    try {
      while (pacing.changed) {
        pacing.changed = false;
        await setPace({ replayId: input.replayId, pace: limits() });
      }
    } catch (error) {
      // Nobody awaits this: one thrown on would fail the workflow's task, not the replay. A cancelled replay ends by itself.
      if (!isCancellation(error)) failures.push(asError(error));
    } finally {
      pacing.running = false;
    }
  };
  const setPaused = (paused: boolean): void => {
    state.paused = paused;
    void repace();
    if (phase === 'publishing' || phase === 'paused') enter(paused ? 'paused' : 'publishing');
    say(text());
  };
  setHandler(pauseSignal, () => setPaused(true));
  setHandler(resumeSignal, () => setPaused(false));
  setHandler(setRateSignal, (rate) => {
    state.rate = rate === 0 ? null : rate;
    void repace();
  });
  setHandler(setBytesSignal, (bytes) => {
    state.bytes = bytes === 0 ? null : bytes;
    void repace();
  });
  setHandler(
    setSpeedUpdate,
    ({ speed }) => {
      state.speed = speed === 0 ? null : speed;
      void repace();
      return speed === 0 ? 'as fast as it goes' : `${speed}x event time`;
    },
    {
      validator: ({ speed }) => {
        if (input.speed === undefined)
          throw ApplicationFailure.nonRetryable(
            'it was started without a speed, so its rows come in key order, which no clock can pace; start another with --speed',
            'ConfigInvalid',
          );
        if (!(speed >= 0)) throw ApplicationFailure.nonRetryable(`a speed of ${speed} is none`, 'ConfigInvalid');
      },
    },
  );
  setHandler(setLanesSignal, (lanes) => void (state.lanes = Math.max(1, Math.trunc(lanes))));
  setHandler(progressQuery, () => ({ phase, paused: state.paused, rows: state.rows, text: text() }));

  upsertSearchAttributes({
    [SEARCH_ATTRIBUTES.pipeline]: [input.spec.name],
    [SEARCH_ATTRIBUTES.replayId]: [input.replayId],
    [SEARCH_ATTRIBUTES.phase]: [phase],
  });
  const plan = await planReplay({ ...input, workflowId: workflowInfo().workflowId });
  const running = new Map<number, CancellationScope>();
  try {
    return await publishAll();
  } catch (error) {
    // Cancelled: what is under way is ended, and others may publish. Run again, it goes on from there.
    if (isCancellation(error)) {
      await CancellationScope.nonCancellable(async () => {
        await condition(() => running.size === 0);
        await withdrawReplay({ replayId: input.replayId });
        enter('cancelled');
      });
    }
    throw error;
  }

  async function publishAll(): Promise<ReplayReport> {
    for (let pause = TURN_PAUSE_FIRST_MS; ; pause = Math.min(pause * 2, TURN_PAUSE_MOST_MS)) {
      pacing.changed = false;
      const ahead = await takeTurn({ replayId: input.replayId, pace: limits() });
      if (ahead === null) break;
      if (phase !== 'waiting') enter('waiting');
      say(`waiting for replay ${ahead} of this pipeline to publish`);
      await sleep(pause);
    }

    pacing.begun = true;
    // A signal may have come while the turn was taken.
    if (isPaceStale()) void repace();
    enter(state.paused ? 'paused' : 'publishing');
    const atWork = (): ReadonlySet<number> => new Set(running.keys());
    const queue = createChunkQueue(state, plan.laneModulus);
    const skipping = new Set<number>();
    let bounds = { known: state.next, complete: plan.empty };
    const search = { running: false };
    /** Bounds are looked for while chunks are published; the first few alone, so that those need not wait for the others. */
    const find = async (more: number): Promise<void> => {
      search.running = true;
      try {
        bounds = await findChunks({ replayId: input.replayId, atLeast: bounds.known + more });
      } catch (error) {
        failures.push(asError(error));
      } finally {
        search.running = false;
      }
    };
    const idle = (): boolean => running.size === 0 && !search.running && !pacing.running && skipping.size === 0;
    const isAll = (): boolean => state.behind.length === 0 && state.troubled.length === 0 && state.next >= bounds.known;
    /** Grows with whatever may let another chunk begin. */
    let changes = 0;
    const publishOne = async (chunk: number): Promise<void> => {
      const scope = new CancellationScope();
      running.set(chunk, scope);
      const request = { replayId: input.replayId, chunk };
      try {
        const result = await scope.run(() =>
          publish.publishChunk.executeWithOptions({ summary: `chunk ${chunk}` }, [request]),
        );
        if (result.done) {
          state.rows += result.rows;
          state.done += 1;
        } else queue.putBack(chunk);
      } catch (error) {
        const cause = error instanceof ActivityFailure ? error.cause : undefined;
        if (scope.consideredCancelled) queue.putBack(chunk);
        else if (cause instanceof ApplicationFailure && CHUNK_FAULTS.has(cause.type ?? ''))
          state.troubled = [...state.troubled, { chunk, cause: cause.message }];
        else failures.push(asError(error));
      } finally {
        running.delete(chunk);
        changes += 1;
        say(text());
      }
    };
    /** Ends a chunk's present attempt; it is among those to come then. */
    const interrupt = async (chunk: number): Promise<void> => {
      running.get(chunk)?.cancel();
      await condition(() => !running.has(chunk));
    };
    const requireOpen = ({ chunk }: RetryChunk): void => {
      const reason = !Number.isInteger(chunk) || chunk < 0 || chunk >= bounds.known ? 'is not known' : 'is over';
      if (reason === 'is not known' || queue.isOver(chunk, atWork()))
        throw ApplicationFailure.nonRetryable(
          `chunk ${chunk} ${reason}; chunks below ${bounds.known} are known`,
          'ConfigInvalid',
        );
    };
    setHandler(
      retryChunkUpdate,
      async ({ chunk }) => {
        await interrupt(chunk);
        if (queue.isOver(chunk, atWork())) return `chunk ${chunk} is over`;
        queue.putBack(chunk);
        changes += 1;
        return `chunk ${chunk} is tried again`;
      },
      { validator: requireOpen },
    );
    setHandler(
      skipChunkUpdate,
      async ({ chunk, reason, by }) => {
        skipping.add(chunk);
        await interrupt(chunk);
        const over = queue.isOver(chunk, atWork());
        if (!over) {
          queue.remove(chunk);
          // Recorded before the lane goes on: what of it is under way is then nobody's any more.
          await skipChunk({ replayId: input.replayId, chunk, why: reason, ...(by === undefined ? {} : { by }) });
          state.skipped = [...state.skipped, chunk];
        }
        skipping.delete(chunk);
        changes += 1;
        say(text());
        return over ? `chunk ${chunk} is over` : `chunk ${chunk} is skipped`;
      },
      {
        validator: (request: RetryChunk & { reason?: unknown }) => {
          requireOpen(request);
          if (typeof request.reason !== 'string' || request.reason.trim() === '')
            throw ApplicationFailure.nonRetryable('skipChunk needs a reason', 'ConfigInvalid');
        },
      },
    );

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
      await condition(
        () => failures.length > 0 || (running.size < state.lanes && !state.paused && skipping.size === 0),
      );
      const chunk = failures.length === 0 ? queue.take(atWork(), bounds.known) : undefined;
      if (chunk !== undefined) void publishOne(chunk);
      else if (idle() && bounds.complete && isAll()) break;
      else if (failures.length === 0) {
        const before = [changes, search.running] as const;
        if (running.size === 0 && state.troubled.length > 0 && phase === 'publishing') enter('in trouble');
        await condition(() => failures.length > 0 || changes !== before[0] || search.running !== before[1]);
        if (phase === 'in trouble') enter('publishing');
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
}
