/**
 * The environment variables that stand for settings: each has one place in headrace.yaml's form, and wins over the file.
 * Any other name with our prefix is a fault: whoever set it would work on another service than they meant.
 */
import { guess } from './guess.ts';
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

const OURS = 'HEADRACE_';
/** Read elsewhere: by the command line and the local stack… */
const OTHERS = ['SETTINGS', 'HOME', 'CACHE', 'STACK', 'STACK_MARK'].map((name) => OURS + name);
/** …by docker-compose.yml, where the stack is that: its ports and passwords… */
const OF_COMPOSE =
  /^HEADRACE_((KAFKA|S3|S3_CONSOLE|TEMPORAL|TEMPORAL_UI|POSTGRES|MARIADB)_PORT|(CONTROL|SALES|WAREHOUSE|POSTGRES_ADMIN|MARIADB_(ADMIN|SALES|WAREHOUSE))_PASSWORD)$/;
/** …among them two that look like settings of Headrace's own, and were taken for such. */
const COMPOSE_S3 = ['S3_ACCESS_KEY_ID', 'S3_SECRET_ACCESS_KEY'].map((name) => OURS + name);
/** …and by tests. */
const TESTS = /^HEADRACE_(TEST|FAULTS)_/;
/** What has no variable of ours, and where it is set. */
const ELSEWHERE: readonly (readonly [RegExp, string])[] = [
  [/^HEADRACE_(S3|AWS)_.*SECRET/, 'AWS_SECRET_ACCESS_KEY'],
  [/^HEADRACE_(S3|AWS)_.*(ACCESS|KEY)/, 'AWS_ACCESS_KEY_ID'],
  [/BUCKET/, 'lake.bucket in the pipeline file'],
];

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

/** Their values are not shown: each may be a secret under a wrong name. */
export function unknownVariables(env: Environment): Problem[] {
  return Object.keys(env)
    .filter((name) => name.startsWith(OURS) && !isKnown(name) && !isOfCompose(name, env) && !isOfKubernetes(name, env))
    .map((name) => {
      const meant = meantBy(name);
      const hint = meant === undefined ? '; docs/cli.md lists those there are' : `; did you mean ${meant}?`;
      return { place: 'environment', path: name, message: `is not a variable of Headrace${hint}` };
    });
}

function isKnown(name: string): boolean {
  return VARIABLES.has(name) || OTHERS.includes(name) || TESTS.test(name) || name.startsWith(CONNECTION_PREFIX);
}

function isOfCompose(name: string, env: Environment): boolean {
  return OF_COMPOSE.test(name) || (env.HEADRACE_STACK === 'compose' && COMPOSE_S3.includes(name));
}

/** Beside a service called headrace, or headrace-worker, Kubernetes sets HEADRACE_SERVICE_HOST, HEADRACE_PORT and their like. */
function isOfKubernetes(name: string, env: Environment): boolean {
  const [, service] = /^(.+?)_(?:SERVICE_HOST|SERVICE_PORT|PORT)(?:_.+)?$/.exec(name) ?? [];
  return service !== undefined && env[`${service}_SERVICE_HOST`] !== undefined;
}

function meantBy(name: string): string | undefined {
  const connection = /^HEADRACE_CONNECTIONS?(?:_(.+))?$/.exec(name);
  if (connection !== null) return CONNECTION_PREFIX + (connection[1] ?? '<NAME>');
  const elsewhere = ELSEWHERE.find(([form]) => form.test(name));
  if (elsewhere !== undefined) return elsewhere[1];
  const known = [...VARIABLES.keys(), ...OTHERS];
  // A service alone means its address, which comes first. Our prefix says nothing: FOO is not nearly HOME.
  const begun = known.find((word) => word.startsWith(`${name}_`));
  if (begun !== undefined) return begun;
  const words = known.map((word) => word.slice(OURS.length));
  const word = guess(name.slice(OURS.length), words);
  return word === undefined ? undefined : OURS + word;
}
