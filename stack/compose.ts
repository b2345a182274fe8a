/**
 * The same stack by Docker Compose, where a daemon answers: docker-compose.yml of the checkout under a project of the
 * home's own, with the home's ports and passwords, so that two homes run side by side here too.
 */
import { createHash } from 'node:crypto';
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { CHECKOUT, childEnvironment } from './environment.ts';
import { runCommand } from './run-command.ts';
import { logFileOf, type StackStateFile } from './state.ts';
import type { ServiceName } from './types.ts';

const PROBE_TIMEOUT_MS = 2_000;
/** The first time, images of about 1 GB are pulled. */
const UP_TIMEOUT_MS = 15 * 60_000;
const WAIT_SECONDS = 180;

export interface ComposeTarget {
  home: string;
  state: StackStateFile;
  signal?: AbortSignal | undefined;
}

/** Whether a Docker daemon answers within two seconds, and the client knows compose. */
export function composeIsUsable(): boolean {
  return [['info'], ['compose', 'version']].every((args) => {
    const { status } = spawnSync('docker', args, {
      env: childEnvironment(),
      stdio: 'ignore',
      timeout: PROBE_TIMEOUT_MS,
      killSignal: 'SIGKILL',
    });
    return status === 0;
  });
}

/** Creates or starts the containers and waits until their health checks pass. */
export async function composeUp(services: readonly ServiceName[], target: ComposeTarget): Promise<void> {
  await compose(['up', '--detach', '--wait', '--wait-timeout', String(WAIT_SECONDS), ...services], target);
}

/** Stops the containers and removes them; with `purge` also their volumes, which hold the data. */
export async function composeDown(purge: boolean, target: ComposeTarget): Promise<void> {
  await compose(['down', ...(purge ? ['--volumes'] : [])], target);
}

/** Stops containers, and keeps them. */
export async function composeStop(services: readonly ServiceName[], target: ComposeTarget): Promise<void> {
  if (services.length > 0) await compose(['stop', ...services], target);
}

/** Breaks a container: kills it, freezes it with all its processes, or wakes it again. */
export async function composeFault(
  service: ServiceName,
  fault: 'kill' | 'pause' | 'unpause',
  target: ComposeTarget,
): Promise<void> {
  await compose([fault, service], target);
}

async function compose(args: readonly string[], { home, state, signal }: ComposeTarget): Promise<void> {
  const project = `headrace-${createHash('sha256').update(home).digest('hex').slice(0, 12)}`;
  const file = ['compose', '--file', join(CHECKOUT, 'docker-compose.yml'), '--project-name', project];
  await runCommand('docker', [...file, ...args], {
    env: composeEnvironment(state),
    log: logFileOf(home, 'compose'),
    signal,
    timeoutMs: UP_TIMEOUT_MS,
    remedy: `docker compose --project-name ${project} logs tells more; HEADRACE_STACK=native does without Docker`,
  });
}

/** The variables that docker-compose.yml reads. */
function composeEnvironment({ ports, secrets, mariadb }: StackStateFile): Record<string, string> {
  return {
    ...(mariadb === undefined
      ? {}
      : {
          HEADRACE_MARIADB_PORT: String(mariadb.port),
          HEADRACE_MARIADB_ADMIN_PASSWORD: mariadb.admin,
          HEADRACE_MARIADB_SALES_PASSWORD: mariadb.sales,
          HEADRACE_MARIADB_WAREHOUSE_PASSWORD: mariadb.warehouse,
        }),
    HEADRACE_POSTGRES_PORT: String(ports.postgres),
    HEADRACE_TEMPORAL_PORT: String(ports.temporal),
    HEADRACE_TEMPORAL_UI_PORT: String(ports.temporalUi),
    HEADRACE_KAFKA_PORT: String(ports.kafka),
    HEADRACE_S3_PORT: String(ports.s3),
    HEADRACE_S3_CONSOLE_PORT: String(ports.s3Console),
    HEADRACE_POSTGRES_ADMIN_PASSWORD: secrets.postgresAdmin,
    HEADRACE_SALES_PASSWORD: secrets.sales,
    HEADRACE_WAREHOUSE_PASSWORD: secrets.warehouse,
    HEADRACE_CONTROL_PASSWORD: secrets.control,
    HEADRACE_S3_ACCESS_KEY_ID: secrets.s3AccessKeyId,
    HEADRACE_S3_SECRET_ACCESS_KEY: secrets.s3SecretAccessKey,
  };
}
