/**
 * `headrace land FILE` for a file with `topicPattern`: asks for a landing each of the topics that match now, and waits for all of
 * them at once. A topic that is made later is landed from the next call on.
 */
import { numberText } from '../contracts/count-words.ts';
import { fault } from '../contracts/errors.ts';
import type { Settings } from '../contracts/settings.ts';
import { datasetOf, type LandingSpec } from '../contracts/pipeline.ts';
import { workflowIds } from '../contracts/temporal.ts';
import type { TopicsSpec } from '../workers/config/index.ts';
import type { Landing } from '../workers/landing.ts';
import { controlAddress, kafkaAddress, requireReachable } from '../workers/reachable.ts';
import { awaitWorker } from './await-worker.ts';
import type { LandOptions } from './commands/land.ts';
import { withEmbeddedWorker } from './embedded-worker.ts';
import { EXIT } from './exit-codes.ts';
import { CommandEnd } from './failure.ts';
import { leaveWith } from './interrupt.ts';
import { ensureKafkaClient } from './kafka-client.ts';
import { bytesText, type Output, tableText } from './output.ts';
import { newId } from './replay-id.ts';
import { shellWord } from './scope-options.ts';
import { type Temporal, withTemporal } from './temporal.ts';

const QUEUES = ['orchestrate', 'land'] as const;

interface Request {
  file: string;
  options: LandOptions;
  output: Output;
  settings: Settings;
  topics: TopicsSpec;
}

interface Context extends Request {
  temporal: Temporal;
  landing: Landing;
  specs: readonly LandingSpec[];
}

/** @throws Fault ConfigInvalid where no topic matches, or two would share a dataset */
export async function runLandTopics(request: Request): Promise<void> {
  const { settings, options, output, topics } = request;
  await withTemporal(settings.temporal, async (temporal) => {
    // To stop as well: which topics match is Kafka's to say.
    await requireReachable([controlAddress(settings), kafkaAddress(settings)]);
    await ensureKafkaClient(settings, output);
    const { openLanding } = await import('../workers/landing.ts');
    const landing = await openLanding(settings, temporal.client);
    try {
      const specs = await landing.topics(topics);
      requireApart(topics, specs);
      const context = { ...request, temporal, landing, specs };
      if (options.stop === true) await stop(context);
      else if (options.withWorker === true) await withEmbeddedWorker(settings, output, () => land(context));
      else await land(context);
    } finally {
      await landing.close();
    }
  });
}

function requireApart({ pattern }: TopicsSpec, specs: readonly LandingSpec[]): void {
  if (specs.length === 0) {
    throw fault(
      'ConfigInvalid',
      `topicPattern: no topic's name matches ${pattern.source} as a whole; the topics must be there`,
    );
  }
  const owners = new Map<string, string>();
  for (const { topic, lake } of specs) {
    const other = owners.get(lake.prefix);
    if (other !== undefined) {
      const both = `topics ${other} and ${topic.name} would both be landed under ${lake.prefix}`;
      throw fault('ConfigInvalid', `lake.prefix: ${both}; give each a prefix of its own, with {topic} in it`);
    }
    owners.set(lake.prefix, topic.name);
  }
}

async function stop({ landing, specs, output, topics }: Context): Promise<void> {
  const { BY_HAND } = await import('../workers/landing.ts');
  for (const spec of specs) await landing.end(spec, BY_HAND);
  output.result({ pipeline: topics.name, topics: specs.map(({ topic }) => topic.name), stopped: true }, () =>
    specs.map((spec) => `${workflowOf(spec)}: is no longer asked for by hand`).join('\n'),
  );
}

const workflowOf = (spec: LandingSpec): string => workflowIds.land(datasetOf(spec.lake));

async function land({ file, options, output, temporal, landing, specs, topics }: Context): Promise<void> {
  const { BY_HAND } = await import('../workers/landing.ts');
  const bounded = options.untilCaughtUp === true;
  const request = {
    requestId: bounded ? `caught-up/${newId()}` : BY_HAND,
    ...(bounded ? { until: 'now' as const } : {}),
    ...(options.parallelism === undefined ? {} : { parallelism: options.parallelism }),
    ...(options.acceptLoss === true ? { acceptLoss: true } : {}),
  };
  if (options.acceptLoss === true) for (const spec of specs) await landing.acceptLoss(spec);
  const word = `left what was asked for, which goes on running. End it with:\n  headrace land ${shellWord(file)} --stop`;
  const { interrupted, signal, release } = leaveWith(() => new CommandEnd(EXIT.interrupted, 'Interrupted', word));
  try {
    for (const spec of specs) output.note(`${workflowOf(spec)}  topic ${spec.topic.name}`);
    const waiting = { queues: QUEUES, output, interrupted, mayHire: true };
    const asked = await Promise.all(
      specs.map(async (spec) => ({
        spec,
        goal: await awaitWorker(temporal, waiting, () => landing.request(spec, request)),
      })),
    );
    if (options.detach === true || (!bounded && options.withWorker !== true)) {
      const document = specs.map((spec) => ({ topic: spec.topic.name, workflowId: workflowOf(spec) }));
      output.result(
        { pipeline: topics.name, topics: document },
        () => `asked for; end it with: headrace land ${shellWord(file)} --stop`,
      );
      return;
    }
    const landed = asked.map(async ({ spec, goal }) => {
      if (goal === null) return interrupted;
      const { rows, objects, bytes } = await landing.reached(spec, goal, signal);
      return { topic: spec.topic.name, dataset: datasetOf(spec.lake), rows, objects, bytes };
    });
    const found = await Promise.race([Promise.all(landed), interrupted]);
    output.result({ pipeline: topics.name, topics: found }, () =>
      tableText(
        ['topic', 'dataset', 'rows', 'files', 'size'],
        found.map((each) => [
          each.topic,
          each.dataset,
          numberText(each.rows),
          numberText(each.objects),
          bytesText(each.bytes),
        ]),
        ['left', 'left', 'right', 'right', 'right'],
      ),
    );
  } finally {
    release();
  }
}
