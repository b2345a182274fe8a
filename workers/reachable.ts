/**
 * Whether somebody listens at a service's address, asked by a plain connection before a client is made: clients try again
 * for as long as their time-outs last (10 s and more), because a server may be just starting. Only what is certain is told
 * (refused, no such host); a slow answer is left to the client.
 */
import { connect } from 'node:net';
import { fault, type FaultCode } from '../contracts/errors.ts';
import type { PipelineSpec } from '../contracts/pipeline.ts';
import { type DatabaseSettings, isMysql, type Settings } from '../contracts/settings.ts';
import { connectionOf } from './config/index.ts';
import { connectionVariable } from './config/variables.ts';

const PROBE_MS = 3_000;

export interface Address {
  /** For people: `Kafka`, `the control database`. */
  what: string;
  code: FaultCode;
  /** host:port; one that listens is enough. */
  addresses: readonly string[];
  /** What names it. */
  setting: string;
}

export function temporalAddress({ address }: Settings['temporal']): Address {
  const named = setting('TEMPORAL_ADDRESS', 'temporal.address');
  return { what: 'Temporal', code: 'TemporalUnavailable', addresses: [address], setting: named };
}

export function controlAddress({ control }: Pick<Settings, 'control'>): Address {
  return database('the control database', 'ControlUnavailable', control, setting('CONTROL_URL', 'control'));
}

export function kafkaAddress({ kafka }: Pick<Settings, 'kafka'>): Address {
  const named = setting('KAFKA_BROKERS', 'kafka.brokers');
  return { what: 'Kafka', code: 'KafkaUnavailable', addresses: kafka.brokers, setting: named };
}

/** Of all services; with a pipeline, of the connections that it names, else of all. */
export function serviceAddresses(settings: Settings, spec?: PipelineSpec): Address[] {
  const { connections } = settings;
  const named = spec === undefined ? Object.keys(connections) : [spec.source.connection, spec.warehouse.connection];
  const found: Address[] = [
    kafkaAddress(settings),
    controlAddress(settings),
    ...[...new Set(named)].map((name) =>
      database(`connection ${name}`, 'SourceUnavailable', connectionOf(settings, name), connectionVariable(name)),
    ),
  ];
  return [...found, ...storeAddress(settings)];
}

/** None where the store is Amazon's own. */
export function storeAddress({ s3 }: Pick<Settings, 's3'>): Address[] {
  if (s3.endpoint === undefined) return [];
  const { hostname, port, protocol } = new URL(s3.endpoint);
  const addresses = [`${hostname}:${port || (protocol === 'https:' ? '443' : '80')}`];
  return [{ what: 'S3', code: 'StoreUnavailable', addresses, setting: setting('S3_ENDPOINT', 's3.endpoint') }];
}

/** The two places where it can be set. */
const setting = (variable: string, key: string): string => `HEADRACE_${variable} (${key} in headrace.yaml)`;

function database(what: string, code: FaultCode, settings: DatabaseSettings, setting: string): Address {
  const { hostname, port } = new URL(settings.url);
  const usual = isMysql(settings) ? '3306' : '5432';
  // Without a host it is a socket in the file system, which is left to the client.
  return { what, code, addresses: hostname === '' ? [] : [`${hostname}:${port || usual}`], setting };
}

/** @returns a sentence for each service that cannot be reached, with the remedy */
export async function unreachable(services: readonly Address[]): Promise<{ code: FaultCode; message: string }[]> {
  const found = await Promise.all(
    services.map(async ({ what, code, addresses, setting }) => {
      const reasons = await Promise.all(addresses.map(refusal));
      const reason = reasons[0];
      if (reason === undefined || reasons.includes(undefined)) return [];
      const message =
        `${what} at ${addresses.join(', ')} cannot be reached: ${reason}. ` +
        `Start the local stack with \`headrace up\`, or correct ${setting}.`;
      return [{ code, message }];
    }),
  );
  return found.flat();
}

/** @throws Fault of the first that cannot be reached, with the words of all */
export async function requireReachable(services: readonly Address[]): Promise<void> {
  const found = await unreachable(services);
  const [first] = found;
  if (first !== undefined) throw fault(first.code, found.map(({ message }) => message).join('\n'));
}

/** @returns why nobody can be there; undefined where somebody is, or it cannot be told */
async function refusal(address: string): Promise<string | undefined> {
  const colon = address.lastIndexOf(':');
  const host = address.slice(0, colon).replaceAll(/^\[|\]$/g, '');
  return await new Promise((resolve) => {
    const socket = connect({ host, port: Number(address.slice(colon + 1)), timeout: PROBE_MS });
    const finish = (reason: string | undefined): void => {
      socket.destroy();
      resolve(reason);
    };
    socket.once('connect', () => finish(undefined));
    socket.once('timeout', () => finish(undefined));
    socket.once('error', (error: NodeJS.ErrnoException) => {
      if (error.code === 'ECONNREFUSED') finish('nothing listens there');
      else finish(error.code === 'ENOTFOUND' ? 'there is no host of that name' : undefined);
    });
  });
}
