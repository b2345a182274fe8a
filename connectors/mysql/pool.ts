/**
 * Pools of connections whose sessions print values one way, whatever the server's settings are: UTC, utf8mb4, no padded char.
 * The server's own sql_mode is kept but for that: a filter means what it means in the user's own client.
 */
import {
  createConnection,
  createPool,
  type Connection,
  type ConnectionOptions,
  type Pool,
  type PoolConnection,
  type QueryOptions,
  type ResultSetHeader,
} from 'mysql2';
import { type Fault, fault } from '../../contracts/errors.ts';
import type { MysqlSettings } from '../../contracts/settings.ts';
import { awaitAnswer, type OpenLook, watch } from './answer-watch.ts';
import { mysqlFault, type Unavailable } from './errors.ts';
import { requireIdentity, tlsOptions } from './tls.ts';

const CONNECT_TIMEOUT_MS = 10_000;
const IDLE_CLOSE_MS = 30_000;
/** A peer whose machine or route is gone is noticed 10 s later, as in connectors/postgres/pool.ts. */
const KEEP_ALIVE_AFTER_MS = 10_000;
/** How long the server waits for a client that does not read on: Kafka may be slow, back-pressure reaches the socket. */
const NET_TIMEOUT_S = 600;

export interface Database {
  pool: Pool;
  /** Beside the pool, for looks at its sessions. */
  openLook: OpenLook;
  unavailable: Unavailable;
  /** Statements that each new session begins with. */
  session: (flavour: Flavour) => readonly string[];
  /** Of a connection, before anything else. @throws Error where the server is not the one that is wanted */
  identify: (connection: Connection) => void;
  prepared: WeakSet<Connection>;
}

/** MariaDB forked from MySQL, and names some things otherwise. */
export type Flavour = 'mariadb' | 'mysql';

/**
 * @param name of ours, for the server's list of connections
 * @param session further statements of each session
 */
export function openDatabase(
  settings: MysqlSettings,
  name: string,
  unavailable: Unavailable,
  size: number,
  session: Database['session'],
): Database {
  const options: ConnectionOptions = {
    ...addressOf(settings),
    connectTimeout: CONNECT_TIMEOUT_MS,
    enableKeepAlive: true,
    keepAliveInitialDelay: KEEP_ALIVE_AFTER_MS,
    charset: 'utf8mb4',
    timezone: 'Z',
    // Rows changed are counted, not rows found; no statement behind another.
    flags: ['-FOUND_ROWS', '-MULTI_STATEMENTS'],
    connectAttributes: { program_name: `headrace ${name}` },
    rowsAsArray: true,
    // Every value as the bytes that were sent: what is parsed is decided by formats/mysql-text.ts.
    typeCast: false,
  };
  const pool = createPool({ ...options, connectionLimit: size, maxIdle: size, idleTimeout: IDLE_CLOSE_MS });
  const identify = (connection: Connection): void => requireIdentity(settings, connection);
  const openLook = (): Connection => {
    const connection = createConnection(options);
    connection.once('connect', () => {
      try {
        identify(connection);
      } catch {
        connection.destroy(); // then nothing is known, as where the server cannot be asked
      }
    });
    return connection;
  };
  return { pool, openLook, unavailable, session, identify, prepared: new WeakSet() };
}

function addressOf(settings: MysqlSettings) {
  const { hostname, port, username, password } = new URL(settings.url);
  const ssl = tlsOptions(settings);
  return {
    host: hostname.replaceAll(/^\[|\]$/g, ''),
    port: port === '' ? 3306 : Number(port),
    user: decodeURIComponent(username),
    password: decodeURIComponent(password),
    database: databaseOf(settings),
    ...(ssl === undefined ? {} : { ssl }),
  };
}

/** The address's database: where a table's name of one part is. */
export function databaseOf({ url }: Pick<MysqlSettings, 'url'>): string {
  return decodeURIComponent(new URL(url).pathname.slice(1));
}

export type Row = (Buffer | null)[];
type Raw = Row[] | ResultSetHeader;

function send(connection: Connection, options: QueryOptions): Promise<Raw> {
  return new Promise((resolve, reject) => {
    const answered = awaitAnswer(connection, reject);
    connection.query<ResultSetHeader>(options, (error: Error | null, result) => {
      answered();
      if (error) reject(error);
      else resolve(result);
    });
  });
}

/** Rows of a statement, each value as bytes. */
export async function select(connection: Connection, sql: string): Promise<Row[]> {
  const result = await send(connection, { sql });
  if (!Array.isArray(result)) throw fault('Unexpected', `the statement gave no rows: ${sql.slice(0, 100)}`);
  return result;
}

/** As select, each value as text. */
export async function texts(connection: Connection, sql: string): Promise<(string | null)[][]> {
  return (await select(connection, sql)).map((row) => row.map((value) => value?.toString('utf8') ?? null));
}

/** A statement without rows. */
export async function run(
  connection: Connection,
  sql: string,
  options: Omit<QueryOptions, 'sql'> = {},
): Promise<ResultSetHeader> {
  const result = await send(connection, { sql, ...options });
  if (Array.isArray(result)) throw fault('Unexpected', `the statement gave rows: ${sql.slice(0, 100)}`);
  return result;
}

/** A connection whose session is set; to be released, or destroyed where its state is not known. */
export async function checkOut(database: Database, doing: string): Promise<PoolConnection> {
  const connection = await new Promise<PoolConnection>((resolve, reject) => {
    database.pool.getConnection((error, found) => (error ? reject(error) : resolve(found)));
  }).catch((error: unknown) => {
    throw mysqlFault(error, database.unavailable, doing);
  });
  if (database.prepared.has(connection)) return connection;
  try {
    // A connection that dies while nobody uses it must not end the process.
    connection.on('error', () => undefined);
    database.identify(connection);
    watch(connection, database.openLook);
    for (const sql of database.session(await flavourOf(connection))) await run(connection, sql);
    database.prepared.add(connection);
    return connection;
  } catch (error) {
    connection.destroy();
    throw mysqlFault(error, database.unavailable, doing);
  }
}

export async function flavourOf(connection: Connection): Promise<Flavour> {
  const version = (await texts(connection, 'SELECT VERSION()'))[0]?.[0] ?? '';
  return /mariadb/i.test(version) ? 'mariadb' : 'mysql';
}

/** Checks a connection out for `work`; after an error it is closed, and the server rolls back. */
export async function withConnection<T>(
  database: Database,
  doing: string,
  work: (connection: PoolConnection) => Promise<T>,
  toFault: (error: unknown) => Fault = (error) => mysqlFault(error, database.unavailable, doing),
): Promise<T> {
  const connection = await checkOut(database, doing);
  try {
    const result = await work(connection);
    connection.release();
    return result;
  } catch (error) {
    connection.destroy();
    throw toFault(error);
  }
}

export async function closeDatabase({ pool }: Database): Promise<void> {
  await new Promise<void>((resolve) => pool.end(() => resolve()));
}

/** What every session has in common. */
export function commonSession(flavour: Flavour, statementSeconds: number): string[] {
  return [
    `SET SESSION time_zone = '+00:00', sql_mode = REPLACE(@@sql_mode, 'PAD_CHAR_TO_FULL_LENGTH', ''), ` +
      `net_write_timeout = ${NET_TIMEOUT_S}, net_read_timeout = ${NET_TIMEOUT_S}`,
    statementLimit(flavour, statementSeconds),
  ];
}

export function statementLimit(flavour: Flavour, seconds: number): string {
  return flavour === 'mariadb'
    ? `SET SESSION max_statement_time = ${seconds}`
    : `SET SESSION max_execution_time = ${seconds * 1000}`;
}

/** A session that can change nothing. */
export function readOnlySession(flavour: Flavour, statementSeconds: number): string[] {
  return [...commonSession(flavour, statementSeconds), 'SET SESSION TRANSACTION READ ONLY'];
}
