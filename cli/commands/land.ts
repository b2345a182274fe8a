/**
 * `headrace land FILE`: lands the topic on and on, or up to what it holds now. The dataset's one land workflow does it,
 * whoever else asks for it as well; so Ctrl-C here ends the watching, and `--stop` ends the asking.
 */
import { countText } from '../../contracts/count-words.ts';
import type { Settings } from '../../contracts/settings.ts';
import { datasetOf, type PipelineSpec } from '../../contracts/pipeline.ts';
import { workflowIds } from '../../contracts/temporal.ts';
import type { Landing } from '../../workers/landing.ts';
import { controlAddress, kafkaAddress, requireReachable } from '../../workers/reachable.ts';
import { awaitWorker } from '../await-worker.ts';
import { besides, comeBackTo, statusOf } from '../come-back.ts';
import type { FollowOptions } from '../common-options.ts';
import { withEmbeddedWorker } from '../embedded-worker.ts';
import { configurationFor, topicsFor } from '../environment.ts';
import { follow, goesOn } from '../follow.ts';
import { leaveWith } from '../interrupt.ts';
import { landProgress } from '../land-progress.ts';
import { ensureKafkaClient } from '../kafka-client.ts';
import { bytesText, outputFor, type Output } from '../output.ts';
import { newId } from '../replay-id.ts';
import { fileWords } from '../scope-options.ts';
import { withTemporal, workflowLink, type Temporal } from '../temporal.ts';

export interface LandOptions extends FollowOptions {
  untilCaughtUp?: boolean;
  stop?: boolean;
  acceptLoss?: boolean;
  parallelism?: number;
}

interface Context {
  file: string;
  options: LandOptions;
  output: Output;
  settings: Settings;
  spec: PipelineSpec;
  temporal: Temporal;
  landing: Landing;
}

const QUEUES = ['orchestrate', 'land'] as const;

export async function runLand(file: string, options: LandOptions): Promise<void> {
  const output = outputFor(options);
  const many = topicsFor(file, options);
  if (many) return (await import('../land-topics.ts')).runLandTopics({ file, options, output, ...many });
  const { settings, spec } = configurationFor(file, options);
  await withTemporal(settings.temporal, async (temporal) => {
    await requireReachable([controlAddress(settings), ...(options.stop === true ? [] : [kafkaAddress(settings)])]);
    await ensureKafkaClient(settings, output);
    const { openLanding } = await import('../../workers/landing.ts');
    const landing = await openLanding(settings, temporal.client);
    const context = { file, options, output, settings, spec, temporal, landing };
    try {
      if (options.stop === true) await stop(context);
      else if (options.withWorker === true && options.companions === undefined)
        await withEmbeddedWorker(settings, output, () => land(context));
      else await land(context);
    } finally {
      await landing.close();
    }
  });
}

async function stop({ landing, spec, output, file, options }: Context): Promise<void> {
  const { BY_HAND } = await import('../../workers/landing.ts');
  await landing.end(spec, BY_HAND);
  const workflowId = workflowIds.land(datasetOf(spec.lake));
  output.result({ pipeline: spec.name, workflowId, stopped: true }, () =>
    [
      `${workflowId}: is no longer asked for by hand; it ends once no run wants it.`,
      `What is in the topic now can still be landed: headrace land ${fileWords(file, options)} --until-caught-up`,
    ].join('\n'),
  );
}

async function land(context: Context): Promise<void> {
  const { options, output, spec, temporal, landing } = context;
  const { BY_HAND } = await import('../../workers/landing.ts');
  const workflowId = workflowIds.land(datasetOf(spec.lake));
  const bounded = options.untilCaughtUp === true;
  if (options.acceptLoss === true) await acceptLoss(context);
  const request = {
    requestId: bounded ? `caught-up/${newId()}` : BY_HAND,
    ...(bounded ? { until: 'now' as const } : {}),
    ...(options.parallelism === undefined ? {} : { parallelism: options.parallelism }),
    ...(options.acceptLoss === true ? { acceptLoss: true } : {}),
  };
  const link = workflowLink(temporal.settings, workflowId);
  const began = performance.now();
  let isTaken = false;
  const { interrupted, release } = leaveWith(() =>
    goesOn(workflowId, { comeBack: comeBackOf(context), ownWorker: options.withWorker === true || !isTaken }),
  );
  try {
    // Before the request, which waits for a worker: whoever ends that waiting must know what goes on.
    if (options.detach !== true) output.note(`${workflowId}${link === undefined ? '' : `  ${link}`}`);
    const waiting = { queues: QUEUES, output, interrupted, mayHire: true };
    const goal = await awaitWorker(temporal, waiting, () => landing.request(spec, request));
    isTaken = true;
    if (options.detach === true) {
      const document = { pipeline: spec.name, workflowId, ...(link === undefined ? {} : { ui: link }) };
      output.result(document, () => `asked ${workflowId} to land${link === undefined ? '' : `\n${link}`}`);
      return;
    }
    await options.companions?.turn();
    present(context, await watchLanding(context, workflowId, { goal, interrupted }), began, goal !== null);
  } finally {
    release();
  }
}

function present(
  { output, spec }: Context,
  { rows, cuts, objects, bytes }: Landed,
  began: number,
  isCaughtUp: boolean,
): void {
  const seconds = (performance.now() - began) / 1000;
  output.result({ pipeline: spec.name, rows, cuts, objects, bytes, seconds }, () => {
    const size = bytes === undefined ? '' : `, ${bytesText(bytes)}`;
    const what = isCaughtUp ? 'caught up; the lake holds' : 'landed meanwhile';
    return `${what} ${countText(rows, 'row')} in ${countText(objects, 'file')}${size} (${countText(cuts, 'cut')})`;
  });
}

interface Landed {
  rows: number;
  cuts: number;
  objects: number;
  bytes?: number;
}

/** A landing up to now is asked for anew by the same command: what has landed meanwhile is not landed again. */
function comeBackOf({ file, options }: Context): string {
  const again = comeBackTo('land', file, options);
  return options.untilCaughtUp === true
    ? `${again} --until-caught-up   (or: ${statusOf(file, options)})`
    : `${again}   (and end it with: ${besides('land', file, options, ' --stop')})`;
}

async function watchLanding(
  context: Context,
  workflowId: string,
  { goal, interrupted }: { goal: Awaited<ReturnType<Landing['request']>>; interrupted: Promise<never> },
): Promise<Landed> {
  const { output, settings, spec, temporal, landing } = context;
  const handle = temporal.client.workflow.getHandle(workflowId);
  const progress = await landProgress(settings, spec);
  try {
    const result = await follow(temporal, handle, {
      output,
      queues: QUEUES,
      look: () => progress.look(),
      interrupted,
      ...(goal === null ? {} : { wait: (signal) => landing.reached(spec, goal, signal) }),
    });
    return result as Landed;
  } finally {
    await progress.close();
  }
}

async function acceptLoss({ landing, spec, output }: Context): Promise<void> {
  for (const { partition, start, end } of await landing.acceptLoss(spec)) {
    output.note(`accepted as lost: partition ${partition}, offsets ${start} to ${end - 1}`);
  }
}
