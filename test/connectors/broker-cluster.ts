/**
 * Three Kafka brokers that hold each partition twice or three times, on free ports of 127.0.0.1: what one broker cannot show,
 * leaders and coordinators that move. A write needs two of them; each is broker and controller.
 */
import { type Admin, Kafka, logLevel } from 'kafkajs';
import { randomBytes } from 'node:crypto';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { choosePorts } from '../../stack/ports.ts';
import { internalTopics } from '../../stack/services/kafka.ts';
import { eventually } from '../e2e/services.ts';
import { type BrokerFiles, type BrokerProcess, formatBroker, launchBroker, untilReady } from './broker-process.ts';

export const NODES = [1, 2, 3] as const;
export type Node = (typeof NODES)[number];

export interface BrokerCluster {
  /** host:port of each. */
  brokers: readonly string[];
  admin: Admin;
  /** SIGKILL. */
  kill(node: Node): Promise<void>;
  /** Resolves when it has caught up with all that it holds. */
  start(node: Node): Promise<void>;
  stop(): Promise<void>;
}

const INTERNAL_PARTITIONS = 3;
const CAUGHT_UP_SECONDS = 60;

export async function startBrokerCluster(): Promise<BrokerCluster> {
  const ports = await choosePorts(['1', '2', '3', 'c1', 'c2', 'c3']);
  const folder = mkdtempSync(join(tmpdir(), 'headrace-brokers-'));
  const clusterId = randomBytes(16).toString('base64url');
  const files = new Map<Node, BrokerFiles>();
  const running = new Map<Node, BrokerProcess>();
  const address = (node: Node): string => `127.0.0.1:${ports[`${node}`]}`;
  const brokers = NODES.map(address);

  for (const node of NODES) {
    const home = join(folder, `${node}`);
    mkdirSync(home);
    const properties = join(home, 'server.properties');
    writeFileSync(properties, serverProperties(node, home, ports));
    files.set(node, { properties, log: join(home, 'log') });
  }
  const filesOf = (node: Node): BrokerFiles => files.get(node) as BrokerFiles;
  const admin = new Kafka({ brokers, logLevel: logLevel.NOTHING }).admin();
  const cluster: BrokerCluster = {
    brokers,
    admin,
    async kill(node) {
      await running.get(node)?.kill();
      running.delete(node);
    },
    async start(node) {
      const broker = await launchBroker(filesOf(node));
      running.set(node, broker);
      await untilReady(broker, filesOf(node), address(node), INTERNAL_PARTITIONS);
      await eventually(`broker ${node} has caught up`, CAUGHT_UP_SECONDS, async () => {
        const { topics } = await admin.fetchTopicMetadata({ topics: [] });
        const all = topics.flatMap(({ partitions }) => partitions);
        return all.every(({ isr, replicas, leader }) => leader > 0 && isr.length === replicas.length) || undefined;
      });
    },
    async stop() {
      await admin.disconnect();
      await Promise.all([...running.values()].map((broker) => broker.kill()));
      rmSync(folder, { recursive: true, force: true, maxRetries: 5 });
    },
  };
  try {
    await Promise.all(NODES.map((node) => formatBroker(filesOf(node), ['--cluster-id', clusterId])));
    // Together: one alone has no quorum, and makes no internal topic.
    for (const node of NODES) running.set(node, await launchBroker(filesOf(node)));
    for (const node of NODES) {
      await untilReady(running.get(node) as BrokerProcess, filesOf(node), address(node), INTERNAL_PARTITIONS);
    }
    await admin.connect();
  } catch (error) {
    await cluster.stop();
    throw error;
  }
  return cluster;
}

/** A broker that was killed is missed after 3 s, not 9. */
function serverProperties(node: Node, home: string, ports: Readonly<Record<string, number>>): string {
  const at = (port: number | undefined): string => `127.0.0.1:${port}`;
  const voters = NODES.map((each) => `${each}@${at(ports[`c${each}`])}`).join(',');
  return `process.roles=broker,controller
node.id=${node}
controller.quorum.voters=${voters}
listeners=PLAINTEXT://${at(ports[`${node}`])},CONTROLLER://${at(ports[`c${node}`])}
advertised.listeners=PLAINTEXT://${at(ports[`${node}`])}
controller.listener.names=CONTROLLER
listener.security.protocol.map=PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT
log.dirs=${join(home, 'data')}
auto.create.topics.enable=false
broker.session.timeout.ms=3000
broker.heartbeat.interval.ms=500
replica.lag.time.max.ms=3000
unclean.leader.election.enable=false
num.network.threads=2
num.io.threads=2
default.replication.factor=3
min.insync.replicas=2
${internalTopics(INTERNAL_PARTITIONS, NODES.length)}
group.initial.rebalance.delay.ms=0
`;
}
