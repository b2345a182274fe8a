/**
 * Three brokers: leaders and coordinators move, by themselves and because their broker was killed, in the midst of transactions
 * and of a whole run. Each record of a transaction that a lane says is in is there once, and nothing of any other.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import type { LaneWriter, TopicReader } from '../../activities/ports/topic.ts';
import { isFault } from '../../contracts/errors.ts';
import { KAFKA_CLIENTS } from '../../contracts/settings.ts';
import { recordDetails } from '../../formats/record-batch-in.ts';
import { type KafkaClient, openKafka } from '../../workers/kafka-client.ts';
import { type BrokerCluster, type Node, NODES, startBrokerCluster } from '../connectors/broker-cluster.ts';
import { killAllWorkers, startWorkerProcess } from '../e2e/commands.ts';
import { expectExactlyOnce } from '../e2e/ends.ts';
import { newSales } from '../e2e/sales-pipeline.ts';
import { openServices, type Services } from '../e2e/services.ts';
import { required, unique } from '../replay/setting.ts';
import { delivered, expectMidway, finishRun, HOPS, startRun, tune, untilUnderWay } from './midway.ts';

const STACK_BROKERS = required('HEADRACE_KAFKA_BROKERS');
const PARTITIONS = 6;
const RECORDS = 300;
/** Far more than it takes. */
const HUNG_MS = 200_000;
let cluster: BrokerCluster;

beforeAll(async () => {
  cluster = await startBrokerCluster();
  process.env.HEADRACE_KAFKA_BROKERS = cluster.brokers.join(',');
});
afterAll(async () => {
  process.env.HEADRACE_KAFKA_BROKERS = STACK_BROKERS;
  await cluster.stop();
});

/** How far a test is. */
interface Seen {
  committed: number;
  doing: string;
  cluster: string;
  read: number;
  positions: string;
  failures: string[];
}

describe.each(KAFKA_CLIENTS)('%s', (name) => {
  /** librdkafka sends again where ours begins anew, so nobody hears of it. */
  const retriesItself = name === 'librdkafka';

  async function open(): Promise<KafkaClient> {
    const client = await openKafka({ brokers: [...cluster.brokers], client: name });
    onTestFinished(() => client.topics.close());
    return client;
  }

  /** Publishes transactions until there are so many, as a replay does: after any failure the lane is opened anew, and asked. */
  async function publish(client: KafkaClient, topic: string, wanted: number, seen: Seen): Promise<void> {
    const request = { topic, laneId: `${topic}/0`, replayId: 'r', schemaVersion: 'v1' };
    while (seen.committed < wanted) {
      let writer: LaneWriter | undefined;
      try {
        seen.doing = 'opening the lane';
        writer = await client.openLane(request);
        seen.doing = 'reading its progress';
        ({ seq: seen.committed } = await writer.committed());
        for (; seen.committed < wanted; seen.committed++) await transaction(writer, seen.committed + 1, seen);
      } catch (error) {
        if (!isFault(error) || !error.retry) throw error;
        seen.failures.push(error.message);
      } finally {
        seen.doing = 'closing the lane';
        await writer?.close();
      }
    }
    seen.doing = 'done';
  }

  /** A record says which transaction, and which of its records, it is; all partitions have some of each. */
  async function transaction(writer: LaneWriter, seq: number, seen: Seen): Promise<void> {
    seen.doing = `transaction ${seq}: sending`;
    await writer.begin();
    for (let i = 0; i < RECORDS; i++) {
      const key = Buffer.from(`${seq}/${i}`);
      while (!writer.send(i % PARTITIONS, key, Buffer.alloc(2_000, 'x'), 0)) await writer.drain();
    }
    seen.doing = `transaction ${seq}: committing`;
    await writer.commit(seq, '');
  }

  /** Reads from the beginning while they come. */
  async function readAll(reader: TopicReader, wanted: number, seen: Seen): Promise<string[]> {
    const found: string[] = [];
    while (found.length < wanted) {
      try {
        for (const record of await reader.read(1_000, 500)) found.push(String(recordDetails(record).key));
      } catch (error) {
        if (!isFault(error) || !error.retry) throw error;
        seen.failures.push(error.message);
      }
      Object.assign(seen, { read: found.length, positions: [...reader.positions()].join(' ') });
    }
    found.push(...(await reader.read(1_000, 2_000)).map((record) => String(recordDetails(record).key)));
    return found.sort();
  }

  const keys = (transactions: number): string[] =>
    Array.from({ length: transactions * RECORDS }, (_, i) => `${Math.floor(i / RECORDS) + 1}/${i % RECORDS}`).sort();

  async function publishAndRead(
    transactions: number,
    meanwhile: (topic: string, seen: Seen) => Promise<void>,
  ): Promise<number> {
    const client = await open();
    const topic = unique('cluster');
    await client.topics.ensure(topic, PARTITIONS);
    const from = new Map(Array.from({ length: PARTITIONS }, (_, partition) => [partition, 0]));
    const reader = await client.openReader({ topic, group: topic, from });
    const seen: Seen = { committed: 0, doing: '', cluster: '', read: 0, positions: '', failures: [] };
    // Said when it hangs, for a second try hides the first one's error.
    const hung = setTimeout(() => process.stderr.write(`it hangs: ${JSON.stringify(seen)}\n`), HUNG_MS);
    try {
      const wanted = transactions * RECORDS;
      const publishing = publish(client, topic, transactions, seen);
      const [, found] = await Promise.all([publishing, readAll(reader, wanted, seen), meanwhile(topic, seen)]);
      expect(found).toEqual(keys(transactions));
      return seen.failures.length;
    } finally {
      clearTimeout(hung);
      await reader.close();
    }
  }

  test('leaders that move from broker to broker: a request finds some of its partitions gone', async () => {
    const failures = await publishAndRead(150, async (topic) => {
      for (let round = 0; round < 6; round++) {
        // Two of three hold each partition, other ones each time: half of the leaders have to go.
        const partitionAssignment = Array.from({ length: PARTITIONS }, (_, partition) => ({
          partition,
          replicas: [0, 1].map((i) => NODES[(partition + round + i) % NODES.length] as Node),
        }));
        await cluster.admin.alterPartitionReassignments({ topics: [{ topic, partitionAssignment }] });
        await sleep(700);
      }
    });
    if (!retriesItself) expect(failures, 'transactions that met a leader on the move').toBeGreaterThan(0);
  }, 180_000);

  test('each broker killed in turn, with its leaders and coordinators', async () => {
    const failures = await publishAndRead(250, async (_topic, seen) => {
      for (const node of NODES) {
        await sleep(500);
        seen.cluster = `killing broker ${node}`;
        await cluster.kill(node);
        await sleep(1_000);
        seen.cluster = `starting broker ${node}`;
        await cluster.start(node);
        seen.cluster = `started broker ${node}`;
      }
    });
    if (!retriesItself) expect(failures, 'transactions that a kill met').toBeGreaterThan(0);
  }, 300_000);
});

describe('a whole run', () => {
  const ROWS = 60_000;
  let services: Services;
  beforeAll(async () => {
    services = await openServices();
  });
  afterAll(async () => {
    await killAllWorkers();
    await services.close();
  });

  test('each broker killed in turn: the run goes on with those that are left, and nothing differs', async () => {
    const worker = await startWorkerProcess();
    const changes = { chunkRows: 2_500, partitions: PARTITIONS, rotate: { records: 1_000, age: '500ms' } };
    const run = { pipeline: await newSales(services, ROWS, changes), replayId: unique('r'), rows: ROWS };
    await startRun(services, run, 1_000);
    await Promise.all(HOPS.map((hop) => untilUnderWay(services, run, hop, worker.pid, 0, 60)));
    for (const node of NODES) {
      await cluster.kill(node);
      const before = await delivered(services, run, 'load');
      // With two of three there, all hops go on before the third is back.
      await untilUnderWay(services, run, 'load', worker.pid, before, 60);
      await cluster.start(node);
    }
    for (const hop of HOPS) await expectMidway(services, run, hop);
    await tune(services, run, null);
    await finishRun(services, run);
    await expectExactlyOnce(services, run.pipeline);
    expect(worker.pid).toSatisfy((pid: number) => process.kill(pid, 0));
  }, 300_000);
});
