/**
 * The only file of the stack that reads process.env: its two folders, the services a user names himself, and the
 * environment that child processes inherit.
 */
import { createHash } from 'node:crypto';
import { homedir } from 'node:os';
import { isAbsolute, join, resolve } from 'node:path';
import { StackError } from './stack-error.ts';
import type { Database, GivenServices } from './types.ts';
import { DATABASES, S3_REGION } from './types.ts';

/** The checkout this file belongs to. */
export const CHECKOUT = resolve(import.meta.dirname, '..');

/**
 * Digests of the variables that an `up` exported. A shell that holds them must not make a later `up` take a stack's
 * own addresses for a service of the user's (worse: the addresses of a stack that is gone), so each variable whose
 * name and value are marked is passed over. Digests, so that no state needs to be kept and a changed value counts.
 */
const MARK = 'HEADRACE_STACK_MARK';

export interface StackFolders {
  /** Data, logs and state of one stack (HEADRACE_HOME; default `<checkout>/.headrace`). */
  home: string;
  /** Downloads and builds, shared by every stack of a user (HEADRACE_CACHE; default the user's cache folder). */
  cache: string;
}

type Environment = Readonly<Record<string, string | undefined>>;

/** Reads HEADRACE_HOME and HEADRACE_CACHE; relative ones are relative to the working directory. */
export function stackFolders(environment: Environment = process.env): StackFolders {
  const xdg = setting(environment, 'XDG_CACHE_HOME');
  const userCache = xdg !== undefined && isAbsolute(xdg) ? xdg : join(homedir(), '.cache');
  return {
    home: resolve(setting(environment, 'HEADRACE_HOME') ?? join(CHECKOUT, '.headrace')),
    cache: resolve(setting(environment, 'HEADRACE_CACHE') ?? join(userCache, 'headrace')),
  };
}

/** Reads which services the user's settings name, apart from those that an `up` exported itself. */
export function givenServices(environment: Environment = process.env): GivenServices {
  const marked = new Set((environment[MARK] ?? '').split('.'));
  const own = (name: string): string | undefined => {
    const value = setting(environment, name);
    return value === undefined || marked.has(digest(name, value)) ? undefined : value;
  };
  const address = own('HEADRACE_TEMPORAL_ADDRESS');
  const namespace = setting(environment, 'HEADRACE_TEMPORAL_NAMESPACE');
  const brokers = own('HEADRACE_KAFKA_BROKERS');
  const endpoint = own('HEADRACE_S3_ENDPOINT');
  const variables: Record<Database, string> = {
    sales: 'HEADRACE_CONNECTION_SALES',
    warehouse: 'HEADRACE_CONNECTION_WAREHOUSE',
    control: 'HEADRACE_CONTROL_URL',
  };
  const postgres: Partial<Record<Database, string>> = {};
  for (const database of DATABASES) {
    const url = own(variables[database]);
    if (url !== undefined) postgres[database] = url;
  }
  return {
    postgres,
    ...(address === undefined ? {} : { temporalAddress: address }),
    ...(namespace === undefined ? {} : { temporalNamespace: namespace }),
    ...(brokers === undefined ? {} : { kafkaBrokers: brokers.split(',').map((broker) => broker.trim()) }),
    ...(endpoint === undefined
      ? {}
      : {
          s3: {
            endpoint,
            region: setting(environment, 'HEADRACE_S3_REGION') ?? S3_REGION,
            accessKeyId: setting(environment, 'AWS_ACCESS_KEY_ID') ?? '',
            secretAccessKey: setting(environment, 'AWS_SECRET_ACCESS_KEY') ?? '',
          },
        }),
  };
}

/**
 * HEADRACE_STACK, `native` or `compose`: how a home's first `up` starts services, where it should not decide itself.
 * @throws StackError for anything else
 */
export function wantedMode(environment: Environment = process.env): 'native' | 'compose' | undefined {
  const mode = setting(environment, 'HEADRACE_STACK');
  if (mode === undefined || mode === 'native' || mode === 'compose') return mode;
  throw new StackError(`HEADRACE_STACK is '${mode}'; it can be native or compose, or unset to let up decide`);
}

/** The variables of a stack, marked, so that `givenServices` knows them again in any shell they were exported to. */
export function markedEnvironment(variables: Record<string, string>): Record<string, string> {
  const digests = Object.entries(variables).map(([name, value]) => digest(name, value));
  return { ...variables, [MARK]: digests.join('.') };
}

/** Keeps the AWS SDK's notice about Node 20 (support until January 2027) out of a user's progress display. */
export function silenceAwsNotice(): void {
  process.env['AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED'] ??= 'true';
}

/** What a child process inherits: all of ours, with `extra` on top. */
export function childEnvironment(extra: Record<string, string> = {}): Record<string, string | undefined> {
  return { ...process.env, ...extra };
}

function setting(environment: Environment, name: string): string | undefined {
  const value = environment[name];
  return value === undefined || value === '' ? undefined : value;
}

function digest(name: string, value: string): string {
  return createHash('sha256').update(`${name}=${value}`).digest('hex').slice(0, 12);
}

/** Whether downloads go through a proxy, which Node's own fetch (20) does not use. */
export function usesProxy(environment: Environment = process.env): boolean {
  const names = [
    'https_proxy',
    'HTTPS_PROXY',
    'http_proxy',
    'HTTP_PROXY',
    'npm_config_proxy',
    'npm_config_https_proxy',
  ];
  return names.some((name) => setting(environment, name) !== undefined);
}
