/** Topics: facts, settings, watermarks. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { TopicAdmin, TopicFacts } from '../../activities/ports/topic.ts';
import { fault, isFault } from '../../contracts/errors.ts';
import { MAX_MESSAGE_BYTES } from '../../contracts/messages.ts';
import type { PartitionEnds } from '../../contracts/replay.ts';
import type { KafkaSettings } from '../../contracts/settings.ts';
import { type Cluster, openCluster } from './cluster.ts';
import { kafkaFault, LEADER_MOVES, NONE, TOPIC_ALREADY_EXISTS } from './error-codes.ts';
import { createTopic, describeTopicSettings, listOffsets } from './requests.ts';

const LEADERS_PATIENCE_MS = 30_000;
const LEADERS_PAUSE_MS = 100;
const SETTINGS = ['cleanup.policy', 'retention.ms', 'retention.bytes'];

export function openTopicAdmin(settings: KafkaSettings): TopicAdmin {
  // Connects at the first call, not when a worker starts: a worker may start before its broker.
  const cluster = openCluster(settings);

  async function describe(topic: string): Promise<TopicFacts | null> {
    const found = await cluster.topic(topic);
    return found && { topicId: found.topicId, partitions: found.leaders.size };
  }

  async function ensure(topic: string, partitions: number): Promise<TopicFacts> {
    if (!(await describe(topic))) await create(cluster, settings, topic, partitions);
    const deadline = performance.now() + LEADERS_PATIENCE_MS;
    for (;;) {
      try {
        const facts = await describe(topic);
        if (!facts) throw fault('KafkaUnavailable', `topic ${topic} was created but is not there yet`);
        await offsets(cluster, topic, facts.partitions, -2, 0);
        return facts;
      } catch (error) {
        if (!isFault(error, 'KafkaUnavailable') || performance.now() > deadline) throw error;
        await sleep(LEADERS_PAUSE_MS);
      }
    }
  }

  return {
    describe,
    list: () => cluster.topics(),
    async settings(topic) {
      const doing = `reading the settings of topic ${topic}`;
      const answer = await cluster.ask(doing, cluster.controller, describeTopicSettings(topic, SETTINGS));
      return {
        cleanupPolicy: answer.settings.get('cleanup.policy') ?? 'delete',
        retentionMs: Number(answer.settings.get('retention.ms') ?? -1),
        retentionBytes: Number(answer.settings.get('retention.bytes') ?? -1),
      };
    },
    ensure,
    highWatermarks: (topic, partitions) => offsets(cluster, topic, partitions, -1),
    logStarts: (topic, partitions) => offsets(cluster, topic, partitions, -2),
    close() {
      cluster.close();
      return Promise.resolve();
    },
  };
}

/** @param patienceMs how long leaders that move are waited for */
async function offsets(
  cluster: Cluster,
  topic: string,
  partitions: number,
  at: -1 | -2,
  patienceMs = LEADERS_PATIENCE_MS,
): Promise<PartitionEnds> {
  const doing = `reading the ${at === -1 ? 'high watermarks' : 'first offsets'} of topic ${topic}`;
  const deadline = performance.now() + patienceMs;
  for (;;) {
    const { ends, error } = await askLeaders(cluster, topic, partitions, at, doing);
    if (error === NONE) return ends;
    if (!LEADER_MOVES.includes(error) || performance.now() > deadline) throw kafkaFault(error, doing);
    await sleep(LEADERS_PAUSE_MS);
  }
}

async function askLeaders(
  cluster: Cluster,
  topic: string,
  partitions: number,
  at: -1 | -2,
  doing: string,
): Promise<{ ends: PartitionEnds; error: number }> {
  const found = await cluster.topic(topic);
  if (!found) throw fault('KafkaUnavailable', `${doing}: there is no such topic`);
  const byLeader = new Map<number, number[]>();
  for (let partition = 0; partition < partitions; partition++) {
    const leader = found.leaders.get(partition) ?? -1;
    if (leader < 0) return { ends: {}, error: LEADERLESS };
    byLeader.set(leader, [...(byLeader.get(leader) ?? []), partition]);
  }
  const answers = await Promise.all(
    [...byLeader].map(async ([leader, wanted]) => (await cluster.broker(leader)).send(listOffsets(topic, wanted, at))),
  );
  const entries = answers.flat();
  const ends = Object.fromEntries(entries.map(({ partition, offset }) => [partition, offset]));
  return { ends, error: entries.find(({ error }) => error !== NONE)?.error ?? NONE };
}

const LEADERLESS = 5;

async function create(cluster: Cluster, settings: KafkaSettings, topic: string, partitions: number): Promise<void> {
  // -1: the broker's default
  const request = createTopic(topic, partitions, settings.replicationFactor ?? -1, {
    'cleanup.policy': 'delete',
    'max.message.bytes': String(MAX_MESSAGE_BYTES),
  });
  const { error, message } = await (await cluster.controller()).send(request);
  if (error !== NONE && error !== TOPIC_ALREADY_EXISTS) throw kafkaFault(error, `creating topic ${topic}`, message);
}
