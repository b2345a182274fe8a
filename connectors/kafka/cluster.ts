/**
 * A cluster as one client sees it: metadata, and a connection a broker, opened at first use and again after it ended. Reads
 * (metadata, offsets, coordinators) are repeated for a while when brokers start or leaders move; nothing else is.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { fault, isFault, messageOf } from '../../contracts/errors.ts';
import type { KafkaSettings } from '../../contracts/settings.ts';
import { type Connection, type KafkaRequest, openConnection } from './connection.ts';
import { COORDINATOR_BUSY, kafkaFault, NONE, UNKNOWN_TOPIC_OR_PARTITION } from './error-codes.ts';
import { type CoordinatorOf, findCoordinator } from './offset-requests.ts';
import { type BrokerAddress, metadata, type TopicMetadata } from './requests.ts';

export interface Cluster {
  /** Null where there is no such topic. */
  topic(name: string): Promise<TopicMetadata | null>;
  /** Names of all topics but Kafka's own, sorted. */
  topics(): Promise<string[]>;
  /** A connection to a broker of the last metadata. */
  broker(id: number): Promise<Connection>;
  controller: () => Promise<Connection>;
  coordinator(of: CoordinatorOf, key: string): Promise<Connection>;
  /** Asks until the answer has no error that passes by itself. */
  ask<T extends { error: number }>(doing: string, to: () => Promise<Connection>, request: KafkaRequest<T>): Promise<T>;
  close(): void;
}

/** How long errors that pass by themselves (a broker that starts, a coordinator that moves) are sat out within one call. */
const PATIENCE_MS = 60_000;
const FIRST_PAUSE_MS = 20;
const MOST_PAUSE_MS = 500;

export function openCluster(settings: KafkaSettings): Cluster {
  const connections = new Map<string, Promise<Connection>>();
  const closing = new AbortController();
  let brokers = new Map<number, BrokerAddress>();
  let controllerId = -1;
  /** Asked for once, not before each of a transaction's requests; forgotten as soon as anything looks odd. */
  const coordinators = new Map<string, BrokerAddress>();

  /** One connection an address; a failed or ended one is made anew by the next who wants it. */
  async function connect(host: string, port: number): Promise<Connection> {
    if (closing.signal.aborted) throw fault('KafkaUnavailable', `Kafka at ${host}:${port}: this client was closed`);
    const name = `${host}:${port}`;
    const known = connections.get(name);
    if (known) {
      const connection = await known.catch(() => null);
      if (connection?.open()) return connection;
      if (connections.get(name) === known) connections.delete(name);
      return connect(host, port);
    }
    const opening = openConnection(settings, host, port, closing.signal);
    connections.set(name, opening);
    opening.catch(() => connections.delete(name));
    return opening;
  }

  /** Any broker: those that are connected first, then those known, then those configured. */
  async function anyBroker(): Promise<Connection> {
    for (const known of connections.values()) {
      const connection = await known.catch(() => null);
      if (connection?.open()) return connection;
    }
    const configured = settings.brokers.map(parseAddress);
    const failures: unknown[] = [];
    for (const { host, port } of [...brokers.values(), ...configured]) {
      try {
        return await connect(host, port);
      } catch (error) {
        if (isFault(error) && !error.retry) throw error;
        failures.push(error);
      }
    }
    throw fault(
      'KafkaUnavailable',
      `no Kafka broker answers (${settings.brokers.join(', ')}): ${messageOf(failures.at(-1))}`,
      failures.at(-1),
    );
  }

  async function refresh(topics: readonly string[] | null): Promise<TopicMetadata[]> {
    const found = await (await anyBroker()).send(metadata(topics));
    brokers = new Map(found.brokers.map((broker) => [broker.id, broker]));
    controllerId = found.controller;
    return found.topics;
  }

  async function broker(id: number): Promise<Connection> {
    const address = brokers.get(id);
    if (!address) throw fault('KafkaUnavailable', `broker ${id} is not among the cluster's at the moment`);
    return connect(address.host, address.port);
  }

  async function ask<T extends { error: number }>(
    doing: string,
    to: () => Promise<Connection>,
    request: KafkaRequest<T>,
  ): Promise<T> {
    return persist(async () => {
      const answer = await to()
        .then((connection) => connection.send(request))
        .catch((error: unknown) => {
          coordinators.clear();
          throw error;
        });
      if (answer.error === NONE) return { done: answer };
      coordinators.clear();
      const again = COORDINATOR_BUSY.includes(answer.error);
      return { error: kafkaFault(answer.error, doing), again };
    });
  }

  return {
    async topic(name) {
      const [found] = await refresh([name]);
      if (!found || found.error === UNKNOWN_TOPIC_OR_PARTITION) return null;
      if (found.error === NONE) return found;
      throw kafkaFault(found.error, `describing topic ${name}`);
    },
    async topics() {
      const found = await refresh(null);
      return found.flatMap(({ name, internal }) => (internal ? [] : [name])).sort();
    },
    broker,
    async controller() {
      await refresh([]);
      return broker(controllerId);
    },
    async coordinator(of, key) {
      const name = `${of} ${key}`;
      const known = coordinators.get(name);
      if (known) return connect(known.host, known.port);
      const { broker: found } = await ask(`finding the coordinator of ${name}`, anyBroker, findCoordinator(of, key));
      coordinators.set(name, found);
      return connect(found.host, found.port);
    },
    ask,
    close() {
      closing.abort();
      for (const opening of connections.values()) {
        opening.then((connection) => connection.close()).catch(() => undefined);
      }
    },
  };
}

/** Repeats an attempt as long as what went wrong passes by itself. */
async function persist<T>(attempt: () => Promise<{ done: T } | { error: Error; again: boolean }>): Promise<T> {
  const deadline = performance.now() + PATIENCE_MS;
  for (let pause = FIRST_PAUSE_MS; ; pause = Math.min(pause * 2, MOST_PAUSE_MS)) {
    const result = await attempt();
    if ('done' in result) return result.done;
    if (!result.again || performance.now() > deadline) throw result.error;
    await sleep(pause);
  }
}

function parseAddress(address: string): { host: string; port: number } {
  const colon = address.lastIndexOf(':');
  const host = address.slice(0, colon).replace(/^\[|\]$/g, '');
  return { host, port: Number(address.slice(colon + 1)) };
}
