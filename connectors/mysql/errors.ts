/** MySQL's and MariaDB's errors as catalogue faults: by the server's error number, else it is the connection's. */
import { type Fault, type FaultCode, fault, isFault, messageOf, ROW_REMEDY } from '../../contracts/errors.ts';
import { tlsRemedy } from './tls.ts';

export type Unavailable = Extract<FaultCode, 'SourceUnavailable' | 'WarehouseUnavailable'>;

/** https://mariadb.com/kb/en/mariadb-error-code-reference/ */
const ACCESS = [1044, 1142, 1143, 1227, 1370];
/** The user, the password or the database of the address itself: no grant would help. */
const ADDRESS = [1045, 1049, 1698, 3118, 3955];
const MISSING = [1146, 1051];
const UNKNOWN_COLUMN = 1054;
/** On reading the source: what a row's value, or the filter on it, brings about, each time that it is read. */
const OF_A_ROW = [
  1139, // regular expression
  1242, // subquery has more than one row
  1292, // in a function: truncated value
  1365, // …division by zero
  1366, // …incorrect value
  1411, // …incorrect value for a function
  1525, // no date or time
  1644, // SIGNAL
  1690, // out of range, as the difference of two unsigned numbers
  1792, // a function that writes
  3140, // no JSON
  3141,
];
/** What a later attempt may not meet again. */
const TRANSIENT = [
  1021, // disk full
  1028, // sort aborted
  1037, // out of memory
  1038, // out of sort memory
  1040, // too many connections
  1053, // shutdown in progress
  1077, // normal shutdown
  1079, // shutdown complete
  1114, // table is full: a temporary table met a limit
  1129, // host blocked
  1152, // aborted connection
  1153, // packet too large for the connection
  1158, // network reading
  1159, // network reading timed out
  1160, // network writing
  1161, // network writing timed out
  1184, // aborted connection
  1203, // too many connections of the user
  1205, // lock wait timed out
  1213, // deadlock
  1226, // resource limit of the user
  1290, // read-only server, as while it fails over
  1317, // interrupted
  1836, // read-only mode
  1927, // connection was killed
  1969, // max_statement_time
  3024, // max_execution_time
  3159, // TLS only: the server's settings, or the address, are mended while it is tried again
  4031, // disconnected for inactivity
];

/** The server's error number; undefined where the connection failed. */
export function errorNumber(error: unknown): number | undefined {
  if (typeof error !== 'object' || error === null || !('errno' in error)) return undefined;
  const { errno } = error;
  // Node's socket errors have negative ones.
  return typeof errno === 'number' && errno > 0 ? errno : undefined;
}

/**
 * @param unavailable the code for "cannot be reached just now" on this side
 * @param doing what was being done, for the message
 */
export function mysqlFault(error: unknown, unavailable: Unavailable, doing: string): Fault {
  if (isFault(error)) return error;
  const number = errorNumber(error);
  const remedy = tlsRemedy(messageOf(error));
  const text =
    `${doing}: ${messageOf(error)}${number === undefined ? '' : ` (error ${number})`}` +
    (remedy === undefined ? '' : `; ${remedy}`);
  if (number === undefined || TRANSIENT.includes(number)) return fault(unavailable, text, error);
  if (ACCESS.includes(number)) {
    return fault('AccessDenied', `${text}; grant the user what docs/operations.md lists for MySQL`, error);
  }
  if (ADDRESS.includes(number)) {
    return fault('AccessDenied', `${text}; check user, password and database in the connection's address`, error);
  }
  if (MISSING.includes(number)) return fault('TableMissing', text, error);
  if (number === UNKNOWN_COLUMN && unavailable === 'SourceUnavailable') return fault('SourceChanged', text, error);
  if (OF_A_ROW.includes(number) && unavailable === 'SourceUnavailable')
    return fault('TableUnsuited', `${text}; ${ROW_REMEDY}`, error);
  return fault('Unexpected', text, error);
}
