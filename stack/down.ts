/**
 * `headrace down`: stops the processes that `up` recorded, each only while it is still the process that was recorded.
 * Data, ports and passwords stay for the next `up`, unless purged.
 */
import { existsSync, rmSync, rmdirSync } from 'node:fs';
import { join } from 'node:path';
import { composeDown } from './compose.ts';
import { withLock } from './lock.ts';
import { stopProcess } from './native.ts';
import { requireOwnHome } from './own-home.ts';
import { stackServices } from './services.ts';
import { loadState, lockFileOf, stateFileOf, type StackStateFile } from './state.ts';
import type { OnProgress } from './types.ts';

export interface DownOptions {
  home: string;
  /** Also removes data, logs, ports and passwords: what `up` made in the home, and nothing else. */
  purge: boolean;
  onProgress?: OnProgress;
  signal?: AbortSignal;
}

const LOCK_TIMEOUT_MS = 60_000;
const FOLDERS = ['postgres', 'mariadb', 'temporal', 'kafka', 'minio', 'seaweedfs', 'logs'];

/**
 * Stops the home's stack; without one it does nothing.
 * @throws StackError if another `up` or `down` of the home goes on for more than a minute
 */
export async function down(options: DownOptions): Promise<void> {
  const { home, purge } = options;
  requireOwnHome(home);
  if (!existsSync(home)) return;
  const onProgress = options.onProgress ?? ((): void => undefined);
  await withLock(lockFileOf(home), { signal: options.signal, timeoutMs: LOCK_TIMEOUT_MS }, async () => {
    const state = loadState(home);
    if (state?.mode === 'native') await stopProcesses(home, state, onProgress);
    if (state?.mode === 'compose') await composeDown(purge, { home, state, signal: options.signal });
    // Only where a state file says that a stack was here: the folder may be one of the user's, named by mistake.
    if (!purge || state === undefined) return;
    if (state.postgresData !== undefined) rmSync(state.postgresData, { recursive: true, force: true });
    if (state.mariadb?.data !== undefined) rmSync(state.mariadb.data, { recursive: true, force: true });
    for (const folder of FOLDERS) rmSync(join(home, folder), { recursive: true, force: true });
    rmSync(stateFileOf(home), { force: true });
  });
  if (purge) removeIfEmpty(home);
}

/** Temporal first: it would go on handing out work whose services are going away. The others need no order. */
async function stopProcesses(home: string, state: StackStateFile, onProgress: OnProgress): Promise<void> {
  const services = stackServices(state);
  const first = services.filter((service) => service.name === 'temporal');
  const others = services.filter((service) => service.name !== 'temporal');
  for (const group of [first, others]) {
    await Promise.all(group.map((service) => stopProcess(service, { home, state, onProgress })));
  }
}

function removeIfEmpty(folder: string): void {
  try {
    rmdirSync(folder);
  } catch {
    // It holds something that `up` did not make.
  }
}
