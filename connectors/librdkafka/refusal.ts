/**
 * Why a broker cannot be talked to. librdkafka tells it in events that its binding drops before the first connection, and lets
 * every call run into its time-out; so one connection of kafkajs, which is here for topic settings anyway, is asked instead.
 */
import kafkajs, { type Kafka, type SASLOptions } from 'kafkajs';
import { type Fault, fault, messageOf } from '../../contracts/errors.ts';
import type { KafkaSettings } from '../../contracts/settings.ts';
import { kafkaFault, readKafkaError } from './errors.ts';

const CONNECT_TIMEOUT_MS = 10_000;
const RETRY_PAUSE_MS = 100;
const SASL_CODES: readonly number[] = [33, 34, 58];
/** What kafkajs names errors of connections, and of those that close at once. */
const CONNECTION_ERROR = /^KafkaJSConnection/;

/** Settings with which a broker let us in. */
const contacts = new WeakMap<KafkaSettings, Promise<void>>();

/**
 * Calls, once it is known that a broker lets us in; after a call that failed, that is asked again. Asking while a call hangs
 * would not do: each holds one of the four threads of libuv's pool for 10 s, and signing in needs one too.
 * @throws Fault AccessDenied, KafkaUnavailable with the reason
 */
export async function orRefusal<T>(settings: KafkaSettings, doing: string, call: () => Promise<T>): Promise<T> {
  const contact = contacts.get(settings) ?? tryContact(settings);
  contacts.set(settings, contact);
  try {
    await contact;
    return await call();
  } catch (error) {
    contacts.delete(settings);
    throw refusal(error, settings, doing);
  }
}

async function tryContact(settings: KafkaSettings): Promise<void> {
  // It takes one broker after the other.
  const client = openKafkajs(settings, settings.brokers.length).admin();
  try {
    await client.connect();
    await client.describeCluster(); // connecting alone asks for versions, which a broker tells to those not signed in too
  } finally {
    await client.disconnect();
  }
}

/** An error of kafkajs, as a fault with its remedy. */
export function refusal(error: unknown, settings: KafkaSettings, doing: string): Fault {
  // Repeated failures come wrapped.
  if (error instanceof Error && error.name === 'KafkaJSNumberOfRetriesExceeded' && error.cause) {
    return refusal(error.cause, settings, doing);
  }
  const { sasl, tls } = settings;
  const { code, message } = readKafkaError(error);
  const name = error instanceof Error ? error.name : '';
  if (sasl && (name === 'KafkaJSSASLAuthenticationError' || SASL_CODES.includes(code))) {
    return fault(
      'AccessDenied',
      `${doing}: signing in as ${sasl.username} with ${sasl.mechanism}: ${message}; check kafka.sasl`,
      error,
    );
  }
  if (!CONNECTION_ERROR.test(name)) return kafkaFault(error, doing);
  // OpenSSL's text: thread, code, library and function, then the reason, then the place in its source.
  const text = `${doing}: ${messageOf(error).replace(/[0-9A-F]+:error:.*routines:\w*:([^:]*):.*/s, '$1')}`;
  if (/alert [^:]*(certificate|unknown ca)/.test(message)) {
    const remedy = tls?.cert
      ? 'the broker refuses the client certificate; check kafka.tls.cert'
      : 'the broker wants a client certificate; set kafka.tls.cert and kafka.tls.key';
    return fault('AccessDenied', `${text}; ${remedy}`, error);
  }
  const remedy = /certificate|altnames/.test(message)
    ? 'check kafka.tls.ca, kafka.tls.cert and the names in kafka.brokers'
    : 'check kafka.brokers, and whether these ports want kafka.tls and kafka.sasl';
  return fault('KafkaUnavailable', `${text}; ${remedy}`, error);
}

/** For plain requests; none of kafkajs's faults (docs/decisions) is in the way of those. */
export function openKafkajs({ brokers, tls, sasl }: KafkaSettings, retries: number): Kafka {
  return new kafkajs.Kafka({
    clientId: 'headrace-settings',
    brokers: [...brokers],
    logLevel: kafkajs.logLevel.NOTHING,
    connectionTimeout: CONNECT_TIMEOUT_MS,
    retry: { retries, initialRetryTime: RETRY_PAUSE_MS },
    ...(tls
      ? {
          ssl: {
            rejectUnauthorized: tls.verify,
            ...(tls.ca === undefined ? {} : { ca: tls.ca }),
            ...(tls.cert === undefined ? {} : { cert: tls.cert }),
            ...(tls.key === undefined ? {} : { key: tls.key }),
          },
        }
      : {}),
    ...(sasl ? { sasl: saslOptions(sasl) } : {}),
  });
}

function saslOptions({ mechanism, username, password }: NonNullable<KafkaSettings['sasl']>): SASLOptions {
  if (mechanism === 'PLAIN') return { mechanism: 'plain', username, password };
  return mechanism === 'SCRAM-SHA-256'
    ? { mechanism: 'scram-sha-256', username, password }
    : { mechanism: 'scram-sha-512', username, password };
}
