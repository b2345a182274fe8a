/**
 * Asking for a dataset to be landed, and waiting for it. The request's row is written before the land workflow is poked,
 * and that workflow ends only if nobody poked it since it last looked: so no request is lost. Whoever waits, waits for the
 * manifest, and hears of a land workflow that failed for good instead of waiting for ever.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { fault } from '../contracts/errors.ts';
import { datasetOf, type LandingSpec } from '../contracts/pipeline.ts';
import type { PartitionEnds } from '../contracts/replay.ts';
import type { LandRequestPorts } from './land-ports.ts';
import { findTopic } from './land-topic.ts';
import type { DatasetCounts, LostRange } from './ports/manifest.ts';
import type { Pulse } from './pulse.ts';

const LOOK_MS = 500;
const STATUS_MS = 3_000;
const BEAT_MS = 2_000;

export interface LandGoal {
  topicId: string;
  ends: PartitionEnds;
}

export interface RequestLanding {
  spec: LandingSpec;
  /** Unique by purpose: asking twice is asking once. */
  requestId: string;
  /** Whose workflow asks: its end ends the request. Null: a person's, until it is ended. */
  workflowId: string | null;
  /** Absent: without an end, until one is set. `now`: up to what the topic holds now. */
  until?: LandGoal | 'now';
  parallelism?: number;
  acceptLoss?: boolean;
}

/** @returns the goal, where there is one */
export async function requestLanding(ports: LandRequestPorts, request: RequestLanding): Promise<LandGoal | null> {
  const { spec, requestId, workflowId } = request;
  const dataset = datasetOf(spec.lake);
  const goal = request.until === 'now' ? await present(ports, spec) : (request.until ?? null);
  // Continuous until its ends are stored: a request without either would be taken for one that is reached.
  const stored = { requestId, workflowId, topic: spec.topic.name };
  await ports.manifest.saveRequest(dataset, { ...stored, continuous: true });
  if (goal) await ports.manifest.setEnds(dataset, stored, goal.topicId, goal.ends);
  const parallelism = request.parallelism === undefined ? {} : { parallelism: request.parallelism };
  // Not findTopic, which waits: the replay that makes the topic may come after the request.
  const partitions = goal ? partitionsOf(goal) : (await ports.topicAdmin.describe(spec.topic.name))?.partitions;
  await ports.pokeLand(
    { spec, ...parallelism },
    { acceptLoss: request.acceptLoss === true, ...(partitions === undefined ? {} : { partitions }) },
  );
  return goal;
}

/** So many partitions, at least, a topic with this goal has. */
function partitionsOf({ ends }: LandGoal): number {
  return Object.keys(ends).reduce((most, partition) => Math.max(most, Number(partition) + 1), 0);
}

/** The topic's present ends. */
async function present(ports: LandRequestPorts, spec: LandingSpec): Promise<LandGoal> {
  const topic = spec.topic.name;
  const facts = await findTopic(ports.topicAdmin, topic);
  if (!facts) throw fault('TopicUnsuited', `topic ${topic} does not exist; a replay creates it, or create it yourself`);
  return { topicId: facts.topicId, ends: await ports.topicAdmin.highWatermarks(topic, facts.partitions) };
}

export interface SetLandingEnds {
  spec: LandingSpec;
  requestId: string;
  /** As in RequestLanding. */
  workflowId: string | null;
  goal: LandGoal;
}

/** Makes the request anew where somebody deleted it: whoever sets its ends is about to wait for them. */
export async function setLandingEnds(
  ports: LandRequestPorts,
  { spec, requestId, workflowId, goal }: SetLandingEnds,
): Promise<void> {
  const request = { requestId, workflowId, topic: spec.topic.name };
  await ports.manifest.setEnds(datasetOf(spec.lake), request, goal.topicId, goal.ends);
  // What was idle, or does not know of all partitions, looks again.
  await ports.pokeLand({ spec }, { acceptLoss: false, partitions: partitionsOf(goal) });
}

export async function endLandingRequest(
  ports: LandRequestPorts,
  { spec, requestId }: { spec: LandingSpec; requestId: string },
): Promise<void> {
  await ports.manifest.endRequest(datasetOf(spec.lake), requestId);
}

/** Ends what people asked for without an end: landing was stopped by hand. */
export async function endStandingRequests(ports: Pick<LandRequestPorts, 'manifest'>, spec: LandingSpec): Promise<void> {
  const dataset = datasetOf(spec.lake);
  for (const { requestId, workflowId } of await ports.manifest.requests(dataset)) {
    if (workflowId === null) await ports.manifest.endRequest(dataset, requestId);
  }
}

/** Accepts what was noted as lost up to now; landing goes on when it is asked for again. */
export async function acceptLoss(ports: LandRequestPorts, { spec }: { spec: LandingSpec }): Promise<LostRange[]> {
  const facts = await findTopic(ports.topicAdmin, spec.topic.name);
  return facts ? ports.manifest.acceptLost(datasetOf(spec.lake), facts.topicId) : [];
}

export interface AwaitLanded {
  spec: LandingSpec;
  goal: LandGoal;
}

/**
 * Resolves when the manifest has reached the goal in every partition.
 * @throws the land workflow's own fault where it failed; Fault TopicRecreated where the goal's topic is gone
 */
export async function awaitLanded(ports: LandRequestPorts, request: AwaitLanded, pulse: Pulse): Promise<DatasetCounts> {
  const { spec, goal } = request;
  const dataset = datasetOf(spec.lake);
  let beaten = -Infinity;
  let checked = performance.now();
  for (;;) {
    const next = await ports.manifest.positions(dataset, goal.topicId);
    const behind = Object.entries(goal.ends).filter(([partition, end]) => end > (next[Number(partition)] ?? 0));
    // A partition that never had a record was not claimed to anybody's end: its end is 0.
    if (behind.length === 0) return ports.manifest.counts(dataset);
    const now = performance.now();
    if (now - beaten >= BEAT_MS) {
      beaten = now;
      pulse.beat({ partitionsBehind: behind.length });
    }
    if (now - checked >= STATUS_MS) {
      checked = now;
      await checkLanding(ports, spec, goal);
    }
    pulse.throwIfCancelled();
    await sleep(LOOK_MS);
  }
}

async function checkLanding(ports: LandRequestPorts, spec: LandingSpec, goal: LandGoal): Promise<void> {
  const dataset = datasetOf(spec.lake);
  const status = await ports.landStatus(dataset);
  if (status.kind === 'open') return;
  if (status.kind === 'failed') throw fault(status.code, `landing ${dataset} failed: ${status.message}`);
  const facts = await findTopic(ports.topicAdmin, spec.topic.name);
  if (facts?.topicId !== goal.topicId) {
    throw fault(
      'TopicRecreated',
      `topic ${spec.topic.name} is ${facts ? 'another one than' : 'gone since'} when landing it was asked for; start again`,
    );
  }
  // Somebody terminated it, or it ended before our request was there.
  await ports.pokeLand({ spec }, { acceptLoss: false, partitions: partitionsOf(goal) });
}
