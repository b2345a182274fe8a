/**
 * Puts the layers of settings on one another: the local stack's addresses for services that nothing else names, then
 * headrace.yaml, then the environment, which wins. Short forms (`sales: postgres://…`, `tls: true`) are written out.
 */
import type { Environment } from './interpolate.ts';
import { connectionVariable, setConnections, setVariables } from './variables.ts';

type Tree = Record<string, unknown>;

export interface Layers {
  data: Tree;
  /** Dotted path → the variable it came from. */
  variables: ReadonlyMap<string, string>;
}

/** Services that the local stack stands in for as a whole: half of its settings with half of another's reach nothing. */
const SERVICES = ['control', 'kafka', 's3', 'temporal'];
/** What says nothing of where a service is, and so goes with the local stack's. */
const MANNERS = ['client', 'replicationFactor', 'encryptionKeys'];

/**
 * @param file content of headrace.yaml, {} where there is none
 * @param defaults variables of the local stack
 */
export function layer(file: unknown, env: Environment, defaults: Environment): Layers {
  const variables = new Map<string, string>();
  const data = writtenOut(isTree(file) ? structuredClone(file) : {});
  applyVariables(data, env, variables);
  const fallback: Tree = {};
  applyVariables(fallback, defaults, new Map());
  for (const service of SERVICES) {
    const named = data[service];
    const stand = fallback[service];
    if (isTree(named)) {
      const isManners = Object.keys(named).every((key) => MANNERS.includes(key));
      if (isManners && isTree(stand)) data[service] = { ...stand, ...named };
      else if (service === 's3') applyAwsVariables(named, env);
    } else if (named === undefined) {
      const s3 = isTree(stand) ? stand : {};
      if (service === 's3') applyAwsVariables(s3, isTree(stand) ? defaults : env);
      if (isTree(stand) || Object.keys(s3).length > 0) data[service] = s3;
    }
  }
  const connections = treeAt(data, 'connections');
  if (isTree(fallback.connections) && connections) {
    for (const [name, value] of Object.entries(fallback.connections)) {
      const known = Object.keys(connections).some((other) => connectionVariable(other) === connectionVariable(name));
      if (!known) connections[name] = value;
    }
  }
  return { data, variables };
}

function applyVariables(data: Tree, env: Environment, places: Map<string, string>): void {
  for (const { name, path, value } of setVariables(env)) {
    const parts = path.split('.');
    const last = parts.pop() ?? '';
    let here: Tree | undefined = data;
    for (const part of parts) here = here && treeAt(here, part);
    if (!here) continue;
    if (last === 'tls') applyTlsFlag(here, value);
    else here[last] = value;
    places.set(path, name);
  }
  for (const { name, connection, value } of setConnections(env)) {
    const connections = treeAt(data, 'connections');
    if (!connections) continue;
    const named = Object.keys(connections).filter((other) => connectionVariable(other) === name);
    for (const target of named.length > 0 ? named : [connection]) {
      const holder = treeAt(connections, target);
      if (holder) holder.url = value;
      places.set(`connections.${target}.url`, name);
    }
  }
}

function applyTlsFlag(service: Tree, value: string): void {
  if (value === 'false' || value === '0') delete service.tls;
  else if (value === 'true' || value === '1') treeAt(service, 'tls');
  else service.tls = value;
}

/** AWS's own variables, as its standard chain reads them; with a session token the chain itself is left to do it. */
function applyAwsVariables(s3: Tree, env: Environment): void {
  s3.region ??= env.AWS_REGION ?? env.AWS_DEFAULT_REGION;
  if (s3.region === undefined) delete s3.region;
  const { AWS_ACCESS_KEY_ID: id, AWS_SECRET_ACCESS_KEY: secret, AWS_SESSION_TOKEN: token } = env;
  if (id === undefined || secret === undefined || token !== undefined) return;
  // One of the two alone is a fault of the settings, not half of somebody else's credentials.
  if (s3.accessKeyId !== undefined || s3.secretAccessKey !== undefined) return;
  s3.accessKeyId = id;
  s3.secretAccessKey = secret;
}

function writtenOut(data: Tree): Tree {
  const connections = data.connections;
  if (isTree(connections)) {
    const written = Object.entries(connections).map(([name, value]) => [name, connection(value)] as const);
    data.connections = Object.fromEntries(written); // defines: assigning to __proto__ would not
  }
  if (data.control !== undefined) data.control = connection(data.control);
  for (const service of ['kafka', 'temporal']) {
    if (isTree(data[service])) tlsWrittenOut(data[service]);
  }
  return data;
}

function connection(value: unknown): unknown {
  if (typeof value === 'string') return { url: value };
  if (isTree(value)) tlsWrittenOut(value);
  return value;
}

function tlsWrittenOut(holder: Tree): void {
  if (holder.tls === true) holder.tls = {};
  if (holder.tls === false) delete holder.tls;
}

/** The mapping under a key, made where there is none; undefined where something else stands, which the form refuses. */
function treeAt(data: Tree, key: string): Tree | undefined {
  const found = Object.hasOwn(data, key) ? data[key] : undefined;
  if (isTree(found)) return found;
  if (found !== undefined && found !== null) return undefined;
  const made: Tree = {};
  data[key] = made;
  return made;
}

function isTree(value: unknown): value is Tree {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
