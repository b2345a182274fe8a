/**
 * How the warehouse's connections are used: every error leaves as a Fault, and a connection whose state is not known is
 * closed, never handed back to the pool: the server rolls back.
 */
import type { PoolConnection } from 'mysql2';
import type { TableName } from '../../contracts/columns.ts';
import { type Fault, fault, isFault, messageOf } from '../../contracts/errors.ts';
import type { MysqlSettings } from '../../contracts/settings.ts';
import { errorNumber, mysqlFault } from './errors.ts';
import { commonSession, type Database, openDatabase, run, texts, withConnection } from './pool.ts';
import { quoteTable, quoteText } from './sql-text.ts';

/** A loader that stops in the middle (stopped machine, no FIN) holds its ledger rows for no longer than this. */
const IDLE_IN_TRANSACTION_S = 60;
/** Staged rows may wait for the transaction before theirs. */
const IDLE_S = 60 * 60;
/** The upsert of a million rows takes tens of seconds; this is the alarm, not the plan. */
export const STATEMENT_S = 15 * 60;
/** As STATEMENT_S, where a whole table is replaced. */
export const REPLACE_S = 12 * 60 * 60;
/** Patience with another loader's transaction on the same ledger rows. */
export const LOCK_S = 5 * 60;
const LOCK = 'headrace.create';
const LOCK_WAIT_S = 120;

/** Numbers of what the table's own definition refuses: too long, out of range, NULL, duplicate, foreign key, check. */
const REFUSED = [
  1048, 1062, 1136, 1216, 1217, 1262, 1264, 1265, 1292, 1364, 1366, 1406, 1442, 1451, 1452, 1525, 1644, 3819, 4025,
];

/**
 * Strict, so that a statement that is not LOAD DATA fails where a value does not fit; an id of 0 is 0, not the next number;
 * backslashes are what they are.
 */
const SQL_MODE = 'STRICT_ALL_TABLES,NO_AUTO_VALUE_ON_ZERO,NO_ENGINE_SUBSTITUTION,NO_BACKSLASH_ESCAPES';

export function openWarehouseDatabase(settings: MysqlSettings, size: number): Database {
  return openDatabase(settings, 'warehouse', 'WarehouseUnavailable', size, (flavour) => [
    ...commonSession(flavour, STATEMENT_S),
    // Rows that another loader commits meanwhile are seen, and no gap of the index is locked.
    `SET SESSION sql_mode = '${SQL_MODE}', innodb_lock_wait_timeout = ${LOCK_S}, lock_wait_timeout = ${LOCK_S}, ` +
      `wait_timeout = ${IDLE_S}`,
    'SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED',
  ]);
}

export function doing(what: string, name: TableName): string {
  return `${what} warehouse table ${quoteTable(name)}`;
}

export async function withWarehouse<T>(
  database: Database,
  what: string,
  work: (connection: PoolConnection) => Promise<T>,
): Promise<T> {
  return await withConnection(database, what, work, (error) => warehouseFault(error, what));
}

/** Runs `work` in one transaction whose idle time is short; an error leaves it to the caller to close the connection. */
export async function inShortTransaction<T>(connection: PoolConnection, work: () => Promise<T>): Promise<T> {
  await run(connection, `SET SESSION wait_timeout = ${IDLE_IN_TRANSACTION_S}`);
  await run(connection, 'START TRANSACTION');
  const result = await work();
  await run(connection, 'COMMIT');
  await run(connection, `SET SESSION wait_timeout = ${IDLE_S}`);
  return result;
}

/** One maker of tables at a time, by a lock of the server's by name, which a lost connection frees: DDL commits at once. */
export async function withCreationLock<T>(connection: PoolConnection, work: () => Promise<T>): Promise<T> {
  const [row] = await texts(connection, `SELECT GET_LOCK(${quoteText(LOCK)}, ${LOCK_WAIT_S})`);
  if (row?.[0] !== '1')
    throw fault('WarehouseUnavailable', `the lock ${LOCK} is held by another process for over ${LOCK_WAIT_S} s`);
  const result = await work();
  await texts(connection, `SELECT RELEASE_LOCK(${quoteText(LOCK)})`);
  return result;
}

export function warehouseFault(error: unknown, what: string): Fault {
  if (isFault(error)) return error;
  const number = errorNumber(error);
  if (number !== undefined && REFUSED.includes(number)) {
    return fault('RowsRefused', `${what}: ${messageOf(error)} (error ${number})`, error);
  }
  return mysqlFault(error, 'WarehouseUnavailable', what);
}
