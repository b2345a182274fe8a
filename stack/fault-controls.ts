/**
 * Breaks and mends single services of a running stack, for tests of what Headrace promises when one of them dies.
 * The port and the data stay; `up` and `down` work on a stack with broken services as on any other.
 */
import { breakContainer, mendContainer } from './containers.ts';
import { stackFolders } from './environment.ts';
import { withLock } from './lock.ts';
import { findProcess, startProcess, type StackOptions } from './native.ts';
import { isAlive, signalOwned, signalTree, waitUntilGone } from './process-identity.ts';
import type { Service } from './service.ts';
import { stackService } from './services.ts';
import { StackError } from './stack-error.ts';
import { loadState, lockFileOf } from './state.ts';
import type { ServiceName } from './types.ts';

export type FaultSignal = 'SIGKILL' | 'SIGTERM' | 'SIGSTOP';

const LOCK_TIMEOUT_MS = 60_000;

/**
 * Sends the signal to the service and its helpers; with SIGKILL and SIGTERM it is gone when this returns. SIGTERM
 * stands for the signal on which the service ends in order (PostgreSQL: SIGINT). SIGSTOP leaves it there, deaf: its
 * connections stay open and nothing answers, as with a partitioned network.
 * @throws StackError if the service does not run, or does not end on SIGTERM within its time
 */
export async function stopService(home: string, name: ServiceName, signal: FaultSignal): Promise<void> {
  await withService(home, name, async (service, options) => {
    if (options.state.mode === 'compose') return await breakContainer(service, signal, options);
    const owned = options.state.processes[name];
    if (!isAlive(owned)) throw new StackError(`${name} of the stack in ${home} does not run; up starts it`);
    if (signal === 'SIGTERM') signalOwned(owned, service.stopSignal);
    else signalTree(owned, signal);
    if (signal === 'SIGSTOP' || (await waitUntilGone(owned, service.stopGraceMs))) return;
    const seconds = service.stopGraceMs / 1000;
    throw new StackError(`${service.title} (process ${owned.pid}) did not end within ${seconds} s of ${signal}`);
  });
}

/**
 * Makes the service usable again on its port and data: wakes it after SIGSTOP, starts it after the others.
 * @throws StackError with the log's tail if it does not come up
 */
export async function startService(home: string, name: ServiceName): Promise<void> {
  await withService(home, name, async (service, options) => {
    if (options.state.mode === 'compose') return await mendContainer(service, options);
    const owned = options.state.processes[name];
    if (owned !== undefined) signalTree(owned, 'SIGCONT');
    if (!(await findProcess(service, options))) await startProcess(service, options);
  });
}

async function withService(
  home: string,
  name: ServiceName,
  work: (service: Service, options: StackOptions) => Promise<void>,
): Promise<void> {
  await withLock(lockFileOf(home), { timeoutMs: LOCK_TIMEOUT_MS }, async () => {
    const state = loadState(home);
    if (state === undefined) throw new StackError(`there is no stack in ${home}; run up first`);
    const { cache } = stackFolders();
    const onProgress = (): void => undefined;
    await work(stackService(state, name), { home, cache, state, signal: undefined, onProgress });
  });
}
