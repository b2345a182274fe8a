/**
 * Apache Kafka, one KRaft node that is broker and controller, from Maven Central's jars on Java 17.
 * Small (768 MiB of heap, 8 partitions for each internal topic) but with the semantics of a real one: topics are not
 * made by accident, and transactions and group offsets work from the moment `up` returns.
 */
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { artifact } from '../artifacts.ts';
import { runCommand } from '../run-command.ts';
import type { Service } from '../service.ts';
import { logFileOf, type StackStateFile } from '../state.ts';
import { brokerAnswers, coordinatorsAnswer } from './kafka-readiness.ts';

const VERSION = '4.1.1';
/** Kafka's jars log through SLF4J 1.7 and bring Log4j 2.24 without the bridge between the two. */
const LOG4J_VERSION = '2.24.3';
const KEY = `kafka-${VERSION}-log4j-${LOG4J_VERSION}`;
/** Any 16 bytes in base64url will do; fixed, since one home holds one cluster. */
const CLUSTER_ID = 'SGVhZHJhY2VMb2NhbEthZg';
/** The defaults are 50 each: 100 folders and a second of start-up for one laptop's handful of groups. */
export const INTERNAL_PARTITIONS = 8;

const bootstrapOf = (state: StackStateFile): string => `127.0.0.1:${state.ports.kafka}`;

export const kafka: Service = {
  name: 'kafka',
  title: 'kafka',
  startTimeoutMs: 120_000,
  stopSignal: 'SIGTERM',
  stopGraceMs: 20_000,
  ports: ({ ports }) => [ports.kafka, ports.kafkaController],
  needs: (cache) => (existsSync(join(cache, KEY)) ? ['java'] : ['java', 'mvn']),

  async prepare({ home, cache, state, signal, say }) {
    const jars = await kafkaJars(cache, signal, (detail) => say('building', detail));
    const folder = join(home, 'kafka');
    const properties = join(folder, 'server.properties');
    mkdirSync(folder, { recursive: true });
    writeFileSync(properties, serverProperties(home, state));
    writeFileSync(join(folder, 'log4j2.properties'), LOG4J);
    const java = ['-cp', join(jars, '*'), `-Dlog4j2.configurationFile=${join(folder, 'log4j2.properties')}`];
    if (!existsSync(join(folder, 'data', 'meta.properties'))) {
      say('starting', 'formatting its storage');
      await runCommand(
        'java',
        [
          '-Xmx256m',
          '-XX:TieredStopAtLevel=1',
          ...java,
          'kafka.tools.StorageTool',
          'format',
          '--ignore-formatted',
        ].concat(['--cluster-id', CLUSTER_ID, '--config', properties]),
        { log: logFileOf(home, 'kafka'), signal, remedy: 'Kafka needs Java 17 or later' },
      );
    }
    // The first compiler only: a broker that lives for a demo or a test run spends more on the second one (2.1 s of
    // processor time) than it ever gets back (3.9 s against 2.1 s for the first million rows).
    const heap = ['-Xms256m', '-Xmx768m', '-XX:+UseG1GC', '-XX:MaxGCPauseMillis=20', '-XX:TieredStopAtLevel=1'];
    const args = [...heap, '-Djava.awt.headless=true', ...java, 'kafka.Kafka', properties];
    return { command: 'java', args };
  },

  async ready({ state }) {
    await coordinatorsAnswer(bootstrapOf(state), INTERNAL_PARTITIONS);
  },

  async healthy({ state }) {
    await brokerAnswers(bootstrapOf(state));
  },
};

/**
 * The folder with the broker's jars, downloaded if it is not there.
 * @param say hears what is waited for
 */
export function kafkaJars(
  cache: string,
  signal?: AbortSignal,
  say: (detail: string) => void = () => undefined,
): Promise<string> {
  const onWait = (pid: number): void => say(`process ${pid} is downloading it`);
  return artifact(KEY, { cache, signal, onWait }, async (building) => {
    say(`downloading Apache Kafka ${VERSION} (43 MB, once)`);
    writeFileSync(join(building, 'pom.xml'), POM);
    const copy = ['--quiet', '--batch-mode', 'dependency:copy-dependencies', '-DincludeScope=runtime'];
    await runCommand('mvn', [...copy, `-DoutputDirectory=${building}`], {
      cwd: building,
      log: join(cache, 'logs', 'kafka.log'),
      signal,
      remedy: 'Maven needs a way to Maven Central (or a mirror in ~/.m2/settings.xml)',
    });
  });
}

const POM = `<project xmlns="http://maven.apache.org/POM/4.0.0">
  <modelVersion>4.0.0</modelVersion>
  <groupId>headrace</groupId><artifactId>kafka</artifactId><version>1</version>
  <dependencies>
    <dependency><groupId>org.apache.kafka</groupId><artifactId>kafka_2.13</artifactId><version>${VERSION}</version></dependency>
    <dependency><groupId>org.apache.logging.log4j</groupId><artifactId>log4j-slf4j-impl</artifactId><version>${LOG4J_VERSION}</version></dependency>
  </dependencies>
</project>
`;

function serverProperties(home: string, { ports }: StackStateFile): string {
  return `# Written by headrace up.
process.roles=broker,controller
node.id=1
controller.quorum.voters=1@127.0.0.1:${ports.kafkaController}
listeners=PLAINTEXT://127.0.0.1:${ports.kafka},CONTROLLER://127.0.0.1:${ports.kafkaController}
advertised.listeners=PLAINTEXT://127.0.0.1:${ports.kafka}
controller.listener.names=CONTROLLER
listener.security.protocol.map=PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT
log.dirs=${join(home, 'kafka', 'data').replaceAll('\\', '\\\\')}
auto.create.topics.enable=false
default.replication.factor=1
${internalTopics(INTERNAL_PARTITIONS, 1)}
group.initial.rebalance.delay.ms=0
`;
}

/**
 * server.properties of the topics in which Kafka keeps offsets and transactions.
 * @param replicas brokers that hold each; all but one must have a write, or the one there is
 */
export function internalTopics(partitions: number, replicas: number): string {
  const inSync = Math.max(1, replicas - 1);
  return `offsets.topic.replication.factor=${replicas}
offsets.topic.num.partitions=${partitions}
transaction.state.log.replication.factor=${replicas}
transaction.state.log.min.isr=${inSync}
transaction.state.log.num.partitions=${partitions}
share.coordinator.state.topic.replication.factor=${replicas}
share.coordinator.state.topic.min.isr=${inSync}
share.coordinator.state.topic.num.partitions=1`;
}

const LOG4J = `rootLogger.level=warn
rootLogger.appenderRef.stdout.ref=STDOUT
appender.stdout.type=Console
appender.stdout.name=STDOUT
appender.stdout.layout.type=PatternLayout
appender.stdout.layout.pattern=[%d] %p %m (%c)%n
logger.server.name=kafka.server.KafkaRaftServer
logger.server.level=info
`;
