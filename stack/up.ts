/**
 * `headrace up`: when it returns, every service can be used. Safe to repeat and to interrupt: what runs is found and
 * left alone, what is missing is started on its old ports with its old data, and what one call began and could not
 * finish it stops again.
 */
import { givenServices } from './environment.ts';
import { requireGiven } from './given.ts';
import { stackInfo } from './info.ts';
import { withLock } from './lock.ts';
import { find, nativeServices, start, stop, type NativeOptions } from './native.ts';
import { choosePorts, isFree } from './ports.ts';
import { isInstalled, requirePrograms } from './prerequisites.ts';
import { minioIsBuilt } from './services/minio.ts';
import type { Service } from './service.ts';
import { StackError, StackInterrupted } from './stack-error.ts';
import { PORT_NAMES, loadState, newSecrets, saveState, lockFileOf, type StackStateFile } from './state.ts';
import { DATABASES, type GivenServices, type OnProgress, type StackInfo } from './types.ts';

export interface UpOptions {
  home: string;
  cache: string;
  /** Services of the user's own; default: those that HEADRACE_* variables name. */
  given?: GivenServices;
  onProgress?: OnProgress;
  /** Aborted by Ctrl-C: what this call started is stopped, then it throws StackInterrupted. */
  signal?: AbortSignal;
}

/** Another `up` of the same home may be building MinIO. */
const LOCK_TIMEOUT_MS = 15 * 60_000;

/**
 * Brings the home's stack up.
 * @throws StackError naming what did not come up, why (with its log's end) and what to do; StackInterrupted
 */
export async function up(options: UpOptions): Promise<StackInfo> {
  const { home, cache, signal } = options;
  const given = options.given ?? givenServices();
  const onProgress = options.onProgress ?? ((): void => undefined);
  await requireGiven(given);
  return await withLock(lockFileOf(home), { signal, timeoutMs: LOCK_TIMEOUT_MS }, async () => {
    const state = loadState(home) ?? (await newState(cache));
    saveState(home, state);
    const native: NativeOptions = { home, cache, state, signal, onProgress };
    const wanted = nativeServices(state).filter((service) => !isGiven(service, given));
    const found = await Promise.all(wanted.map((service) => find(service, native)));
    const missing = wanted.filter((_, index) => found[index] === false);
    if (missing.length > 0) {
      requirePrograms(missing, cache);
      if (missing.length === wanted.length) await renewTakenPorts(state, missing);
      await startAll(missing, native);
    }
    return stackInfo(home, state, given);
  });
}

function isGiven({ name }: Service, given: GivenServices): boolean {
  switch (name) {
    case 'temporal':
      return given.temporalAddress !== undefined;
    case 'kafka':
      return given.kafkaBrokers !== undefined;
    case 's3':
      return given.s3 !== undefined;
    case 'postgres':
      return DATABASES.every((database) => given.postgres[database] !== undefined);
  }
}

async function newState(cache: string): Promise<StackStateFile> {
  return {
    version: 1,
    mode: 'native',
    s3Kind: minioIsBuilt(cache) || isInstalled('go') ? 'minio' : 'seaweedfs',
    ports: await choosePorts(PORT_NAMES),
    secrets: newSecrets(),
    processes: {},
  };
}

/** A stack that is down as a whole has no client that knows its ports, so those taken meanwhile are chosen again. */
async function renewTakenPorts(state: StackStateFile, services: Service[]): Promise<void> {
  const taken: boolean[] = [];
  for (const port of services.flatMap((service) => service.ports(state))) taken.push(!(await isFree(port)));
  if (taken.includes(true)) state.ports = await choosePorts(PORT_NAMES);
}

/** Starts all at once; if one fails or the user interrupts, the others are interrupted, and all of them stopped. */
async function startAll(services: Service[], options: NativeOptions): Promise<void> {
  const failed = new AbortController();
  const signal = options.signal === undefined ? failed.signal : AbortSignal.any([options.signal, failed.signal]);
  const outcomes = await Promise.allSettled(
    services.map(async (service) => {
      try {
        await start(service, { ...options, signal });
      } catch (error) {
        failed.abort(new StackInterrupted(`${service.title} failed`));
        throw error;
      }
    }),
  );
  const errors = outcomes.flatMap((outcome): unknown[] => (outcome.status === 'rejected' ? [outcome.reason] : []));
  if (errors.length === 0) return;
  await Promise.all(services.map((service) => stop(service, options)));
  const causes = errors.filter((error) => error instanceof StackError);
  if (causes.length > 1) throw new StackError(causes.map((cause) => cause.message).join('\n'), { cause: causes[0] });
  throw causes[0] ?? (options.signal?.aborted === true ? interrupted(services) : errors[0]);
}

function interrupted(services: Service[]): StackInterrupted {
  return new StackInterrupted(
    `interrupted; stopped what was being started: ${services.map((service) => service.title).join(', ')}`,
  );
}
