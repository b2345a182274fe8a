/**
 * One MariaDB server with the databases sales and warehouse, for pipelines with a mysql:// connection. Not part of the
 * stack until somebody asks for it (`headrace up --with mariadb`, the tests, the bench). Debian's program, the home's own
 * data: the system's service is neither needed nor touched (the package mariadb-server-core brings no service).
 */
import { chownSync, existsSync, mkdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createConnection } from 'mysql2/promise';
import { mariadbOf, mysqlUrl } from '../addresses.ts';
import { installPackages } from '../debian.ts';
import { isInstalled } from '../prerequisites.ts';
import { runCommand } from '../run-command.ts';
import type { Service, ServiceContext } from '../service.ts';
import { StackError } from '../stack-error.ts';
import { logFileOf, type MariadbState } from '../state.ts';
import { MYSQL_DATABASES, type MysqlDatabase } from '../types.ts';
import { serverDataFolder, serverUser } from './postgres-user.ts';

/** May do anything; for the stack and its tests alone: no address that `up` hands out holds it. */
export const MARIADB_ADMIN = 'headrace_admin';
const CONNECT_TIMEOUT_MS = 2_000;
const PACKAGE = 'mariadb-server-core';
/** Where distributions keep the statements that make the system's tables. */
const SHARE = ['/usr/share/mysql', '/usr/share/mariadb', '/usr/local/share/mysql', '/opt/homebrew/share/mysql'];
const SYSTEM_SQL = ['mysql_system_tables.sql', 'mysql_performance_tables.sql', 'mysql_system_tables_data.sql'];

export const mariadb: Service = {
  name: 'mariadb',
  title: 'mariadb',
  startTimeoutMs: 60_000,
  stopSignal: 'SIGTERM',
  stopGraceMs: 15_000,
  ports: (state) => [mariadbOf(state).port],
  needs: () => [],

  async prepare(context) {
    const { home, cache, state, signal } = context;
    const mine = mariadbOf(state);
    const user = serverUser();
    if (!isInstalled('mariadbd')) {
      const log = (line: string): void => context.say('building', line);
      await installPackages([PACKAGE], { cache, signal, log, what: 'MariaDB' });
    }
    mine.data ??= serverDataFolder(user, home, 'mariadb');
    context.save();
    const data = join(mine.data, 'data');
    if (!existsSync(data)) await initialise(context, mine.data, data);
    // Read at every start: what is there stays as it is, what is missing is made.
    const init = join(mine.data, 'init.sql');
    writeFileSync(init, initStatements(mine).join(';\n') + ';\n', { mode: 0o600 });
    if (user !== undefined) chownSync(init, user.uid, user.gid);
    const settings = {
      datadir: data,
      'bind-address': '127.0.0.1',
      port: String(mine.port),
      // Within the data folder: a path has at most 107 bytes.
      socket: 'socket',
      'pid-file': join(mine.data, 'pid'),
      'init-file': init,
      'character-set-server': 'utf8mb4',
      'innodb-buffer-pool-size': '256M',
      'innodb-log-file-size': '256M',
      'max-allowed-packet': '64M',
      'max-connections': '200',
      'skip-name-resolve': '1',
      'skip-log-bin': '1',
      ...certificateOf(mine.data),
    };
    return {
      command: 'mariadbd',
      args: ['--no-defaults', ...Object.entries(settings).map(([name, value]) => `--${name}=${value}`)],
      cwd: mine.data,
      ...user,
    };
  },

  async ready({ state }) {
    for (const database of MYSQL_DATABASES) await answers(mysqlUrl(state, database));
  },

  async healthy({ state }) {
    await answers(mysqlUrl(state, 'sales'));
  },
};

/** Laid into the folder of the data beforehand, so that the server speaks TLS: tests do. */
export const MARIADB_CERTIFICATE = { cert: 'server-cert.pem', key: 'server-key.pem' };

function certificateOf(folder: string): Record<string, string> {
  const cert = join(folder, MARIADB_CERTIFICATE.cert);
  return existsSync(cert) ? { 'ssl-cert': cert, 'ssl-key': join(folder, MARIADB_CERTIFICATE.key) } : {};
}

async function answers(uri: string): Promise<void> {
  const connection = await createConnection({ uri, connectTimeout: CONNECT_TIMEOUT_MS });
  await connection.query('SELECT 1').finally(() => connection.destroy());
}

function initStatements(secrets: MariadbState): string[] {
  // Headrace keeps its ledger in a database of its own, which the warehouse's user may make.
  const rights: Record<MysqlDatabase, readonly string[]> = { sales: ['sales'], warehouse: ['warehouse', 'headrace'] };
  const user = (name: string, secret: string): string[] => [
    `CREATE USER IF NOT EXISTS '${name}'@'%' IDENTIFIED BY '${secret}'`,
  ];
  return [
    ...user(MARIADB_ADMIN, secrets.admin),
    `GRANT ALL ON *.* TO '${MARIADB_ADMIN}'@'%' WITH GRANT OPTION`,
    ...MYSQL_DATABASES.flatMap((database) => [
      `CREATE DATABASE IF NOT EXISTS ${database}`,
      ...user(database, secrets[database]),
      ...rights[database].map((name) => `GRANT ALL ON ${name}.* TO '${database}'@'%'`),
    ]),
  ];
}

/**
 * Makes the system's tables beside their place and renames the folder there, so that an interrupted attempt leaves nothing
 * half done. By mariadbd itself: mariadb-install-db wants programs of other packages.
 */
async function initialise({ home, signal, say }: ServiceContext, root: string, data: string): Promise<void> {
  say('starting', 'making its data folder');
  const share = SHARE.find((folder) => existsSync(join(folder, SYSTEM_SQL[0] ?? '')));
  if (share === undefined) {
    throw new StackError(`MariaDB is installed without ${SYSTEM_SQL[0] ?? ''}; Debian: apt-get install ${PACKAGE}`);
  }
  const user = serverUser();
  const unfinished = `${data}.unfinished`;
  rmSync(unfinished, { recursive: true, force: true });
  mkdirSync(unfinished, { mode: 0o700 });
  if (user !== undefined) chownSync(unfinished, user.uid, user.gid);
  // A statement a line, as mariadb-install-db sends them.
  const script =
    `set -e; data=$1; shift; (printf '%s\\n' 'CREATE DATABASE mysql;' 'USE mysql;' "SET @auth_root_socket='root';"; ` +
    `cat "$@") | mariadbd --no-defaults --bootstrap --datadir="$data" --skip-log-bin`;
  const files = SYSTEM_SQL.map((file) => join(share, file));
  await runCommand('/bin/sh', ['-c', script, 'sh', unfinished, ...files], {
    log: logFileOf(home, 'mariadb'),
    cwd: root,
    signal,
    ...user,
  });
  renameSync(unfinished, data);
}
