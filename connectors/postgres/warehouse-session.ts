/**
 * How the warehouse's connections are used: every error leaves as a Fault, and a connection whose state is not known
 * (an error inside a transaction, a lost socket) is closed, never handed back to the pool: the server rolls back.
 */
import type pg from 'pg';
import type { TableName } from '../../contracts/columns.ts';
import { type Fault, fault, isFault, messageOf } from '../../contracts/errors.ts';
import { quoteTable } from '../../formats/sql-names.ts';
import { postgresFault, sqlState } from './errors.ts';

/** A loader that stops in the middle (stopped machine, no FIN) holds its ledger rows for no longer than this. */
export const IDLE_IN_TRANSACTION_MS = 60_000;
/** The upsert of a million rows into a table with several indexes takes tens of seconds; this is the alarm, not the plan. */
export const STATEMENT_MS = 15 * 60_000;
/** As STATEMENT_MS, where a whole table is replaced. */
export const REPLACE_MS = 12 * 60 * 60_000;
/** Patience with another loader's transaction on the same ledger rows, or with a user's lock on the table. */
export const LOCK_MS = 5 * 60_000;

/** A session's staging table. */
export const STAGE = 'pg_temp.headrace_stage';

export function doing(what: string, name: TableName): string {
  return `${what} warehouse table ${quoteTable(name)}`;
}

/** Checks a connection out for `work`. */
export async function withClient<T>(
  pool: pg.Pool,
  what: string,
  work: (client: pg.PoolClient) => Promise<T>,
): Promise<T> {
  const client = await checkOut(pool, what);
  try {
    const result = await work(client);
    client.release();
    return result;
  } catch (error) {
    client.release(true);
    throw warehouseFault(error, what);
  }
}

export async function checkOut(pool: pg.Pool, what: string): Promise<pg.PoolClient> {
  try {
    return await pool.connect();
  } catch (error) {
    throw warehouseFault(error, what);
  }
}

/** The limits of the transaction that follows; SET LOCAL, so that they end with it. */
export async function beginShort(client: pg.PoolClient, statementMs = STATEMENT_MS): Promise<void> {
  await client.query(
    `BEGIN; SET LOCAL idle_in_transaction_session_timeout = ${IDLE_IN_TRANSACTION_MS}; ` +
      `SET LOCAL statement_timeout = ${statementMs}; SET LOCAL lock_timeout = ${LOCK_MS}`,
  );
}

/**
 * Classes 22 (data) and 23 (constraints), a view's WITH CHECK OPTION and a trigger's RAISE EXCEPTION are about rows, class 42
 * (names, types) about the table's own definition.
 */
export function warehouseFault(error: unknown, what: string): Fault {
  if (isFault(error)) return error;
  const state = sqlState(error);
  if (state !== undefined) {
    const text = `${what}: ${messageOf(error)}${detailOf(error)} (SQLSTATE ${state})`;
    if (/^(22|23|44000|P0001)/.test(state)) return fault('RowsRefused', text, error);
    if (/^42(?!501|P01)/.test(state))
      return fault('TableUnsuited', `${text}; change the table so that it takes what the source holds`, error);
  }
  return postgresFault(error, 'WarehouseUnavailable', what);
}

function detailOf(error: unknown): string {
  const named = typeof error === 'object' && error !== null && 'detail' in error;
  return named && typeof error.detail === 'string' ? ` (${error.detail})` : '';
}
