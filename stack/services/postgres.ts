/**
 * One PostgreSQL 18 server with the databases sales, warehouse and control, each owned by a role of its own that can
 * enter no other. Durable as shipped (fsync on): what the tests kill must come back.
 */
import { chownSync, existsSync, mkdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { canReach, serverDataFolder, serverUser, systemFolder } from './postgres-user.ts';
import { clearDeadServer } from './postgres-orphans.ts';
import { postgresBinaries } from './postgres-binaries.ts';
import { ADMIN, createDatabases, serverAnswers } from './postgres-databases.ts';
import { runCommand } from '../run-command.ts';
import type { Launch, Service, ServiceContext } from '../service.ts';
import { logFileOf } from '../state.ts';

/** Collation and character classes by code point, inside the server: equal on every machine, whatever its locales. */
const INITDB = ['--encoding=UTF8', '--locale-provider=builtin', '--builtin-locale=C.UTF-8', '--locale=C'];

export const postgres: Service = {
  name: 'postgres',
  title: 'postgres',
  startTimeoutMs: 60_000,
  // On SIGTERM it would wait for its clients to leave.
  stopSignal: 'SIGINT',
  stopGraceMs: 15_000,
  ports: ({ ports }) => [ports.postgres],
  needs: () => [],

  async prepare(context) {
    const { home, cache, state, signal, say } = context;
    const user = serverUser();
    const onWait = (pid: number): void => say('building', `process ${pid} is copying its programs`);
    mkdirSync(cache, { recursive: true });
    const reachable = canReach(user, cache) ? cache : systemFolder('cache');
    const binaries = await postgresBinaries({ cache: reachable, signal, onWait });
    state.postgresData ??= serverDataFolder(user, home, 'postgres');
    context.save();
    const data = join(state.postgresData, 'data');
    if (!existsSync(join(data, 'PG_VERSION'))) await initialise(context, binaries, data);
    await clearDeadServer(data, signal);
    const settings = {
      listen_addresses: '127.0.0.1',
      port: String(state.ports.postgres),
      unix_socket_directories: '',
      max_connections: '200',
      shared_buffers: '256MB',
      max_wal_size: '2GB',
      log_min_messages: 'warning',
    };
    const launch: Launch = {
      command: join(binaries, 'bin', 'postgres'),
      args: ['-D', data, ...Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`])],
      cwd: state.postgresData,
      ...user,
    };
    return launch;
  },

  async ready({ state }) {
    await createDatabases(state);
  },

  async healthy({ state }) {
    await serverAnswers(state);
  },
};

/** Makes the cluster beside its place and renames it there, so that an interrupted initdb leaves nothing half done. */
async function initialise({ home, state, signal, say }: ServiceContext, binaries: string, data: string): Promise<void> {
  say('starting', 'making its data folder');
  const user = serverUser();
  const root = state.postgresData ?? home;
  const passwordFile = join(root, 'admin-password');
  const unfinished = `${data}.unfinished`;
  rmSync(unfinished, { recursive: true, force: true });
  writeFileSync(passwordFile, state.secrets.postgresAdmin, { mode: 0o600 });
  if (user !== undefined) chownSync(passwordFile, user.uid, user.gid);
  const access = [`--username=${ADMIN}`, `--pwfile=${passwordFile}`, '--auth=scram-sha-256'];
  try {
    await runCommand(join(binaries, 'bin', 'initdb'), [`--pgdata=${unfinished}`, ...access, ...INITDB], {
      log: logFileOf(home, 'postgres'),
      cwd: root,
      signal,
      ...user,
    });
  } finally {
    rmSync(passwordFile, { force: true });
  }
  renameSync(unfinished, data);
}
