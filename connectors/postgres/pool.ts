/**
 * Pools of connections whose sessions print values one way, whatever the server's settings are: UTC, ISO dates, shortest
 * exact floats, hex bytea. Everything that compares text between two databases rests on that.
 */
import pg from 'pg';
import { type Fault } from '../../contracts/errors.ts';
import type { PostgresSettings } from '../../contracts/settings.ts';
import { watchAnswers } from './answer-watch.ts';
import { type Unavailable, postgresFault } from './errors.ts';

const CONNECT_TIMEOUT_MS = 10_000;
const IDLE_CLOSE_MS = 30_000;
/** A peer whose machine or route is gone is noticed 10 s later (Node probes ten times, a second apart), not after Linux's two hours. */
const KEEP_ALIVE_AFTER_MS = 10_000;
const LOOK_WITHIN_MS = 5_000;

/** Session settings, as start-up options: no round trip, and none is forgotten after a reconnect. */
const SESSION = [
  'TimeZone=UTC',
  'DateStyle=ISO,MDY',
  'IntervalStyle=postgres',
  'extra_float_digits=3',
  'bytea_output=hex',
  'standard_conforming_strings=on',
  'client_encoding=UTF8',
  'row_security=off', // a hidden row would be a lost row: an error is better
];

/**
 * @param name shown in pg_stat_activity
 * @param size connections at most
 * @param extra further session settings, `name=value`
 * @param answerWithinMs where all statements are short: one whose answer does not come by then fails, and its connection is
 *   closed. Without it a server that hangs keeps a worker's activity slots and connections until it wakes. Not for COPY.
 *   Absent: statements take as long as the server works on them; lost answers are noticed as answer-watch.ts says
 */
export function openPool(
  settings: PostgresSettings,
  name: string,
  size = 8,
  extra: readonly string[] = [],
  answerWithinMs?: number,
): pg.Pool {
  const { url, options } = splitOptions(settings.url);
  const pool = new pg.Pool({
    connectionString: url,
    application_name: `headrace ${name}`,
    max: size,
    connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
    idleTimeoutMillis: IDLE_CLOSE_MS,
    keepAlive: true,
    keepAliveInitialDelayMillis: KEEP_ALIVE_AFTER_MS,
    options: [...options, ...[...SESSION, ...extra].map((setting) => `-c ${setting}`)].join(' '),
    allowExitOnIdle: true,
    ...(answerWithinMs === undefined ? {} : { query_timeout: answerWithinMs }),
    ...(settings.tls === undefined
      ? {}
      : {
          ssl: {
            rejectUnauthorized: settings.tls.verify,
            ...(settings.tls.ca === undefined ? {} : { ca: settings.tls.ca }),
            ...(settings.tls.cert === undefined ? {} : { cert: settings.tls.cert }),
            ...(settings.tls.key === undefined ? {} : { key: settings.tls.key }),
          },
        }),
  });
  // An idle connection that the server closes must not end the process; the next use opens a new one.
  pool.on('error', () => undefined);
  // Nor one that is in use, which the pool does not listen to: what runs on it fails by itself, and is tried again.
  pool.on('connect', (client) => client.on('error', () => undefined));
  if (answerWithinMs === undefined)
    watchAnswers(pool, () => openPool(settings, `watch of ${name}`, 1, [], LOOK_WITHIN_MS));
  return pool;
}

/**
 * An address's own `options` come first, so that ours win; left in the address, they would take the place of all of ours,
 * and row_security and the time zone with them.
 */
function splitOptions(address: string): { url: string; options: string[] } {
  if (!URL.canParse(address)) return { url: address, options: [] };
  const url = new URL(address);
  const options = url.searchParams.getAll('options');
  if (options.length === 0) return { url: address, options };
  url.searchParams.delete('options');
  return { url: url.href, options };
}

/** Runs one statement and maps its errors. */
export async function query<Row extends pg.QueryResultRow>(
  pool: pg.Pool | pg.PoolClient,
  unavailable: Unavailable,
  doing: string,
  text: string,
  values: readonly unknown[] = [],
): Promise<Row[]> {
  try {
    return (await pool.query<Row>(text, [...values])).rows;
  } catch (error) {
    throw postgresFault(error, unavailable, doing) satisfies Fault;
  }
}
