/**
 * `landDataset`, the one owner of a lake dataset (id `land/<dataset>`): shares the topic's partitions among land activities
 * and keeps them going until nobody wants more. A change of parallelism or of settings ends all activities before the next
 * generation begins; an old one that did not hear of it is refused by its token. Each generation looks at the topic anew, and
 * a requester who knows of more partitions than are shared out ends the generation: none waits for one that nobody lands.
 *
 * It ends only if every activity said idle and nobody poked since that activity began: a requester stores its request
 * before it pokes, so each request is seen either by the activity or through the poke.
 */
import {
  ActivityCancellationType,
  allHandlersFinished,
  CancellationScope,
  condition,
  continueAsNew,
  defineQuery,
  defineSignal,
  defineUpdate,
  proxyActivities,
  setHandler,
  upsertSearchAttributes,
  workflowInfo,
} from '@temporalio/workflow';
import type { LandActivities } from '../activities/land-activities.ts';
import type { LandingFacts, PokeOptions } from '../activities/land-ports.ts';
import { countText } from '../contracts/count-words.ts';
import { datasetOf, type LandingSpec } from '../contracts/pipeline.ts';
import {
  ENSURE_LANDING_UPDATE,
  type LandInput,
  type LandReport,
  PROGRESS_QUERY,
  type Progress,
  SEARCH_ATTRIBUTES,
  SIGNALS,
} from '../contracts/temporal.ts';
import { RETRY, shortCall } from './activity-options.ts';
import { say } from './details.ts';
import { checkSame, divide } from './land-shares.ts';
import { createLetterCopies } from './letter-copies.ts';

/** Longer than an activity stays before it returns by itself (activities/land-partitions.ts), cuts under way included. */
const ACTIVITY_MOST = '15m';

export interface LandState extends LandReport {
  /** Null before the topic was first looked at. */
  facts: LandingFacts | null;
  generation: number;
  spec: LandingSpec;
  parallelism: number;
  paused: boolean;
  openSince: Record<number, number>;
  /** When an activity last ended and told what it had landed. Absent: none did yet. */
  toldAt?: number;
}

/** What a requester says when it pokes. */
export interface EnsureLanding {
  input: LandInput;
  options: PokeOptions;
}

export const ensureLandingUpdate = defineUpdate<undefined, [EnsureLanding]>(ENSURE_LANDING_UPDATE);
export const setParallelismSignal = defineSignal<[number]>(SIGNALS.setParallelism);
export const pauseSignal = defineSignal(SIGNALS.pause);
export const resumeSignal = defineSignal(SIGNALS.resume);
export const stopSignal = defineSignal(SIGNALS.stop);
export const progressQuery = defineQuery<Progress>(PROGRESS_QUERY);

const { describeLanding, endStandingRequests } = proxyActivities<LandActivities>(shortCall('land'));
const land = proxyActivities<LandActivities>({
  ...shortCall('land'),
  startToCloseTimeout: ACTIVITY_MOST,
  cancellationType: ActivityCancellationType.WAIT_CANCELLATION_COMPLETED,
  retry: RETRY,
});

export async function landDataset(input: LandInput, carried?: LandState): Promise<LandReport> {
  const dataset = datasetOf(input.spec.lake);
  const wanted = {
    spec: carried?.spec ?? input.spec,
    parallelism: carried?.parallelism ?? input.parallelism ?? 1,
    paused: carried?.paused ?? false,
    stopped: false,
    acceptLoss: false,
    /** The most that a requester saw; a description may lag behind it. */
    partitions: carried?.facts?.partitions ?? 0,
    pokes: 0,
    /** Grows with whatever ends a generation early. */
    changes: 0,
  };
  const copies = createLetterCopies();
  let phase = 'starting';
  let facts = carried?.facts ?? null;
  let generation = carried?.generation ?? 0;
  /** Partitions shared out in the present generation; none are missing before there is one. */
  let shared = Infinity;
  const totals: LandReport = { rows: carried?.rows ?? 0, cuts: carried?.cuts ?? 0, objects: carried?.objects ?? 0 };
  const openSince: Record<number, number> = { ...carried?.openSince };
  let toldAt = carried?.toldAt;
  /** Activities tell their rows when they end, minutes later: until then no figure is true. */
  const told = () =>
    toldAt === undefined
      ? []
      : [
          `${countText(totals.rows, 'row')} in ${countText(totals.cuts, 'cut')} told by ${new Date(toldAt).toISOString().slice(0, 16)}Z`,
        ];
  const text = () =>
    [`${phase}: topic ${wanted.spec.topic.name}`, ...told(), `${wanted.parallelism} at a time`].join(', ');
  const enter = (next: string): void => {
    phase = next;
    upsertSearchAttributes({ [SEARCH_ATTRIBUTES.phase]: [next] });
    say(text());
  };
  const setParallelism = (count: number): void => {
    const next = Math.max(1, Math.trunc(count));
    if (next === wanted.parallelism) return;
    wanted.parallelism = next;
    wanted.changes += 1;
  };

  setHandler(
    ensureLandingUpdate,
    (poke) => {
      wanted.pokes += 1;
      if (JSON.stringify(poke.input.spec.lake) !== JSON.stringify(wanted.spec.lake)) wanted.changes += 1;
      wanted.spec = poke.input.spec;
      if (poke.input.parallelism !== undefined) setParallelism(poke.input.parallelism);
      wanted.acceptLoss ||= poke.options.acceptLoss;
      wanted.partitions = Math.max(wanted.partitions, poke.options.partitions ?? 0);
      if (wanted.partitions > shared) wanted.changes += 1;
    },
    { validator: (poke: EnsureLanding) => checkSame(dataset, wanted.spec, poke.input.spec) },
  );
  setHandler(setParallelismSignal, setParallelism);
  setHandler(pauseSignal, () => {
    if (!wanted.paused) wanted.changes += 1;
    wanted.paused = true;
  });
  setHandler(resumeSignal, () => void (wanted.paused = false));
  setHandler(stopSignal, () => {
    wanted.stopped = true;
    wanted.changes += 1;
  });
  setHandler(progressQuery, () => ({ phase, paused: wanted.paused, rows: totals.rows, text: text() }));

  upsertSearchAttributes({
    [SEARCH_ATTRIBUTES.pipeline]: [wanted.spec.name],
    [SEARCH_ATTRIBUTES.dataset]: [dataset],
    [SEARCH_ATTRIBUTES.phase]: [phase],
  });
  while (!wanted.stopped) {
    if (wanted.paused) {
      enter('paused');
      await condition(() => !wanted.paused || wanted.stopped);
      continue;
    }
    enter('landing');
    const ended = await landGeneration();
    shared = Infinity;
    if (ended === 'idle') break;
    if (ended === 'cut') {
      await copies.settled();
      await condition(allHandlersFinished);
      const { spec, parallelism, paused } = wanted;
      const about = { facts, generation, spec, parallelism, paused, openSince };
      const state = { ...totals, ...about, ...(toldAt === undefined ? {} : { toldAt }) };
      await continueAsNew<typeof landDataset>({ ...input, spec }, state);
    }
  }
  if (wanted.stopped) await endStandingRequests({ spec: wanted.spec });
  enter(wanted.stopped ? 'stopped' : 'landed');
  await copies.settled();
  await condition(allHandlersFinished);
  return totals;

  /** Where the next generation begins. Of a topic made anew nothing is taken over: the activities are to find that out. */
  async function look(): Promise<LandingFacts> {
    const found = await describeLanding({ spec: wanted.spec });
    const known = facts?.topicId ?? found.topicId;
    const partitions = known === found.topicId ? found.partitions : (facts?.partitions ?? found.partitions);
    generation = Math.max(generation, found.generation) + 1;
    facts = { topicId: known, partitions: Math.max(partitions, wanted.partitions), generation };
    return facts;
  }

  /** Runs all shares until nobody wants more, something changed, or the history should be cut. */
  async function landGeneration(): Promise<'idle' | 'changed' | 'cut'> {
    const changesBefore = wanted.changes;
    const changed = () => wanted.changes !== changesBefore;
    const { topicId, partitions: count } = await look();
    if (changed()) return 'changed';
    shared = count;
    const shares = divide(count, wanted.parallelism);
    /** The pokes that had come when a share's last activity began, and it said idle. */
    const idleSince: (number | null)[] = shares.map(() => null);
    const accepting = wanted.acceptLoss;
    wanted.acceptLoss = false;
    const failed: { error?: unknown } = {};
    const scope = new CancellationScope();
    const cut = () => workflowInfo().continueAsNewSuggested;
    const allIdle = () => idleSince.every((since) => since === wanted.pokes);
    const over = () => 'error' in failed || changed() || allIdle() || cut();

    const runShare = async (index: number, partitions: number[]): Promise<void> => {
      while (!over()) {
        const pokesBefore = wanted.pokes;
        idleSince[index] = null;
        const summary = `partitions ${partitions.join(', ')}`;
        const share = { spec: wanted.spec, topicId, partitions, generation, acceptLoss: accepting, openSince };
        const report = await land.landPartitions.executeWithOptions({ summary }, [share]);
        totals.rows += report.rows;
        totals.cuts += report.cuts;
        totals.objects += report.objects;
        toldAt = Date.now();
        if (report.letters > 0) copies.wanted(wanted.spec);
        for (const partition of partitions) {
          const since = report.openSince[partition];
          if (since === undefined) Reflect.deleteProperty(openSince, partition);
          else openSince[partition] = since;
        }
        say(text());
        if (report.reason !== 'idle') continue;
        idleSince[index] = pokesBefore;
        await condition(() => wanted.pokes !== pokesBefore || over());
      }
    };
    // Each share has ended before we go on, cancelled or not: no two generations at once, as far as Temporal knows.
    const running = scope.run(() =>
      Promise.all(
        shares.map((partitions, index) =>
          runShare(index, partitions).catch((error: unknown) => {
            if (!changed() && !('error' in failed)) failed.error = error;
          }),
        ),
      ),
    );
    try {
      await Promise.race([running, condition(() => changed() || 'error' in failed)]);
    } finally {
      scope.cancel();
      await running;
    }
    if ('error' in failed) throw failed.error;
    if (changed()) return 'changed';
    return allIdle() ? 'idle' : 'cut';
  }
}
