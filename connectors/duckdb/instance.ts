/**
 * One DuckDB in memory a worker, with a connection a call, so that calls run side by side off the event loop. Guarantees:
 * no extension is looked for on the network, sessions are in UTC, memory is bounded (beyond, it spills to `tempDirectory`).
 */
import { DuckDBInstance, type DuckDBConnection, type JS } from '@duckdb/node-api';
import { fault, isFault, messageOf } from '../../contracts/errors.ts';
import { quoteText } from './sql-text.ts';
import { ESCAPE_MACRO } from './printed-json.ts';

export interface DuckDb {
  /** Runs `use` with a connection of its own. @throws Fault WorkerFault when memory or disk ran out */
  withConnection<T>(use: (connection: DuckDBConnection) => Promise<T>): Promise<T>;
  close(): void;
}

export interface DuckDbOptions {
  threads: number;
  memoryLimitMb: number;
  tempDirectory: string;
  /**
   * Connections are used again, which saves 0.5 ms of processor time a call (a cut's query takes 10). Not for queries that
   * leave something in their connection, such as temporary tables; and an error must reach withConnection. Default false.
   */
  keepConnections?: boolean;
}

/** Calls that run side by side; more connections are closed after use. */
const MAX_IDLE = 4;

/** icu is for TIMESTAMP WITH TIME ZONE. */
const NEEDED_EXTENSIONS = ['json', 'parquet', 'icu'];

export async function openDuckDb(options: DuckDbOptions): Promise<DuckDb> {
  let current = await open(options);
  let opening: Promise<void> | null = null;
  let idle: DuckDBConnection[] = [];

  function closeIdle(): void {
    for (const connection of idle) connection.closeSync();
    idle = [];
  }

  /** A fault inside DuckDB shuts the whole database for good: a new one takes its place. */
  async function reopen(broken: DuckDBInstance): Promise<void> {
    if (current !== broken) return;
    closeIdle();
    opening ??= open(options).then((instance) => {
      current = instance;
      opening = null;
      broken.closeSync();
    });
    await opening;
  }

  async function connect(): Promise<DuckDBConnection> {
    for (let attempt = 0; ; attempt++) {
      const instance = current;
      const connection = await instance.connect();
      try {
        await connection.run(`SET TimeZone = 'UTC'`);
        return connection;
      } catch (error) {
        connection.closeSync();
        if (attempt > 0) throw error;
        await reopen(instance);
      }
    }
  }

  return {
    async withConnection(use) {
      try {
        const connection = idle.pop() ?? (await connect());
        const instance = current;
        let keep = false;
        try {
          const result = await use(connection);
          keep = options.keepConnections === true && instance === current && idle.length < MAX_IDLE;
          return result;
        } catch (error) {
          closeIdle(); // the database may be shut, which only a new connection finds out
          throw error;
        } finally {
          if (keep) idle.push(connection);
          else connection.closeSync();
        }
      } catch (error) {
        throw asFault(error);
      }
    },
    close() {
      closeIdle();
      current.closeSync();
    },
  };
}

async function open(options: DuckDbOptions): Promise<DuckDBInstance> {
  const instance = await DuckDBInstance.create(':memory:', {
    threads: String(options.threads),
    memory_limit: `${options.memoryLimitMb}MB`,
    temp_directory: options.tempDirectory,
    autoinstall_known_extensions: 'false',
    autoload_known_extensions: 'false',
  });
  const connection = await instance.connect();
  try {
    const built = await rows(connection, 'SELECT extension_name FROM duckdb_extensions() WHERE loaded');
    const missing = NEEDED_EXTENSIONS.filter((name) => !built.some((row) => row[0] === name));
    if (missing.length > 0) {
      const what = `this build of DuckDB lacks ${missing.join(', ')}, and none is downloaded: use the one in package.json`;
      throw fault('WorkerFault', what);
    }
    await connection.run(ESCAPE_MACRO);
  } finally {
    connection.closeSync();
  }
  return instance;
}

/** All rows of a query, which must be few. */
export async function rows(connection: DuckDBConnection, sql: string): Promise<JS[][]> {
  return (await connection.runAndReadAll(sql)).getRowsJS();
}

/** Rows that a COPY … TO wrote. */
export async function copied(
  connection: DuckDBConnection,
  query: string,
  path: string,
  options: string,
): Promise<number> {
  const result = await rows(connection, `COPY (${query}) TO ${quoteText(path)} (${options})`);
  return Number(result[0]?.[0]);
}

/** DuckDB's messages open with the kind of error. */
const RESOURCE_ERROR = /^(Out of Memory|IO) Error|No space left/i;

export function isResourceError(error: unknown): boolean {
  return RESOURCE_ERROR.test(messageOf(error));
}

function asFault(error: unknown): Error {
  if (isFault(error)) return error;
  return fault(isResourceError(error) ? 'WorkerFault' : 'Unexpected', `DuckDB: ${messageOf(error)}`, error);
}
