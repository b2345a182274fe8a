/** The services of a home as containers: the same answers and the same faults as for processes (native.ts). */
import { composeFault, composeStop, composeUp } from './compose.ts';
import { contextOf, reporter, type StackOptions } from './native.ts';
import { waitUntilReady, type Service } from './service.ts';
import { logFileOf } from './state.ts';

/** Whether the service's container answers on its port. */
export async function findContainer(service: Service, options: StackOptions): Promise<boolean> {
  try {
    await service.healthy(contextOf(service, options));
    reporter(service, options)('found', 'container');
    return true;
  } catch {
    return false;
  }
}

/**
 * Starts the containers of these services and waits until a client could use each.
 * @throws StackError if one does not come up; what this call started is stopped then. StackInterrupted on abort
 */
export async function startContainers(services: readonly Service[], options: StackOptions): Promise<void> {
  const names = services.map((service) => service.name);
  const reports = services.map((service) => reporter(service, options));
  try {
    for (const report of reports) report('starting', 'container');
    await composeUp(names, options);
    await Promise.all(
      services.map(async (service, index) => {
        // The health checks have passed: what is left is the coordinators and the bucket.
        await waitUntilReady(service, contextOf(service, options), () => true, logFileOf(options.home, 'compose'));
        reports[index]?.('ready', 'container');
      }),
    );
  } catch (error) {
    for (const report of reports) report('failed', options.signal?.aborted === true ? 'interrupted' : 'failed');
    await composeStop(names, { ...options, signal: undefined });
    throw error;
  }
}

/** Breaks one container as fault-controls.ts promises for processes. */
export async function breakContainer(
  service: Service,
  signal: 'SIGKILL' | 'SIGTERM' | 'SIGSTOP',
  options: StackOptions,
): Promise<void> {
  if (signal === 'SIGTERM') await composeStop([service.name], options);
  else await composeFault(service.name, signal === 'SIGKILL' ? 'kill' : 'pause', options);
}

/** Wakes or starts one container. */
export async function mendContainer(service: Service, options: StackOptions): Promise<void> {
  // Docker refuses to wake what it has not put to sleep; then starting it is all there is to do.
  await composeFault(service.name, 'unpause', options).catch(() => undefined);
  await startContainers([service], options);
}
