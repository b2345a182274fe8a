/** One service of a home as a process of this machine: found, started, revived or stopped. */
import { PORT_TIMEOUT_MS, becomesFree } from './ports.ts';
import { endOwned, isAlive } from './process-identity.ts';
import { launchDetached, waitUntilReady, type Service, type ServiceContext } from './service.ts';
import { StackError, StackInterrupted, isCode, reasonOf } from './stack-error.ts';
import { logFileOf, saveState, type StackStateFile } from './state.ts';
import type { OnProgress } from './types.ts';

/** How long a process that lives but does not answer is given before it is replaced (a stopped one never answers). */
const SILENT_MS = 5_000;

export interface StackOptions {
  home: string;
  cache: string;
  state: StackStateFile;
  signal: AbortSignal | undefined;
  onProgress: OnProgress;
}

/**
 * Whether the service runs and answers. A process that lives but is silent is given a few seconds, then ended.
 * @returns true if it can be used as it is; else it is down, and its ports are its own to take again
 */
export async function findProcess(service: Service, options: StackOptions): Promise<boolean> {
  const { state } = options;
  const owned = state.processes[service.name];
  if (!isAlive(owned)) return false;
  const report = reporter(service, options);
  const context = contextOf(service, options);
  try {
    if (owned.ready) await service.healthy(context);
    else await becomeReady(service, context, options);
    report('found', `process ${owned.pid}`);
    return true;
  } catch {
    options.signal?.throwIfAborted();
  }
  try {
    await waitUntilReady(
      { ...service, startTimeoutMs: SILENT_MS },
      context,
      () => isAlive(owned),
      logFileOf(options.home, service.title),
    );
    report('found', `process ${owned.pid}`);
    return true;
  } catch (error) {
    if (error instanceof StackInterrupted) throw error;
    report('stopping', `process ${owned.pid} lives but does not answer; replacing it`);
    await endOwned(owned, service.stopSignal, service.stopGraceMs);
    return false;
  }
}

/**
 * Prepares and starts the service and waits until it can be used. Its process is in the state file before it is
 * waited for.
 * @throws StackError with the cause and the log's tail; StackInterrupted on abort
 */
export async function startProcess(service: Service, options: StackOptions): Promise<void> {
  const report = reporter(service, options);
  const context: ServiceContext = { ...contextOf(service, options), say: report };
  try {
    const launch = await service.prepare(context);
    for (const port of service.ports(options.state)) {
      if (await becomesFree(port, PORT_TIMEOUT_MS)) continue;
      throw new StackError(
        `${service.title} cannot listen on its port 127.0.0.1:${port}: something else does; ` +
          'end that, or run down and up again (a stack that is down as a whole chooses new ports)',
      );
    }
    options.signal?.throwIfAborted();
    report('starting', `on port ${service.ports(options.state)[0] ?? ''}`);
    const owned = await launchDetached(launch, logFileOf(options.home, service.title));
    options.state.processes[service.name] = { ...owned, ready: false };
    context.save();
    await becomeReady(service, context, options);
    report('ready', `process ${owned.pid}`);
  } catch (error) {
    report('failed', options.signal?.aborted === true ? 'interrupted' : (reasonOf(error).split('\n')[0] ?? ''));
    throw error;
  }
}

async function becomeReady(service: Service, context: ServiceContext, options: StackOptions): Promise<void> {
  const owned = options.state.processes[service.name];
  if (owned === undefined) return;
  await waitUntilReady(service, context, () => isAlive(owned), logFileOf(options.home, service.title));
  owned.ready = true;
  context.save();
}

/** Ends the service's process and takes it out of the state file. */
export async function stopProcess(service: Service, options: Omit<StackOptions, 'cache' | 'signal'>): Promise<void> {
  const owned = options.state.processes[service.name];
  if (owned === undefined) return;
  const report = reporter(service, options);
  if (isAlive(owned)) {
    report('stopping', `process ${owned.pid}`);
    const how = await endOwned(owned, service.stopSignal, service.stopGraceMs);
    report('stopped', how === 'killed' ? `killed: it did not end within ${service.stopGraceMs / 1000} s` : '');
  }
  const { [service.name]: _ended, ...others } = options.state.processes;
  options.state.processes = others;
  try {
    saveState(options.home, options.state);
  } catch (error) {
    // A full disk: the file goes on naming the process, which every reader finds gone.
    if (!isCode(error, 'ENOSPC')) throw error;
  }
}

export function contextOf(service: Service, options: StackOptions): ServiceContext {
  const { home, cache, state, signal } = options;
  return { home, cache, state, signal, say: reporter(service, options), save: () => saveState(home, state) };
}

/** Progress of one service, with the seconds since this call. */
export function reporter(
  service: Service,
  { onProgress }: { onProgress: OnProgress },
): (state: Parameters<OnProgress>[0]['state'], detail: string) => void {
  const begun = performance.now();
  return (state, detail) =>
    onProgress({ service: service.name, state, seconds: (performance.now() - begun) / 1000, detail });
}
