/**
 * The environment variables that stand for settings: each has one place in headrace.yaml's form, and wins over the file.
 * Near misses of a name are told; other names with our prefix are left alone (Kubernetes sets HEADRACE_SERVICE_HOST and
 * its like beside a service called headrace).
 */
import { editDistance } from './guess.ts';
import type { Environment } from './interpolate.ts';
import type { Problem } from './problem.ts';

const tls = (prefix: string, path: string): [string, string][] => [
  [`${prefix}_TLS_CA`, `${path}.tls.ca`],
  [`${prefix}_TLS_CERT`, `${path}.tls.cert`],
  [`${prefix}_TLS_KEY`, `${path}.tls.key`],
];

/** Name → dotted path. The bare `tls` comes before what is inside it. */
export const VARIABLES: ReadonlyMap<string, string> = new Map([
  ['HEADRACE_CONTROL_URL', 'control.url'],
  ['HEADRACE_KAFKA_BROKERS', 'kafka.brokers'],
  ['HEADRACE_KAFKA_CLIENT', 'kafka.client'],
  ['HEADRACE_KAFKA_TLS', 'kafka.tls'],
  ...tls('HEADRACE_KAFKA', 'kafka'),
  ['HEADRACE_KAFKA_TLS_VERIFY', 'kafka.tls.verify'],
  ['HEADRACE_KAFKA_SASL_MECHANISM', 'kafka.sasl.mechanism'],
  ['HEADRACE_KAFKA_SASL_USERNAME', 'kafka.sasl.username'],
  ['HEADRACE_KAFKA_SASL_PASSWORD', 'kafka.sasl.password'],
  ['HEADRACE_KAFKA_REPLICATION_FACTOR', 'kafka.replicationFactor'],
  ['HEADRACE_S3_ENDPOINT', 's3.endpoint'],
  ['HEADRACE_S3_REGION', 's3.region'],
  ['HEADRACE_S3_PATH_STYLE', 's3.pathStyle'],
  ['HEADRACE_TEMPORAL_ADDRESS', 'temporal.address'],
  ['HEADRACE_TEMPORAL_NAMESPACE', 'temporal.namespace'],
  ['HEADRACE_TEMPORAL_TLS', 'temporal.tls'],
  ...tls('HEADRACE_TEMPORAL', 'temporal'),
  ['HEADRACE_TEMPORAL_API_KEY', 'temporal.apiKey'],
  ['HEADRACE_TEMPORAL_ENCRYPTION_KEYS', 'temporal.encryptionKeys'],
  ['HEADRACE_TEMPORAL_UI', 'temporal.ui'],
  ['HEADRACE_LAND_MEMORY', 'worker.landMemory'],
  ['HEADRACE_QUERY_THREADS', 'worker.queryThreads'],
  ['HEADRACE_SCRATCH', 'worker.scratch'],
  ['HEADRACE_METRICS', 'worker.metrics'],
]);

/** Read elsewhere: by the command line and the local stack. */
const OTHERS = ['HEADRACE_SETTINGS', 'HEADRACE_HOME', 'HEADRACE_CACHE', 'HEADRACE_STACK_MARK'];

export const CONNECTION_PREFIX = 'HEADRACE_CONNECTION_';

/** The variable that names a connection: `my-shop` → HEADRACE_CONNECTION_MY_SHOP. */
export function connectionVariable(name: string): string {
  return CONNECTION_PREFIX + name.toUpperCase().replaceAll('-', '_');
}

/**
 * Names that connections may have: a pipeline file and a variable must be able to write them. A rule and no taste:
 * `__proto__` is a name, too, and not one of a connection.
 */
export const CONNECTION_NAME = /^[A-Za-z][A-Za-z0-9_-]{0,62}$/;
export const CONNECTION_NAME_FORM = 'a name of letters, digits, dashes and underscores that begins with a letter';

/** @param file of the settings, for its connections' places */
export function misnamedConnections(
  env: Environment,
  connections: unknown,
  placeOf: (name: string) => string,
): Problem[] {
  const isMapping = typeof connections === 'object' && connections !== null && !Array.isArray(connections);
  const inFile = isMapping ? Object.keys(connections) : [];
  const inVariables = Object.keys(env).filter((name) => name.startsWith(CONNECTION_PREFIX));
  // Whoever forgot the name has written the address in its place: it is not shown.
  const message = `holds a name that none can have; allowed: ${CONNECTION_NAME_FORM}`;
  return [
    ...inFile
      .filter((name) => !CONNECTION_NAME.test(name))
      .map((name) => ({ place: placeOf(name), path: 'connections', message })),
    ...inVariables
      .filter((name) => !CONNECTION_NAME.test(name.slice(CONNECTION_PREFIX.length)))
      .map((name) => ({ place: 'environment', path: name, message })),
  ];
}

/** Variables of ours that are set, empty ones not counted. */
export function setVariables(env: Environment): { name: string; path: string; value: string }[] {
  return [...VARIABLES].flatMap(([name, path]) => {
    const value = env[name];
    return value === undefined || value === '' ? [] : [{ name, path, value }];
  });
}

export function setConnections(env: Environment): { name: string; connection: string; value: string }[] {
  return Object.entries(env).flatMap(([name, value]) => {
    const connection = name.startsWith(CONNECTION_PREFIX) ? name.slice(CONNECTION_PREFIX.length).toLowerCase() : '';
    return !CONNECTION_NAME.test(connection) || value === undefined || value === ''
      ? []
      : [{ name, connection, value }];
  });
}

export function mistypedVariables(env: Environment): Problem[] {
  const known = [...VARIABLES.keys(), ...OTHERS];
  return Object.keys(env).flatMap((name) => {
    if (!name.startsWith('HEADRACE_') || known.includes(name) || name.startsWith(CONNECTION_PREFIX)) return [];
    const meant = known.find((word) => editDistance(name, word) <= 2);
    if (meant === undefined) return [];
    return [{ place: 'environment', path: name, message: `is not a variable of Headrace; did you mean ${meant}?` }];
  });
}
