/**
 * Kafka's own speed tools, from Maven Central's jars: what its Java producer and consumer reach when they do nothing else.
 * Their figures are taken from what they print, which leaves the start of the JVM out.
 */
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { Kafka, logLevel } from 'kafkajs';
import { jars } from './jars.ts';

const VERSION = '4.1.1';
const PARTITIONS = 6;

export interface ToolInput {
  brokers: readonly string[];
  cache: string;
  topic: string;
  rows: number;
}

/**
 * The idempotent producer, as fast as it goes, into a new topic.
 * @param file messages, one a line, taken at random
 * @returns seconds
 */
export async function producerPerformance(input: ToolInput & { file: string }): Promise<number> {
  await makeTopic(input);
  const printed = await tool(input.cache, 'ProducerPerformance', [
    ...[
      '--topic',
      input.topic,
      '--num-records',
      String(input.rows),
      '--throughput',
      '-1',
      '--payload-file',
      input.file,
    ],
    ...['--producer-props', `bootstrap.servers=${input.brokers.join(',')}`, 'acks=all', 'compression.type=lz4'],
    ...['batch.size=262144', 'linger.ms=5', 'buffer.memory=67108864'],
  ]);
  const found = [...printed.matchAll(/records sent, ([\d.]+) records\/sec/g)].at(-1);
  if (!found) throw new Error(`ProducerPerformance printed no rate: ${printed}`);
  return input.rows / Number(found[1]);
}

/** Reads the topic once from its start. @returns seconds, without the time to join its group */
export async function consumerPerformance(input: ToolInput): Promise<number> {
  const printed = await tool(input.cache, 'ConsumerPerformance', [
    ...['--bootstrap-server', input.brokers.join(','), '--topic', input.topic, '--messages', String(input.rows)],
    ...['--fetch-size', String(8 * 1024 * 1024), '--timeout', '30000'],
  ]);
  // start.time, end.time, data.consumed.in.MB, MB.sec, data.consumed.in.nMsg, nMsg.sec, rebalance.time.ms, fetch.time.ms, …
  const figures = printed.trim().split('\n').at(-1)?.split(',').map(Number) ?? [];
  const [messages, fetchMs] = [figures[4], figures[7]];
  if (!messages || !fetchMs) throw new Error(`ConsumerPerformance printed no figures: ${printed}`);
  return (fetchMs / 1000) * (input.rows / messages);
}

async function makeTopic({ brokers, topic }: ToolInput): Promise<void> {
  const kafka = new Kafka({ brokers: [...brokers], logLevel: logLevel.ERROR });
  const admin = kafka.admin();
  await admin.connect();
  try {
    await admin.createTopics({ topics: [{ topic, numPartitions: PARTITIONS, replicationFactor: 1 }] });
  } finally {
    await admin.disconnect();
  }
}

async function tool(cache: string, name: string, args: readonly string[]): Promise<string> {
  const folder = await jars(`kafka-tools-${VERSION}`, cache, [
    `org.apache.kafka:kafka-tools:${VERSION}`,
    'org.slf4j:slf4j-nop:1.7.36',
  ]);
  const java = ['-cp', join(folder, '*'), `org.apache.kafka.tools.${name}`, ...args];
  return (await promisify(execFile)('java', java, { maxBuffer: 16 * 1024 * 1024 })).stdout;
}
