/**
 * Topics: facts, settings, watermarks. librdkafka's admin client knows topic ids and isolation levels; it has no
 * DescribeConfigs in this binding, so kafkajs reads the settings (a plain request, none of its faults is in the way).
 */
import kafka from '@confluentinc/kafka-javascript';
import kafkajs from 'kafkajs';
import { setTimeout as sleep } from 'node:timers/promises';
import type { TopicAdmin, TopicFacts, TopicSettings } from '../../activities/ports/topic.ts';
import { fault } from '../../contracts/errors.ts';
import { MAX_MESSAGE_BYTES } from '../../contracts/messages.ts';
import type { PartitionEnds } from '../../contracts/replay.ts';
import type { KafkaSettings } from '../../contracts/settings.ts';
import { kafkaClientConfig } from './client-config.ts';
import { CODE, kafkaFault, readKafkaError } from './errors.ts';
import { openKafkajs, orRefusal, refusal } from './refusal.ts';

const CALL_TIMEOUT_MS = 10_000;
const LEADERS_PATIENCE_MS = 30_000;

export function openTopicAdmin(settings: KafkaSettings): TopicAdmin {
  // Opened at the first call, not when a worker starts: a worker may start before its broker.
  let opened: kafka.IAdminClient | undefined;
  const admin = (): kafka.IAdminClient =>
    (opened ??= kafka.AdminClient.create(kafkaClientConfig(settings, 'admin'), { 'event.error': () => undefined }));

  async function describe(topic: string): Promise<TopicFacts | null> {
    const doing = `describing topic ${topic}`;
    const ask = (): Promise<TopicFacts | null> =>
      new Promise((resolve, reject) => {
        admin().describeTopics([topic], { timeout: CALL_TIMEOUT_MS }, (error: unknown, found) => {
          if (error) return reject(kafkaFault(error, doing));
          const description = found[0];
          const broken = description?.error;
          if (broken && readKafkaError(broken).code === CODE.unknownTopicOrPartition) return resolve(null);
          if (broken) return reject(kafkaFault(broken, doing));
          if (!description) return resolve(null);
          const topicId = uuidText(description.topicId);
          resolve({ topicId, partitions: description.partitions.length });
        });
      });
    return orRefusal(settings, doing, ask);
  }

  async function offsets(
    topic: string,
    partitions: number,
    spec: kafka.OffsetSpec,
    what: string,
  ): Promise<PartitionEnds> {
    const wanted = Array.from({ length: partitions }, (_, partition) => ({ topic, partition, offset: spec }));
    return new Promise((resolve, reject) => {
      admin().listOffsets(
        wanted,
        { timeout: CALL_TIMEOUT_MS, isolationLevel: kafka.IsolationLevel.READ_UNCOMMITTED },
        (error: unknown, found) => {
          const doing = `reading the ${what} of topic ${topic}`;
          // A topic that may not be described is "no such entry" here; describing it tells why.
          if (error) return void describe(topic).then(() => reject(kafkaFault(error, doing)), reject);
          const broken = found.find((entry) => entry.error);
          if (broken) return reject(kafkaFault(broken.error, `${doing}, partition ${broken.partition}`));
          resolve(Object.fromEntries(found.map((entry) => [entry.partition, entry.offset])));
        },
      );
    });
  }

  return {
    describe,
    async list() {
      const client = openKafkajs(settings, 3).admin();
      try {
        await client.connect();
        // By Kafka's own convention; the binding does not tell which are internal.
        return (await client.listTopics()).filter((name) => !name.startsWith('__')).sort();
      } catch (error) {
        throw refusal(error, settings, 'listing topics');
      } finally {
        await client.disconnect();
      }
    },
    async settings(topic) {
      return readTopicSettings(settings, topic);
    },
    async ensure(topic, partitions) {
      if (!(await describe(topic))) await create(admin(), settings, topic, partitions);
      const deadline = performance.now() + LEADERS_PATIENCE_MS;
      for (;;) {
        try {
          const facts = await describe(topic);
          if (!facts) throw fault('KafkaUnavailable', `topic ${topic} was created but is not there yet`);
          await offsets(topic, facts.partitions, kafka.OffsetSpec.EARLIEST, 'first offsets');
          return facts;
        } catch (error) {
          if (performance.now() > deadline) throw kafkaFault(error, `waiting for the leaders of topic ${topic}`);
          await sleep(100);
        }
      }
    },
    highWatermarks: (topic, partitions) => offsets(topic, partitions, kafka.OffsetSpec.LATEST, 'high watermarks'),
    logStarts: (topic, partitions) => offsets(topic, partitions, kafka.OffsetSpec.EARLIEST, 'first offsets'),
    close() {
      opened?.disconnect();
      return Promise.resolve();
    },
  };
}

async function create(
  admin: kafka.IAdminClient,
  settings: KafkaSettings,
  topic: string,
  partitions: number,
): Promise<void> {
  const request: kafka.NewTopic = {
    topic,
    num_partitions: partitions,
    replication_factor: settings.replicationFactor ?? -1, // -1: the broker's default
    config: { 'cleanup.policy': 'delete', 'max.message.bytes': String(MAX_MESSAGE_BYTES) },
  };
  await new Promise<void>((resolve, reject) => {
    admin.createTopic(request, CALL_TIMEOUT_MS, (error: unknown) => {
      if (!error || readKafkaError(error).code === CODE.topicAlreadyExists) resolve();
      else reject(kafkaFault(error, `creating topic ${topic}`));
    });
  });
}

async function readTopicSettings(settings: KafkaSettings, topic: string): Promise<TopicSettings> {
  const client = openKafkajs(settings, 3).admin();
  try {
    await client.connect();
    const answer = await client.describeConfigs({
      includeSynonyms: false,
      resources: [{ type: kafkajs.ConfigResourceTypes.TOPIC, name: topic }],
    });
    const entries = answer.resources[0]?.configEntries ?? [];
    const value = (name: string) => entries.find((entry) => entry.configName === name)?.configValue;
    return {
      cleanupPolicy: value('cleanup.policy') ?? 'delete',
      retentionMs: Number(value('retention.ms') ?? -1),
      retentionBytes: Number(value('retention.bytes') ?? -1),
    };
  } catch (error) {
    throw refusal(error, settings, `reading the settings of topic ${topic}`);
  } finally {
    await client.disconnect();
  }
}

/**
 * As Kafka prints ids: 16 bytes in URL-safe base64 without padding (org.apache.kafka.common.Uuid). Made from the two
 * halves, because the binding names its text otherwise than its types say.
 */
function uuidText({ mostSignificantBits, leastSignificantBits }: kafka.Uuid): string {
  const bytes = Buffer.alloc(16);
  bytes.writeBigUInt64BE(BigInt.asUintN(64, mostSignificantBits), 0);
  bytes.writeBigUInt64BE(BigInt.asUintN(64, leastSignificantBits), 8);
  return bytes.toString('base64url');
}
