/**
 * LOAD DATA LOCAL from what we stream, a file or lines in memory. It stores 999 into a tinyint as 127 and 'abc' as 0, with a
 * warning and no error, even in strict mode: so callers must look at the warnings, and refuse them (refuseWarnings).
 */
import { createReadStream } from 'node:fs';
import { Readable } from 'node:stream';
import type { PoolConnection, ResultSetHeader } from 'mysql2';
import type { Column } from '../../contracts/columns.ts';
import { fault } from '../../contracts/errors.ts';
import { run, texts } from './pool.ts';
import { quoteName } from './sql-text.ts';

const READ_BYTES = 1024 * 1024;
/** A packet's; servers may be set to take no more than 1 MiB. */
const SENT_BYTES = 512 * 1024;
const WARNINGS_SHOWN = 5;

/**
 * @param into a table, quoted
 * @param further columns behind the shape's
 * @param csvPath as LakeFiles.exportForLoad writes it, with CSV_NULL
 */
export async function loadData(
  connection: PoolConnection,
  into: string,
  columns: readonly Column[],
  further: readonly string[],
  csvPath: string,
): Promise<ResultSetHeader> {
  return await run(connection, loadStatement(into, columns, further), {
    infileStreamFactory: () => createReadStream(csvPath, { highWaterMark: READ_BYTES }),
  });
}

/**
 * @param into a table, quoted
 * @param columns names, in the lines' order
 * @param bytes lines as COPY's text format has them: tabs between fields, backslashes as escapes, \N for NULL
 */
export async function loadLines(
  connection: PoolConnection,
  into: string,
  columns: readonly string[],
  bytes: Buffer,
): Promise<ResultSetHeader> {
  const parts = function* (): Generator<Buffer> {
    for (let at = 0; at < bytes.length; at += SENT_BYTES) yield bytes.subarray(at, at + SENT_BYTES);
  };
  return await run(
    connection,
    `LOAD DATA LOCAL INFILE 'rows' INTO TABLE ${into} CHARACTER SET utf8mb4 FIELDS TERMINATED BY X'09' ` +
      `ESCAPED BY X'5C' LINES TERMINATED BY X'0A' (${columns.map(quoteName).join(', ')})`,
    { infileStreamFactory: () => Readable.from(parts(), { objectMode: false }) },
  );
}

/** @throws Fault RowsRefused where the statement before, on this connection, had a single warning */
export async function refuseWarnings(
  connection: PoolConnection,
  { warningStatus }: ResultSetHeader,
  what: string,
): Promise<void> {
  if (warningStatus === 0) return;
  const [count] = await texts(connection, 'SELECT @@warning_count');
  const warnings = await texts(connection, `SHOW WARNINGS LIMIT ${WARNINGS_SHOWN}`);
  const list = warnings.map(([, number, message]) => `\n  - ${message ?? ''} (${number ?? ''})`).join('');
  throw fault(
    'RowsRefused',
    `${what}: ${count?.[0] ?? 'some'} values do not fit the table, nothing was loaded:${list}`,
  );
}

/** The server must let LOAD DATA LOCAL in: else every load would fail, with a message that names no remedy. */
export async function loadFaults(connection: PoolConnection): Promise<string[]> {
  const [row] = await texts(connection, 'SELECT @@local_infile');
  return row?.[0] === '1'
    ? []
    : ['the server refuses LOAD DATA LOCAL, by which rows are loaded: SET GLOBAL local_infile = 1'];
}

/** With a character to enclose fields, this word alone is NULL, and in quotes it is a text. */
export const CSV_NULL = 'NULL';

/** Separators as hex digits and no escapes: so the statement means the same in every sql_mode. */
function loadStatement(into: string, columns: readonly Column[], further: readonly string[]): string {
  const fields = columns.map((column, place) =>
    setExpression(column, '') === null ? quoteName(column.name) : `@c${place}`,
  );
  const sets = columns.flatMap((column, place) => {
    const expression = setExpression(column, `@c${place}`);
    return expression === null ? [] : [`${quoteName(column.name)} = ${expression}`];
  });
  return (
    `LOAD DATA LOCAL INFILE 'rows' INTO TABLE ${into} CHARACTER SET utf8mb4 FIELDS TERMINATED BY X'2C' ` +
    `OPTIONALLY ENCLOSED BY X'22' ESCAPED BY '' LINES TERMINATED BY X'0A' (${[...fields, ...further].join(', ')})` +
    (sets.length === 0 ? '' : ` SET ${sets.join(', ')}`)
  );
}

const FLOAT_MAX = '3.4028235e+38';
const FLOAT_MAX_EXACT = '3.4028234663852886e38';

/** Of what MySQL reads otherwise than PostgreSQL prints it; null where it needs none. @param x the field's text */
function setExpression({ type, native }: Column, x: string): string | null {
  // A text is taken for a bit column's bytes, and '0' for the year 2000.
  if (type.kind !== 'boolean' && /^(bit|year)/.test(native ?? '')) return `CAST(${x} AS UNSIGNED)`;
  switch (type.kind) {
    case 'float32':
      // The largest float in its shortest digits is above what MySQL takes for a float.
      return `CASE ${x} WHEN '${FLOAT_MAX}' THEN '${FLOAT_MAX_EXACT}' WHEN '-${FLOAT_MAX}' THEN '-${FLOAT_MAX_EXACT}' ELSE ${x} END`;
    case 'boolean':
      return `CASE ${x} WHEN 't' THEN 1 WHEN 'f' THEN 0 END`;
    case 'bytea':
      return `UNHEX(SUBSTR(${x}, 3))`;
    case 'timestamptz':
      return `LEFT(${x}, CHAR_LENGTH(${x}) - 3)`;
    default:
      return null;
  }
}
