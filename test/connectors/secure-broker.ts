/**
 * One more Kafka broker, with what the stack's has not: SASL, TLS, ACLs. It listens on free ports of 127.0.0.1 only.
 *
 * Brokers talk to themselves, and tests administer, through a listener in plain text whose (anonymous) user may do
 * everything; all other users may do what ACLs grant them, or, named in `supers`, everything.
 */
import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { choosePorts } from '../../stack/ports.ts';
import { internalTopics } from '../../stack/services/kafka.ts';
import { formatBroker, launchBroker, untilReady } from './broker-process.ts';
import type { Certificate } from './certificates.ts';

export interface SecureBrokerOptions {
  /** Signs in with PLAIN: password by name. Java's JAAS syntax has no way to quote a name, so plain letters only. */
  plain: Readonly<Record<string, string>>;
  /** With SCRAM-SHA-256 and SCRAM-SHA-512. Kafka's own tool salts the passwords; it takes no commas. */
  scram: Readonly<Record<string, string>>;
  /** Principals such as `User:name` that need no ACLs. */
  supers: readonly string[];
  server: Certificate;
  /** Whom the broker trusts, PEM. */
  authority: string;
}

export interface SecureBroker {
  /** Addresses. */
  internal: string;
  sasl: string;
  saslTls: string;
  /** Wants a client's certificate. */
  tls: string;
  stop(): Promise<void>;
}

/** Fewer than the stack's 8: readiness asks each. */
const INTERNAL_PARTITIONS = 2;

export async function startSecureBroker(options: SecureBrokerOptions): Promise<SecureBroker> {
  const ports = await choosePorts(['internal', 'controller', 'sasl', 'saslTls', 'tls']);
  const folder = mkdtempSync(join(tmpdir(), 'headrace-secure-kafka-'));
  const properties = join(folder, 'server.properties');
  const log = join(folder, 'log');
  writeFileSync(properties, escaped(serverProperties(options, folder, ports)));
  const users = Object.entries(options.scram).flatMap(([name, password]) =>
    ['SCRAM-SHA-256', 'SCRAM-SHA-512'].flatMap((mechanism) => [
      '--add-scram',
      `${mechanism}=[name="${name}",password="${password}"]`,
    ]),
  );
  const files = { properties, log };
  await formatBroker(files, ['--standalone', '--cluster-id', randomBytes(16).toString('base64url'), ...users]);
  const broker = await launchBroker(files);
  // Nothing of it is kept, so nothing is gained by an orderly end, which takes seconds.
  const stop = async (): Promise<void> => {
    await broker.kill();
    rmSync(folder, { recursive: true, force: true, maxRetries: 5 });
  };
  const at = (port: number): string => `127.0.0.1:${port}`;
  try {
    await untilReady(broker, files, at(ports.internal), INTERNAL_PARTITIONS);
  } catch (error) {
    await stop();
    throw error;
  }
  return { internal: at(ports.internal), sasl: at(ports.sasl), saslTls: at(ports.saslTls), tls: at(ports.tls), stop };
}

type Ports = Record<'internal' | 'controller' | 'sasl' | 'saslTls' | 'tls', number>;

function serverProperties(
  { plain, supers, server, authority }: SecureBrokerOptions,
  data: string,
  ports: Ports,
): string {
  const at = (port: number): string => `127.0.0.1:${port}`;
  const [named] = Object.entries(plain);
  if (!named) throw new Error('a broker with PLAIN needs a user');
  const users = Object.entries(plain).map(([user, password]) => `user_${user}="${password}"`);
  const jaas = `org.apache.kafka.common.security.plain.PlainLoginModule required ${users.join(' ')};`;
  const scram = 'org.apache.kafka.common.security.scram.ScramLoginModule required;';
  const listeners = [
    `INTERNAL://${at(ports.internal)}`,
    `SASL://${at(ports.sasl)}`,
    `SASLTLS://${at(ports.saslTls)}`,
    `TLS://${at(ports.tls)}`,
  ].join(',');
  return `process.roles=broker,controller
node.id=1
controller.quorum.bootstrap.servers=${at(ports.controller)}
listeners=${listeners},CONTROLLER://${at(ports.controller)}
advertised.listeners=${listeners}
controller.listener.names=CONTROLLER
inter.broker.listener.name=INTERNAL
listener.security.protocol.map=INTERNAL:PLAINTEXT,CONTROLLER:PLAINTEXT,SASL:SASL_PLAINTEXT,SASLTLS:SASL_SSL,TLS:SSL
listener.name.sasl.sasl.enabled.mechanisms=PLAIN,SCRAM-SHA-256,SCRAM-SHA-512
listener.name.sasl.plain.sasl.jaas.config=${jaas}
listener.name.sasl.scram-sha-256.sasl.jaas.config=${scram}
listener.name.sasl.scram-sha-512.sasl.jaas.config=${scram}
listener.name.sasltls.sasl.enabled.mechanisms=SCRAM-SHA-256,SCRAM-SHA-512
listener.name.sasltls.scram-sha-256.sasl.jaas.config=${scram}
listener.name.sasltls.scram-sha-512.sasl.jaas.config=${scram}
listener.name.tls.ssl.client.auth=required
ssl.keystore.type=PEM
ssl.keystore.certificate.chain=${server.cert.replaceAll('\n', '\\n')}
ssl.keystore.key=${server.key.replaceAll('\n', '\\n')}
ssl.truststore.type=PEM
ssl.truststore.certificates=${authority.replaceAll('\n', '\\n')}
authorizer.class.name=org.apache.kafka.metadata.authorizer.StandardAuthorizer
super.users=${['User:ANONYMOUS', ...supers].join(';')}
log.dirs=${join(data, 'data')}
auto.create.topics.enable=false
num.network.threads=2
num.io.threads=2
default.replication.factor=1
${internalTopics(INTERNAL_PARTITIONS, 1)}
`;
}

/** Java reads property files as Latin-1 with escapes. */
const escaped = (text: string): string =>
  text.replace(/[^\0-\x7f]/g, (letter) =>
    Array.from({ length: letter.length }, (_, i) => `\\u${letter.charCodeAt(i).toString(16).padStart(4, '0')}`).join(
      '',
    ),
  );
