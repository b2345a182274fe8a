/**
 * `headrace up`: when it returns, every service can be used. Safe to repeat and to interrupt: what runs is found and
 * left alone, what is missing is started on its old ports with its old data, and what one call began and could not
 * finish it stops again.
 */
import { composeIsUsable } from './compose.ts';
import { findContainer, startContainers } from './containers.ts';
import { givenServices, wantedMode } from './environment.ts';
import { requireGiven } from './given.ts';
import { stackInfo } from './info.ts';
import { withLock } from './lock.ts';
import { findProcess, startProcess, stopProcess, type StackOptions } from './native.ts';
import { requireOwnHome } from './own-home.ts';
import { PORT_TIMEOUT_MS, becomesFree, choosePorts } from './ports.ts';
import { isAlive } from './process-identity.ts';
import { isInstalled, requirePrograms } from './prerequisites.ts';
import { minioIsBuilt } from './services/minio.ts';
import type { Service } from './service.ts';
import { isGiven, stackServices } from './services.ts';
import { StackError, StackInterrupted } from './stack-error.ts';
import { PORT_NAMES, loadState, newMariadb, newSecrets, saveState, lockFileOf, type StackStateFile } from './state.ts';
import {
  EXTRA_SERVICE_NAMES,
  SERVICE_NAMES,
  type ExtraServiceName,
  type GivenServices,
  type OnProgress,
  type ServiceName,
  type StackInfo,
} from './types.ts';

export interface UpOptions {
  home: string;
  cache: string;
  /** Only these are begun; the others' addresses are in the answer all the same. Default: all. */
  services?: readonly ServiceName[];
  /** Begun besides. */
  extra?: readonly ExtraServiceName[];
  /** Services of the user's own; default: those that HEADRACE_* variables name. */
  given?: GivenServices;
  onProgress?: OnProgress;
  /** Aborted by Ctrl-C: what this call started is stopped, then it throws StackInterrupted. */
  signal?: AbortSignal;
}

/** Another `up` of the same home may be building MinIO. */
const LOCK_TIMEOUT_MS = 15 * 60_000;

/**
 * Brings the home's stack up: services that settings name are used as they are; the others run in Docker where a
 * daemon answered at the home's first `up`, else as processes of this machine.
 * @throws StackError naming what did not come up, why (with its log's end) and what to do; StackInterrupted
 */
export async function up(options: UpOptions): Promise<StackInfo> {
  const { home, cache, signal } = options;
  const given = options.given ?? givenServices();
  const onProgress = options.onProgress ?? ((): void => undefined);
  try {
    requireOwnHome(home);
    await requireGiven(given);
    return await withLock(lockFileOf(home), { signal, timeoutMs: LOCK_TIMEOUT_MS }, async () => {
      const state = loadState(home) ?? (await newState(cache));
      const asked = new Set([...(options.services ?? SERVICE_NAMES), ...(options.extra ?? [])]);
      if (asked.has('mariadb')) state.mariadb ??= newMariadb(await mariadbPort());
      saveState(home, state);
      const wanted = stackServices(state).filter((service) => asked.has(service.name) && !isGiven(service, given));
      await bringUp(wanted, { home, cache, state, signal, onProgress });
      const spared = stackServices(state).filter(({ name }) => isExtra(name) && !asked.has(name));
      await tellSpared(spared, { home, cache, state, signal, onProgress });
      return stackInfo(home, state, given);
    });
  } catch (error) {
    if (signal?.aborted === true && !(error instanceof StackInterrupted)) {
      throw new StackInterrupted('interrupted before anything was started', { cause: error });
    }
    throw error;
  }
}

async function bringUp(wanted: Service[], options: StackOptions): Promise<void> {
  const { state, cache } = options;
  const native = state.mode === 'native';
  const found = await Promise.all(wanted.map((service) => (native ? findProcess : findContainer)(service, options)));
  const missing = wanted.filter((_, index) => found[index] === false);
  if (missing.length === 0) return;
  if (native) requirePrograms(missing, cache);
  const allDown = native ? !Object.values(state.processes).some(isAlive) : missing.length === wanted.length;
  if (allDown) await renewTakenPorts(missing, options);
  await (native ? startProcesses : startContainers)(missing, options);
}

const isExtra = (name: ServiceName): name is ExtraServiceName => EXTRA_SERVICE_NAMES.some((extra) => extra === name);

/** Of what an earlier `up` was asked for and this one was not: with its data in the home, it would be missed without a word. */
async function tellSpared(services: readonly Service[], options: StackOptions): Promise<void> {
  const { state, onProgress } = options;
  for (const service of services) {
    const { name } = service;
    const runs = state.mode === 'native' ? isAlive(state.processes[name]) : await findContainer(service, options);
    if (runs) continue;
    const detail = `this home has one, which was not asked for and is not started; headrace up --with ${name} starts it`;
    onProgress({ service: name, state: 'stopped', seconds: 0, detail });
  }
}

async function mariadbPort(): Promise<number> {
  return (await choosePorts(['mariadb'])).mariadb;
}

async function newState(cache: string): Promise<StackStateFile> {
  const mode = wantedMode() ?? (composeIsUsable() ? 'compose' : 'native');
  return {
    version: 1,
    mode,
    s3Kind: mode === 'compose' || minioIsBuilt(cache) || isInstalled('go') ? 'minio' : 'seaweedfs',
    ports: await choosePorts(PORT_NAMES),
    secrets: newSecrets(),
    processes: {},
  };
}

/** A stack that is down as a whole has no client that knows its ports, so those taken meanwhile are chosen again. */
async function renewTakenPorts(services: Service[], { home, state }: StackOptions): Promise<void> {
  const ports = services.flatMap((service) => service.ports(state));
  const free = await Promise.all(ports.map((port) => becomesFree(port, PORT_TIMEOUT_MS)));
  if (!free.includes(false)) return;
  state.ports = await choosePorts(PORT_NAMES);
  if (state.mariadb !== undefined) state.mariadb.port = await mariadbPort();
  saveState(home, state);
}

/** Starts all at once; if one fails or the user interrupts, the others are interrupted, and all of them stopped. */
async function startProcesses(services: Service[], options: StackOptions): Promise<void> {
  const failed = new AbortController();
  const signal = options.signal === undefined ? failed.signal : AbortSignal.any([options.signal, failed.signal]);
  const outcomes = await Promise.allSettled(
    services.map(async (service) => {
      try {
        await startProcess(service, { ...options, signal });
      } catch (error) {
        failed.abort(new StackInterrupted(`${service.title} failed`));
        throw error;
      }
    }),
  );
  const errors = outcomes.flatMap((outcome): unknown[] => (outcome.status === 'rejected' ? [outcome.reason] : []));
  if (errors.length === 0) return;
  await Promise.all(services.map((service) => stopProcess(service, options)));
  if (options.signal?.aborted === true) {
    const titles = services.map((service) => service.title).join(', ');
    throw new StackInterrupted(`interrupted; stopped what was being started: ${titles}`, { cause: errors[0] });
  }
  const causes = errors.filter((error) => error instanceof StackError);
  if (causes.length > 1) throw new StackError(causes.map((cause) => cause.message).join('\n'), { cause: causes[0] });
  throw causes[0] ?? errors[0];
}
