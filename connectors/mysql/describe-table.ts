/**
 * What the catalogue says of a source table, and whether Headrace can read it. Every fault of the table comes in one message:
 * a user mends them all at once.
 */
import type { Column, TableName, TableShape } from '../../contracts/columns.ts';
import { fault } from '../../contracts/errors.ts';
import { mapMysqlType, MYSQL_SUPPORTED_TYPES, mysqlKeyRefusal } from '../../formats/mysql-types.ts';
import { withCharset } from '../../formats/mysql-text.ts';
import { lakeNameFaults } from '../../formats/lake-types.ts';
import { chooseColumns, chooseKey, eventTimeFault, unreadableFaults } from '../../formats/source-key.ts';
import { findTable, type FoundTable } from './catalog.ts';
import { type Database, flavourOf, withConnection } from './pool.ts';
import { quoteTable } from './sql-text.ts';

/**
 * @param key columns of the unique key to use, in any order; absent: the primary key
 * @param wanted columns to read, beside the key and the event time; absent: all
 * @throws Fault TableMissing, TableUnsuited (with every fault of the table)
 */
export async function describeTable(
  database: Database,
  name: TableName,
  key?: readonly string[],
  eventTime?: string,
  wanted?: readonly string[],
): Promise<{ shape: TableShape; estimatedRows: number }> {
  const shown = quoteTable(name);
  const found = await withConnection(database, `describing table ${shown}`, async (connection) =>
    findTable(connection, await flavourOf(connection), name),
  );
  if (!found) {
    throw fault(
      'TableMissing',
      `table ${shown} does not exist in the source (or the user may not see it: GRANT SELECT ON ${shown}); ` +
        'check source.table and its connection',
    );
  }
  const faults: string[] = [];
  if (found.kind !== 'BASE TABLE' && found.kind !== 'SYSTEM VERSIONED')
    faults.push(`${shown} is not a table (${found.kind.toLowerCase()}); name a table`);
  const chosen = keyOf(found, shown, key, faults);
  const read = chooseColumns(
    found.columns.map((column) => column.name),
    wanted,
    [...chosen, eventTime],
    shown,
  );
  faults.push(...read.faults);
  const columns: Column[] = [];
  const refused: { name: string; error: string }[] = [];
  for (const column of found.columns.filter((each) => read.names.has(each.name))) {
    const mapped = mapMysqlType(column);
    if ('error' in mapped) refused.push({ name: column.name, error: mapped.error });
    else
      columns.push({
        name: column.name,
        nullable: column.nullable,
        ...mapped.ok,
        native: withCharset(column.columnType, column.charset),
      });
  }
  faults.push(...unreadableFaults(refused, [...chosen, eventTime], MYSQL_SUPPORTED_TYPES));
  faults.push(...lakeNameFaults(columns));
  for (const column of found.columns.filter((each) => chosen.includes(each.name))) {
    const refusal = mysqlKeyRefusal(column);
    if (refusal !== null) faults.push(`key column "${column.name}": ${refusal}; choose another key in source.key`);
  }
  if (eventTime !== undefined) {
    const unfit = eventTimeFault(columns, eventTime, shown, 'a datetime, timestamp or date');
    if (unfit !== null) faults.push(unfit);
  }
  if (faults.length > 0)
    throw fault('TableUnsuited', `table ${shown} cannot be replayed:\n  - ${faults.join('\n  - ')}`);
  return { shape: { columns, key: chosen }, estimatedRows: found.estimatedRows };
}

function keyOf(
  { keys, columns }: FoundTable,
  shown: string,
  wanted: readonly string[] | undefined,
  faults: string[],
): readonly string[] {
  const found = chooseKey(keys, ({ name }) => name === 'PRIMARY', wanted, shown);
  if (typeof found === 'string') {
    faults.push(found);
    return [];
  }
  if (found.partial)
    faults.push(`its key ${found.name} is over parts of columns or expressions only; choose another in source.key`);
  const nullable = columns.filter((column) => column.nullable && found.columns.includes(column.name));
  if (nullable.length > 0) {
    const names = nullable.map((column) => column.name).join(', ');
    faults.push(`key column ${names} may be NULL; make it NOT NULL or choose another key`);
  }
  return found.columns;
}
