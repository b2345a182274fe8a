/**
 * `runPipeline`: the bounded whole. Replay, landing and loading overlap; each knows its end from the replay's ends, never
 * from an idle timeout. It lands nothing itself: the dataset's one land workflow does, asked for by this run's request.
 */
import { WorkflowExecutionAlreadyStartedError } from '@temporalio/common';
import {
  CancellationScope,
  defineQuery,
  executeChild,
  isCancellation,
  proxyActivities,
  setHandler,
  sleep,
  upsertSearchAttributes,
  workflowInfo,
} from '@temporalio/workflow';
import type { LandRequestActivities } from '../activities/land-activities.ts';
import type { ReplayActivities } from '../activities/replay-activities.ts';
import { countText } from '../contracts/count-words.ts';
import { datasetOf } from '../contracts/pipeline.ts';
import {
  PROGRESS_QUERY,
  type Progress,
  type ReplayReport,
  type RunInput,
  type RunReport,
  SEARCH_ATTRIBUTES,
  workflowIds,
} from '../contracts/temporal.ts';
import { longWork, shortCall } from './activity-options.ts';
import { say } from './details.ts';
import { loadWarehouse } from './load.ts';
import { replayTable } from './replay.ts';
import { textOf, verifyPipeline } from './verify.ts';

const { planReplay } = proxyActivities<ReplayActivities>(shortCall('read'));
const { requestLanding, setLandingEnds, endLandingRequest } = proxyActivities<LandRequestActivities>(
  shortCall('orchestrate'),
);
const { awaitLanded } = proxyActivities<LandRequestActivities>(longWork('orchestrate'));

/** A replay may run for a day: 3,000 looks at it are 30,000 events, and the server's limit is 51,200. */
const WAIT_FIRST_MS = 1_000;
const WAIT_MOST_MS = 30_000;
/**
 * One of the same id, as a reset of the run leaves it open, gives way: two at once would be safe, and it holds nothing. (Children
 * have no conflict policy, which is to replace this elsewhere.)
 */
const inPlaceOf = { workflowIdReusePolicy: 'TERMINATE_IF_RUNNING' } as const;

export const runProgressQuery = defineQuery<Progress>(PROGRESS_QUERY);

export async function runPipeline(input: RunInput): Promise<RunReport> {
  const { spec, replayId } = input;
  const { workflowId } = workflowInfo();
  const ids = {
    replay: workflowIds.replay(spec.name, replayId),
    load: workflowIds.load(spec.name, replayId),
    verify: workflowIds.verify(spec.name, replayId),
  };
  const at = { phase: 'planning', rows: 0, text: `planning replay ${replayId}` };
  const enter = (phase: string, text: string): void => {
    Object.assign(at, { phase, text });
    say(text);
    upsertSearchAttributes({ [SEARCH_ATTRIBUTES.phase]: [phase] });
  };
  setHandler(runProgressQuery, () => ({ phase: at.phase, paused: false, rows: at.rows, text: at.text }));
  upsertSearchAttributes({
    [SEARCH_ATTRIBUTES.pipeline]: [spec.name],
    [SEARCH_ATTRIBUTES.replayId]: [replayId],
    [SEARCH_ATTRIBUTES.dataset]: [datasetOf(spec.lake)],
    [SEARCH_ATTRIBUTES.phase]: [at.phase],
  });

  // Here, not in the replay: the topic must be there before landing is asked for.
  const plan = await planReplay({ ...input, workflowId: ids.replay });
  const { topicId, columnsAdded } = plan;
  const request = { spec, requestId: workflowId };
  const parallelism = input.parallelism === undefined ? {} : { parallelism: input.parallelism };
  await requestLanding({ ...request, workflowId, ...parallelism });
  // Whether the replay has its turn, the replay alone knows.
  enter('moving', `landing and loading beside ${ids.replay}, which says whether it publishes or waits for its turn`);

  /** One that fails stops the others: without it they would wait for an end that does not come. */
  const seconds = { replay: 0, land: 0, load: 0 };
  const startedAt = Date.now();
  const scope = new CancellationScope();
  try {
    await scope.run(async () => {
      const hops = [replayAndLand(), load()];
      try {
        await Promise.all(hops);
      } catch (error) {
        scope.cancel();
        await Promise.allSettled(hops);
        throw error;
      }
    });
  } catch (error) {
    if (isCancellation(error)) say(`cancelled while ${at.phase}; run again by its replay id, it goes on from there`);
    throw error;
  } finally {
    await CancellationScope.nonCancellable(() => endLandingRequest(request));
  }

  async function replayAndLand(): Promise<void> {
    const replayed = await replay();
    seconds.replay = replayed.seconds;
    at.rows = replayed.rows;
    enter('landing', `published ${countText(replayed.rows, 'row')}; landing and loading what is left`);
    const goal = { topicId, ends: replayed.ends };
    await setLandingEnds({ ...request, workflowId, goal });
    await awaitLanded({ spec, goal });
    seconds.land = (Date.now() - startedAt) / 1000;
    enter('loading', `landed ${countText(replayed.rows, 'row')}; loading what is left`);
  }

  /** One of the same id that runs already, as a reset of this run leaves it, is let end; run again, it finds all done. */
  async function replay(): Promise<ReplayReport> {
    for (let pause = WAIT_FIRST_MS; ; pause = Math.min(pause * 2, WAIT_MOST_MS)) {
      try {
        return await executeChild(replayTable, {
          workflowId: ids.replay,
          args: [{ ...input, plan }],
          staticSummary: `replay ${replayId}`,
        });
      } catch (error) {
        if (!(error instanceof WorkflowExecutionAlreadyStartedError)) throw error;
        enter('waiting', `${ids.replay} runs already: waiting for its end`);
        await sleep(pause);
      }
    }
  }

  async function load(): Promise<void> {
    const loaded = await executeChild(loadWarehouse, {
      ...inPlaceOf,
      workflowId: ids.load,
      args: [{ spec, until: { replayId } }],
      staticSummary: `load of replay ${replayId}`,
    });
    seconds.load = loaded.seconds;
  }

  enter('verifying', 'reading source, lake and warehouse');
  const verified = await executeChild(verifyPipeline, {
    ...inPlaceOf,
    workflowId: ids.verify,
    args: [{ spec, replayId }],
    staticSummary: `verify of replay ${replayId}`,
  });
  const report = {
    ...verified,
    ...(columnsAdded === undefined ? {} : { columnsAdded }),
    seconds: { ...seconds, verify: verified.seconds.verify },
  };
  enter(report.ok ? 'done' : 'different', textOf(report));
  return report;
}
