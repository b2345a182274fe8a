/**
 * `runPipeline`: the bounded whole. Replay, landing and loading overlap; each knows its end from the replay's ends, never
 * from an idle timeout. It lands nothing itself: the dataset's one land workflow does, asked for by this run's request.
 */
import {
  CancellationScope,
  defineQuery,
  executeChild,
  proxyActivities,
  setHandler,
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
  enter('moving', 'replaying, landing and loading side by side');

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
  } finally {
    await CancellationScope.nonCancellable(() => endLandingRequest(request));
  }

  async function replayAndLand(): Promise<void> {
    const replayed = await executeChild(replayTable, {
      workflowId: ids.replay,
      args: [{ ...input, plan }],
      staticSummary: `replay ${replayId}`,
    });
    seconds.replay = replayed.seconds;
    at.rows = replayed.rows;
    enter('landing', `published ${countText(replayed.rows, 'row')}; landing and loading what is left`);
    const goal = { topicId, ends: replayed.ends };
    await setLandingEnds({ ...request, workflowId, goal });
    await awaitLanded({ spec, goal });
    seconds.land = (Date.now() - startedAt) / 1000;
    enter('loading', `landed ${countText(replayed.rows, 'row')}; loading what is left`);
  }

  async function load(): Promise<void> {
    const loaded = await executeChild(loadWarehouse, {
      workflowId: ids.load,
      args: [{ spec, until: { replayId } }],
      staticSummary: `load of replay ${replayId}`,
    });
    seconds.load = loaded.seconds;
  }

  enter('verifying', 'reading source, lake and warehouse');
  const verified = await executeChild(verifyPipeline, {
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
