/**
 * `loadSettings`: what a process needs to reach the services, from headrace.yaml, the environment (which wins) and, where
 * neither names a service, the local stack. Every fault of all of them is told at once; secrets are never shown.
 */
import { existsSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import type { Settings, TlsSettings } from '../../contracts/settings.ts';
import { check } from './check.ts';
import type { Environment } from './interpolate.ts';
import { configFault, pathText, type Problem } from './problem.ts';
import { layer } from './settings-layers.ts';
import { settingsSchema, type SettingsFile } from './settings-schema.ts';
import { misnamedConnections, unknownVariables } from './variables.ts';
import { parseYaml, readYaml } from './yaml-source.ts';

export const SETTINGS_FILE = 'headrace.yaml';

export interface SettingsOptions {
  /** Of headrace.yaml; default: HEADRACE_SETTINGS, else headrace.yaml in the working directory if it is there. */
  path?: string | undefined;
  env?: Environment;
  /** Variables of the local stack, for services that neither the file nor the environment names. */
  defaults?: Environment;
  /** Services without which the caller can do nothing. Default: all. */
  needs?: readonly Service[];
}

export type Service = 'control' | 'kafka' | 's3' | 'temporal';
const SERVICES: readonly Service[] = ['control', 'kafka', 's3', 'temporal'];

/** @throws Fault ConfigInvalid that lists every fault of the file and the environment with its place */
export function loadSettings(options: SettingsOptions = {}): Settings {
  const { settings, problems } = readSettings(options);
  if (settings === undefined) throw configFault(problems);
  return settings;
}

/** Reads and checks without throwing, for callers that list the faults of several files together. */
export function readSettings(options: SettingsOptions = {}): { settings?: Settings; problems: Problem[] } {
  const env = options.env ?? process.env;
  const path = options.path ?? (env.HEADRACE_SETTINGS === '' ? undefined : env.HEADRACE_SETTINGS);
  const file = path ?? (existsSync(SETTINGS_FILE) ? SETTINGS_FILE : undefined);
  const source = file === undefined ? parseYaml('{}', SETTINGS_FILE, env) : readYaml(file, env);
  const { data, variables } = layer(source.data ?? {}, env, options.defaults ?? {});
  const variableAt = (at: readonly PropertyKey[]): string | undefined => variables.get(at.join('.'));
  const folder = file === undefined ? '.' : dirname(resolve(file));
  const shaped = source.data === undefined || source.data === null || isMapping(source.data);
  const checked = check(settingsSchema(folder), shaped ? data : source.data, {
    ...source,
    placeOf: (at) => (variableAt(at) === undefined ? source.placeOf(at) : 'environment'),
    writtenAt: (at) => (variableAt(at) === undefined ? source.writtenAt(at) : undefined),
    nameOf: (at) => variableAt(at) ?? pathText(at),
  });
  const problems = [
    ...source.problems,
    ...checked.problems.filter(({ path }) => !source.isBroken(path)),
    ...misnamedConnections(env, isMapping(source.data) ? source.data.connections : undefined, (name) =>
      source.keyPlaceOf(['connections'], name),
    ),
    ...unknownVariables(env),
  ];
  if (checked.value === undefined) return { problems };
  problems.push(...missing(checked.value, options.needs ?? SERVICES, file ?? SETTINGS_FILE));
  return problems.length > 0 ? { problems } : { settings: settingsOf(checked.value), problems };
}

function isMapping(data: unknown): data is Readonly<Record<string, unknown>> {
  return typeof data === 'object' && data !== null && !Array.isArray(data);
}

function missing(found: SettingsFile, needs: readonly Service[], file: string): Problem[] {
  const wanted: [service: Service, path: string, variable: string, there: boolean][] = [
    ['control', 'control', 'HEADRACE_CONTROL_URL', found.control !== undefined],
    ['kafka', 'kafka.brokers', 'HEADRACE_KAFKA_BROKERS', found.kafka.brokers !== undefined],
    ['s3', 's3.region', 'HEADRACE_S3_REGION', found.s3.region !== undefined || found.s3.endpoint !== undefined],
    ['temporal', 'temporal.address', 'HEADRACE_TEMPORAL_ADDRESS', found.temporal.address !== undefined],
  ];
  return wanted
    .filter(([service, , , there]) => needs.includes(service) && !there)
    .map(([, path, variable]) => ({
      place: 'environment',
      path: variable,
      message: `is not set, nor is ${path} in ${file}; set one of them, or start the local stack with \`headrace up\``,
    }));
}

type TlsFile = SettingsFile['kafka']['tls'];

function settingsOf({ connections, control, kafka, s3, temporal, worker }: SettingsFile): Settings {
  const { landMemory, queryThreads, scratch, metrics } = worker;
  return {
    connections: Object.fromEntries(Object.entries(connections).map(([name, value]) => [name, databaseOf(value)])),
    control: databaseOf(control ?? { url: '' }),
    kafka: {
      brokers: kafka.brokers ?? [],
      ...(kafka.client === undefined ? {} : { client: kafka.client }),
      ...tlsPart(kafka.tls),
      ...(kafka.sasl === undefined ? {} : { sasl: kafka.sasl }),
      ...(kafka.replicationFactor === undefined ? {} : { replicationFactor: kafka.replicationFactor }),
    },
    s3: {
      // MinIO and its like ignore the region, but the signature needs one.
      region: s3.region ?? 'us-east-1',
      pathStyle: s3.pathStyle ?? s3.endpoint !== undefined,
      ...(s3.endpoint === undefined ? {} : { endpoint: s3.endpoint }),
      ...(s3.accessKeyId === undefined || s3.secretAccessKey === undefined
        ? {}
        : { accessKeyId: s3.accessKeyId, secretAccessKey: s3.secretAccessKey }),
    },
    temporal: {
      address: temporal.address ?? '',
      namespace: temporal.namespace,
      // An API key goes over TLS only.
      ...tlsPart(temporal.tls ?? (temporal.apiKey === undefined ? undefined : {})),
      ...(temporal.apiKey === undefined ? {} : { apiKey: temporal.apiKey }),
      ...(temporal.encryptionKeys === undefined ? {} : { encryptionKeys: temporal.encryptionKeys }),
      ...(temporal.ui === undefined ? {} : { ui: temporal.ui.replace(/\/+$/, '') }),
    },
    worker: {
      landMemoryBytes: landMemory,
      queryThreads,
      ...(scratch === undefined ? {} : { scratch }),
      ...(metrics === undefined ? {} : { metrics }),
    },
  };
}

function databaseOf({ url, tls }: { url: string; tls?: TlsFile }): Settings['control'] {
  return { url, ...tlsPart(tls) };
}

function tlsPart(tls: Partial<NonNullable<TlsFile>> | undefined): { tls?: TlsSettings } {
  if (tls === undefined) return {};
  const { ca, cert, key, verify = true } = tls;
  return {
    tls: {
      verify,
      ...(ca === undefined ? {} : { ca }),
      ...(cert === undefined ? {} : { cert }),
      ...(key === undefined ? {} : { key }),
    },
  };
}
