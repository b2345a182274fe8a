/**
 * Rows on their way in: LOAD DATA LOCAL from a stream into a temporary table of the session, then, in one short transaction,
 * the ledger's compare and set and the upsert. A process that dies before the commit leaves nothing behind: the server drops
 * the temporary table with the session.
 *
 * LOAD DATA LOCAL stores 999 into a tinyint as 127 and 'abc' as 0, with a warning and no error, even in strict mode: so a
 * single warning refuses the whole batch, and nothing of it was seen by anybody. CREATE and DROP TEMPORARY TABLE leave the
 * open transaction alone; TRUNCATE would commit it.
 */
import { createReadStream } from 'node:fs';
import type { PoolConnection, ResultSetHeader } from 'mysql2';
import type { StagedRows, WarehouseTable } from '../../activities/ports/warehouse.ts';
import type { Column } from '../../contracts/columns.ts';
import { fault } from '../../contracts/errors.ts';
import { checkOut, type Database, run, texts } from './pool.ts';
import { quoteName, quoteTable } from './sql-text.ts';
import { moveLedger } from './warehouse-ledger.ts';
import { doing, inShortTransaction, warehouseFault } from './warehouse-session.ts';

const READ_BYTES = 1024 * 1024;
const STAGE = 'headrace_stage';
const WARNINGS_SHOWN = 5;

/** @param csvPath as LakeFiles.exportForLoad writes it, NULL as the word, columns in the shape's order, one row a key */
export async function stageRows(
  database: Database,
  table: WarehouseTable,
  csvPath: string,
  signal?: AbortSignal,
): Promise<StagedRows> {
  const what = doing('loading into', table.name);
  const connection = await checkOut(database, what);
  let open = true;
  const letGo = (broken: boolean): void => {
    if (!open) return;
    open = false;
    if (broken) connection.destroy();
    else connection.release();
  };
  const stage = quoteTable({ schema: table.name.schema, table: STAGE });
  const stop = (): void => letGo(true);
  signal?.addEventListener('abort', stop, { once: true });
  try {
    signal?.throwIfAborted();
    const columns = table.shape.columns.map((column) => quoteName(column.name)).join(', ');
    await run(connection, `DROP TEMPORARY TABLE IF EXISTS ${stage}`);
    // The target's own types, so that a value is read once, as the table will hold it.
    await run(
      connection,
      `CREATE TEMPORARY TABLE ${stage} ENGINE=InnoDB SELECT ${columns} FROM ${quoteTable(table.name)} LIMIT 0`,
    );
    const loaded = await run(connection, loadStatement(stage, table.shape.columns), {
      infileStreamFactory: () => createReadStream(csvPath, { highWaterMark: READ_BYTES }),
    });
    if (loaded.warningStatus > 0) throw await refusal(connection, what);
    return {
      rows: loaded.affectedRows,
      apply: async (topicId, steps) => {
        try {
          return await inShortTransaction(connection, async () => {
            await moveLedger(connection, table.name, topicId, steps);
            return { written: written(await run(connection, upsertStatement(stage, table))) };
          });
        } catch (error) {
          letGo(true);
          throw warehouseFault(error, what);
        }
      },
      release: async () => {
        if (!open) return;
        const dropped = await run(connection, `DROP TEMPORARY TABLE IF EXISTS ${stage}`).then(
          () => true,
          () => false,
        );
        letGo(!dropped);
      },
    };
  } catch (error) {
    letGo(true);
    throw warehouseFault(error, what);
  } finally {
    signal?.removeEventListener('abort', stop);
  }
}

/** Separators as hex digits and no escapes: so the statement means the same in every sql_mode. */
function loadStatement(stage: string, columns: readonly Column[]): string {
  const fields = columns.map((column, place) =>
    setExpression(column, '') === null ? quoteName(column.name) : `@c${place}`,
  );
  const sets = columns.flatMap((column, place) => {
    const expression = setExpression(column, `@c${place}`);
    return expression === null ? [] : [`${quoteName(column.name)} = ${expression}`];
  });
  return (
    `LOAD DATA LOCAL INFILE 'rows' INTO TABLE ${stage} CHARACTER SET utf8mb4 ` +
    `FIELDS TERMINATED BY X'2C' OPTIONALLY ENCLOSED BY X'22' ESCAPED BY '' LINES TERMINATED BY X'0A' (${fields.join(', ')})` +
    (sets.length === 0 ? '' : ` SET ${sets.join(', ')}`)
  );
}

/** Of what MySQL reads otherwise than PostgreSQL prints it; null where it needs none. @param x the field's text */
function setExpression({ type, native }: Column, x: string): string | null {
  // A text is taken for a bit column's bytes.
  if (type.kind !== 'boolean' && native?.startsWith('bit') === true) return `CAST(${x} AS UNSIGNED)`;
  switch (type.kind) {
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

/**
 * In the key's order, as neighbours share pages. A row that is as it was is neither written nor logged: the server compares
 * the whole row, byte by byte, whatever its columns' collations.
 */
function upsertStatement(stage: string, { name, shape }: WarehouseTable): string {
  const names = shape.columns.map((column) => quoteName(column.name)).join(', ');
  const others = shape.columns.filter((column) => !shape.key.includes(column.name));
  const key = shape.key.map(quoteName);
  const first = key[0] ?? '';
  // Columns of the key alone: nothing to change, but a duplicate must be no error.
  const set = others.length === 0 ? [`${first} = VALUES(${first})`] : others.map(({ name: column }) => setTo(column));
  return (
    `INSERT INTO ${quoteTable(name)} (${names}) SELECT ${names} FROM ${stage} ORDER BY ${key.join(', ')} ` +
    `ON DUPLICATE KEY UPDATE ${set.join(', ')}`
  );
}

function setTo(column: string): string {
  return `${quoteName(column)} = VALUES(${quoteName(column)})`;
}

/** A row inserted counts once, a row changed twice, and once more among the duplicates. */
function written({ affectedRows, info }: ResultSetHeader): number {
  return affectedRows - Number(/Duplicates: (\d+)/.exec(info)?.[1] ?? 0);
}

async function refusal(connection: PoolConnection, what: string): Promise<Error> {
  const [count] = await texts(connection, 'SELECT @@warning_count');
  const warnings = await texts(connection, `SHOW WARNINGS LIMIT ${WARNINGS_SHOWN}`);
  const list = warnings.map(([, number, message]) => `\n  - ${message ?? ''} (${number ?? ''})`).join('');
  return fault(
    'TableUnsuited',
    `${what}: ${count?.[0] ?? 'some'} values do not fit the table, nothing was loaded:${list}\n` +
      'change the column so that it takes what the source holds, or the rows in the source',
  );
}
