/** PostgreSQL's errors as catalogue faults: by SQLSTATE class, else by the socket's code. */
import { type Fault, type FaultCode, fault, isFault, messageOf, ROW_REMEDY } from '../../contracts/errors.ts';

/** SQLSTATE classes (two characters) or whole codes that a later attempt may not meet again. */
const TRANSIENT = [
  '08', // connection exception
  '40', // serialization failure, deadlock
  '53', // insufficient resources
  '57P', // operator intervention: admin shutdown, crash shutdown, cannot connect now
  '55P03', // lock not available
  '58', // system error
  '25P03', // idle in transaction timeout
  'XX000', // internal error; as seen while a server goes down
];
const ACCESS = ['28', '42501', '3D000'];
/** On reading the source: what a row's value, or the filter on it, brings about, each time that it is read. */
const OF_A_ROW = [
  '21', // the filter's subquery has more than one row
  '22', // data exception: division by zero, a text that is no number, bytes that are no text
  '25006', // the filter's function writes
  'P0', // …or raises
];

/** Which database it is, and what says where: all three may be on one server, whose messages name none. */
const SIDES = {
  SourceUnavailable: { name: 'the source', setting: 'the connection that source.connection names' },
  ControlUnavailable: { name: 'the control database', setting: 'control in headrace.yaml, or HEADRACE_CONTROL_URL' },
  WarehouseUnavailable: { name: 'the warehouse', setting: 'the connection that warehouse.connection names' },
} as const;

export type Unavailable = Extract<FaultCode, 'SourceUnavailable' | 'ControlUnavailable' | 'WarehouseUnavailable'>;

/** SQLSTATE of a server's error; undefined for any other (a socket's). */
export function sqlState(error: unknown): string | undefined {
  if (typeof error === 'object' && error !== null && 'code' in error && typeof error.code === 'string') {
    return /^[0-9A-Z]{5}$/.test(error.code) ? error.code : undefined;
  }
  return undefined;
}

/**
 * @param unavailable the code for "cannot be reached just now" on this side
 * @param doing what was being done, for the message
 */
export function postgresFault(error: unknown, unavailable: Unavailable, doing: string): Fault {
  if (isFault(error)) return error;
  const state = sqlState(error);
  const text = `${doing}: ${messageOf(error)}`;
  const { name, setting } = SIDES[unavailable];
  if (state === undefined) return fault(unavailable, `${text} (${name}: ${setting})`, error); // closed, refused, timed out
  if (ACCESS.some((prefix) => state.startsWith(prefix))) {
    const remedy = state.startsWith('28')
      ? `correct the user or the password in the address of ${name}: ${setting}`
      : 'grant the role what docs/operations.md lists';
    return fault('AccessDenied', `${text} (SQLSTATE ${state}); ${remedy}`, error);
  }
  if (state === '42P01' || state === '3F000') {
    // Nobody names the control database's tables but us: they were not made, or it is another database.
    const remedy = `; headrace migrate makes Headrace's tables in it; if it has them, correct ${setting}`;
    const told = `${text} (SQLSTATE ${state})${unavailable === 'ControlUnavailable' ? remedy : ''}`;
    return fault('TableMissing', told, error);
  }
  if (state === '42703' && unavailable === 'SourceUnavailable')
    return fault('SourceChanged', `${text} (SQLSTATE ${state})`, error);
  if (unavailable === 'SourceUnavailable' && OF_A_ROW.some((prefix) => state.startsWith(prefix)))
    return fault(...rowFault(error, `${text} (SQLSTATE ${state})`), error);
  if (TRANSIENT.some((prefix) => state.startsWith(prefix)) || state === '57014')
    return fault(unavailable, `${text} (SQLSTATE ${state})`, error);
  return fault('Unexpected', `${text} (SQLSTATE ${state})`, error);
}

/**
 * An error with a place in the statement came before any row was read: a literal of ours (a bound of the keys, an enum's label)
 * was a value of its type when the replay was planned, and is none now.
 */
function rowFault(error: unknown, text: string): [FaultCode, string] {
  const ofStatement =
    typeof error === 'object' && error !== null && 'position' in error && error.position !== undefined;
  return ofStatement
    ? ['SourceChanged', `${text}: a column's type, or the labels of its enum, changed since; start a new replay`]
    : ['TableUnsuited', `${text}: ${ROW_REMEDY}`];
}
