/**
 * The requests about brokers, topics and offsets. Each function's answer is what we use of the real one.
 */
import { APIS } from './apis.ts';
import type { KafkaRequest } from './connection.ts';

export interface BrokerAddress {
  id: number;
  host: string;
  port: number;
}

export interface TopicMetadata {
  error: number;
  name: string;
  /** Kafka's own, such as that of group offsets. */
  internal: boolean;
  /** 16 bytes in URL-safe base64, as Kafka's tools print ids. */
  topicId: string;
  /** By partition: broker id, -1 where there is none at the moment. */
  leaders: Map<number, number>;
}

export interface Metadata {
  brokers: BrokerAddress[];
  controller: number;
  topics: TopicMetadata[];
}

const NO_ID = Buffer.alloc(16);

/** @param topics names; none for the brokers alone; null for all topics */
export const metadata = (topics: readonly string[] | null): KafkaRequest<Metadata> => ({
  ...APIS.metadata,
  write(out) {
    out.compactArray(topics, (name) => {
      out.uuid(NO_ID);
      out.compactString(name);
      out.tags();
    });
    out.bool(false); // create topics
    out.bool(false);
    out.bool(false);
    out.tags();
  },
  read(input) {
    input.int32();
    const brokers = input.compactArray(() => {
      const broker = { id: input.int32(), host: input.compactString() ?? '', port: input.int32() };
      input.compactString(); // rack
      input.tags();
      return broker;
    });
    input.compactString(); // cluster id
    const controller = input.int32();
    const found = input.compactArray(() => {
      const error = input.int16();
      const name = input.compactString() ?? '';
      const topicId = input.uuid().toString('base64url');
      const internal = input.bool();
      const leaders = new Map<number, number>();
      input.compactArray(() => {
        input.int16(); // a partition without a leader is told by the leader's -1
        leaders.set(input.int32(), input.int32());
        input.int32();
        for (let list = 0; list < 3; list++) input.compactArray(() => input.int32());
        input.tags();
      });
      input.int32();
      input.tags();
      return { error, name, internal, topicId, leaders };
    });
    return { brokers, controller, topics: found };
  },
});

export interface PartitionOffset {
  partition: number;
  error: number;
  offset: number;
}

/** @param at -1: the end (of all records, committed or not), -2: the first offset still there */
export const listOffsets = (
  topic: string,
  partitions: readonly number[],
  at: -1 | -2,
): KafkaRequest<PartitionOffset[]> => ({
  ...APIS.listOffsets,
  write(out) {
    out.int32(-1);
    out.int8(0); // read_uncommitted
    out.array([topic], (name) => {
      out.string(name);
      out.array(partitions, (partition) => {
        out.int32(partition);
        out.int32(-1);
        out.int64(at);
      });
    });
  },
  read(input) {
    input.int32();
    const topics = input.array(() => {
      input.string();
      return input.array(() => {
        const [partition, error] = [input.int32(), input.int16()];
        input.bigint(); // timestamp
        const offset = input.int64();
        input.int32();
        return { partition, error, offset };
      });
    });
    return topics.flat();
  },
});

/** Of one topic. */
export const createTopic = (
  topic: string,
  partitions: number,
  replication: number,
  settings: Readonly<Record<string, string>>,
): KafkaRequest<{ error: number; message: string | null }> => ({
  ...APIS.createTopic,
  write(out) {
    out.array([topic], (name) => {
      out.string(name);
      out.int32(partitions);
      out.int16(replication);
      out.array([], () => undefined);
      out.array(Object.entries(settings), ([key, value]) => {
        out.string(key);
        out.string(value);
      });
    });
    out.int32(10_000);
    out.bool(false);
  },
  read(input) {
    input.int32();
    const answers = input.array(() => {
      input.string();
      return { error: input.int16(), message: input.string() };
    });
    return answers[0] ?? { error: -1, message: 'no answer about the topic' };
  },
});

export const describeTopicSettings = (
  topic: string,
  names: readonly string[],
): KafkaRequest<{ error: number; message: string | null; settings: Map<string, string> }> => ({
  ...APIS.describeConfigs,
  write(out) {
    out.array([topic], (name) => {
      out.int8(2); // a topic
      out.string(name);
      out.array(names, (setting) => out.string(setting));
    });
    out.bool(false);
  },
  read(input) {
    input.int32();
    const answers = input.array(() => {
      const [error, message] = [input.int16(), input.string()];
      input.int8();
      input.string();
      const settings = new Map<string, string>();
      input.array(() => {
        const [name, value] = [input.string(), input.string()];
        if (name !== null && value !== null) settings.set(name, value);
        input.bool();
        input.int8();
        input.bool();
        input.array(() => {
          input.string();
          input.string();
          input.int8();
        });
      });
      return { error, message, settings };
    });
    return answers[0] ?? { error: -1, message: 'no answer about the topic', settings: new Map<string, string>() };
  },
});

/** What the broker speaks: the lowest and highest version of each request. */
export const apiVersions = (): KafkaRequest<{
  error: number;
  versions: Map<number, { low: number; high: number }>;
}> => ({
  ...APIS.apiVersions,
  write: () => undefined,
  read(input) {
    const error = input.int16();
    const ranges = input.array(() => [input.int16(), { low: input.int16(), high: input.int16() }] as const);
    return { error, versions: new Map(ranges) };
  },
});
