/**
 * PostgreSQL to Kafka by Debezium's snapshot, in Kafka Connect standalone. `initial_only` takes the snapshot and ends: no slot, so
 * the server's wal_level can stay. Fast and fair: JSON without schemas, the row alone (as Headrace's records; the envelope
 * has twice the bytes), two snapshot threads (the table in chunks), batches and queue ten times the default, and the
 * producer's settings that Headrace has (acks=all, lz4, batches of 256 KiB).
 * The clock runs from the last look at the topic that saw no record to the first that saw all (a look every 20 ms), so
 * the start of the JVM, of Connect and of the snapshot are outside.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Kafka, logLevel } from 'kafkajs';
import { tailOf } from '../../stack/log-tail.ts';
import { jars } from '../jars.ts';
import { TABLES } from '../shapes.ts';
import type { Peer, PeerInput, PeerResult } from './peer.ts';

const VERSION = '3.7.0.Final';
const KAFKA_VERSION = '4.1.1';
const PARTITIONS = 6;
const LOOK_MS = 20;
/** Without a further record for so long it has failed, whether it says so or not. */
const SILENCE_MS = 120_000;
const PREFIX = 'debezium';

export const debezium: Peer = {
  name: 'debezium',
  title: 'Debezium 3.7, snapshot',
  hop: 'replay',
  promises: 'at least once: a crash starts the snapshot again',
  async run(input) {
    const { stack, folder } = input;
    const folderOfJars = await jars(`debezium-${VERSION}`, stack.cache, [
      `org.apache.kafka:connect-runtime:${KAFKA_VERSION}`,
      `org.apache.kafka:connect-json:${KAFKA_VERSION}`,
      `io.debezium:debezium-connector-postgres:${VERSION}`,
      'org.slf4j:slf4j-simple:1.7.36',
    ]);
    const [worker, connector, log] = [
      join(folder, 'worker.properties'),
      join(folder, 'connector.properties'),
      join(folder, 'connect.log'),
    ];
    writeFileSync(worker, properties(workerSettings(input)));
    writeFileSync(connector, properties(connectorSettings(input)), { mode: 0o600 });
    const kafka = new Kafka({ brokers: stack.info.kafka.brokers, logLevel: logLevel.ERROR });
    const admin = kafka.admin();
    await admin.connect();
    const output = openSync(log, 'a');
    const main = ['org.apache.kafka.connect.cli.ConnectStandalone', worker, connector];
    const child = spawn('java', ['-Xmx1g', '-cp', join(folderOfJars, '*'), ...main], {
      stdio: ['ignore', output, output],
    });
    const ended = once(child, 'exit');
    try {
      const topic = `${PREFIX}.${TABLES.sales}`;
      await admin.createTopics({ topics: [{ topic, numPartitions: PARTITIONS, replicationFactor: 1 }] });
      const records = async (): Promise<number> =>
        (await admin.fetchTopicOffsets(topic)).reduce((sum, { high, low }) => sum + Number(high) - Number(low), 0);
      const failed = (): boolean => child.exitCode !== null || child.signalCode !== null;
      return await firstToLast(records, input.rows, failed);
    } catch (error) {
      throw new Error(`${error instanceof Error ? error.message : String(error)}\n${tailOf(log)}`, { cause: error });
    } finally {
      child.kill('SIGTERM');
      await ended;
      closeSync(output);
      await admin.disconnect();
    }
  },
};

/** @throws Error if the process ended or no record came for long */
async function firstToLast(records: () => Promise<number>, rows: number, failed: () => boolean): Promise<PeerResult> {
  let [began, seen, heard] = [performance.now(), 0, performance.now()];
  for (;;) {
    const looked = performance.now();
    const arrived = await records();
    if (arrived === 0) began = looked;
    if (arrived >= rows) return { arrived, seconds: (performance.now() - began) / 1000 };
    if (arrived > seen) [seen, heard] = [arrived, looked];
    if (failed()) throw new Error(`Kafka Connect ended with ${arrived} records in the topic`);
    if (looked - heard > SILENCE_MS) throw new Error(`no record for ${SILENCE_MS / 1000} s after ${arrived}`);
    await sleep(LOOK_MS);
  }
}

function workerSettings({ stack, folder }: PeerInput): Readonly<Record<string, string>> {
  return {
    'bootstrap.servers': stack.info.kafka.brokers.join(','),
    listeners: 'http://127.0.0.1:0',
    'key.converter': 'org.apache.kafka.connect.json.JsonConverter',
    'key.converter.schemas.enable': 'false',
    'value.converter': 'org.apache.kafka.connect.json.JsonConverter',
    'value.converter.schemas.enable': 'false',
    'offset.storage.file.filename': join(folder, 'offsets'),
    'plugin.discovery': 'hybrid_warn',
    'producer.acks': 'all',
    'producer.compression.type': 'lz4',
    'producer.batch.size': '262144',
    'producer.linger.ms': '5',
    'producer.buffer.memory': '67108864',
  };
}

function connectorSettings({ stack }: PeerInput): Readonly<Record<string, string>> {
  const url = new URL(stack.info.postgres.sales);
  return {
    name: 'debezium',
    'connector.class': 'io.debezium.connector.postgresql.PostgresConnector',
    'tasks.max': '1',
    'database.hostname': url.hostname,
    'database.port': url.port,
    'database.user': decodeURIComponent(url.username),
    'database.password': decodeURIComponent(url.password),
    'database.dbname': url.pathname.slice(1),
    'topic.prefix': PREFIX,
    'table.include.list': TABLES.sales,
    'plugin.name': 'pgoutput',
    'snapshot.mode': 'initial_only',
    'snapshot.max.threads': '2',
    'snapshot.fetch.size': '20000',
    'max.batch.size': '20480',
    'max.queue.size': '81920',
    'poll.interval.ms': '10',
    'decimal.handling.mode': 'string',
    transforms: 'unwrap',
    'transforms.unwrap.type': 'io.debezium.transforms.ExtractNewRecordState',
  };
}

/** A backslash is the one character of a value that Java's format changes. */
function properties(settings: Readonly<Record<string, string>>): string {
  return Object.entries(settings)
    .map(([name, value]) => `${name}=${value.replaceAll('\\', '\\\\')}\n`)
    .join('');
}
