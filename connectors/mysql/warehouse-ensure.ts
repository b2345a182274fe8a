/**
 * The warehouse table and the ledger exist, fit, and are owned by this pipeline. What is there is never altered, but for new
 * columns where the pipeline says so: a table that does not fit is refused with every fault. Safe to repeat and to race.
 *
 * MySQL's DDL commits at once, so that nothing of it can be taken back: what must not be seen half done is done first. A new
 * table's old ledger is emptied before it is made, under a lock of the server's by name, which a lost connection frees.
 */
import type { PoolConnection } from 'mysql2';
import type { TableOwner, TablePlan, WarehouseTable } from '../../activities/ports/warehouse.ts';
import type { TableName } from '../../contracts/columns.ts';
import { fault } from '../../contracts/errors.ts';
import { ALTER_LOCK_S, tableBusy } from '../../formats/warehouse-words.ts';
import { findTable, hasSchema } from './catalog.ts';
import { errorNumber } from './errors.ts';
import { loadFaults } from './load-data.ts';
import { type Database, type Flavour, flavourOf, run, texts } from './pool.ts';
import { keyColumns, quoteName, quoteTable, quoteText } from './sql-text.ts';
import { columnsToAdd, unfitFor } from './warehouse-fit.ts';
import { LEDGER_DATABASE, LEDGER_DDL, NOT_THERE, ofTable } from './warehouse-ledger.ts';
import { doing, LOCK_S, withCreationLock, withWarehouse } from './warehouse-session.ts';
import { binaryCollation, warehouseType } from './warehouse-types.ts';

const LOCK_WAIT_TIMED_OUT = 1205;

export async function planTable(database: Database, table: WarehouseTable, owner: TableOwner): Promise<TablePlan> {
  return await withWarehouse(database, doing('planning', table.name), async (connection) => {
    const flavour = await flavourOf(connection);
    const found = await findTable(connection, flavour, table.name);
    const made: { ddl: string[]; faults: string[] } = found
      ? { ddl: [], faults: [] }
      : await tableDdl(connection, flavour, table);
    const faults = [...(found ? unfitFor(table, found, flavour) : made.faults), ...(await loadFaults(connection))];
    if (found) made.ddl.push(...columnsToAdd(table, found, flavour));
    const held = await ownerOf(connection, table.name);
    if (found && held && !sameOwner(held, owner)) faults.push(ownedText(table, held, owner));
    const ddl = [...made.ddl, ...(await missingLedgerDdl(connection, flavour))];
    return { exists: found !== null, ddl, types: typesOf(table, flavour), faults };
  });
}

/** Without character sets, which the statement has. */
function typesOf(table: WarehouseTable, flavour: Flavour): Record<string, string> {
  const keys = keyColumns(table.shape);
  return Object.fromEntries(
    table.shape.columns.flatMap((column) => {
      const type = warehouseType(column, keys, flavour);
      return 'ok' in type ? [[column.name, type.ok.replace(/ CHARACTER SET .*/, '')]] : [];
    }),
  );
}

export async function ensureTable(
  database: Database,
  table: WarehouseTable,
  owner: TableOwner,
): Promise<readonly string[]> {
  return await withWarehouse(database, doing('preparing', table.name), async (connection) => {
    const flavour = await flavourOf(connection);
    const ready =
      (await findTable(connection, flavour, table.name)) !== null && (await ownerOf(connection, table.name));
    if (!ready) await withCreationLock(connection, () => create(connection, flavour, table, owner));
    const held = await ownerOf(connection, table.name);
    if (held && !sameOwner(held, owner)) throw fault('TableOwned', ownedText(table, held, owner));
    const found = await findTable(connection, flavour, table.name);
    const faults = found
      ? unfitFor(table, found, flavour)
      : ['it was dropped again while it was prepared; start again'];
    if (faults.length > 0) throw unfit(table, faults);
    if (found === null || columnsToAdd(table, found, flavour).length === 0) return [];
    return await withCreationLock(connection, () => addColumns(connection, flavour, table));
  });
}

/** Under the lock, so that of two at once one finds them added. One that dies between two columns is gone on with. */
async function addColumns(connection: PoolConnection, flavour: Flavour, table: WarehouseTable): Promise<string[]> {
  const found = await findTable(connection, flavour, table.name);
  const statements = found ? columnsToAdd(table, found, flavour) : [];
  if (statements.length === 0) return [];
  await run(connection, `SET SESSION lock_wait_timeout = ${ALTER_LOCK_S}`);
  for (const statement of statements) {
    await run(connection, statement).catch((error: unknown) => {
      throw errorNumber(error) === LOCK_WAIT_TIMED_OUT ? tableBusy(quoteTable(table.name), statement, error) : error;
    });
  }
  await run(connection, `SET SESSION lock_wait_timeout = ${LOCK_S}`);
  return statements;
}

/** The ledger alone: offsets without rows may come before the first row, and with it the table. */
export async function ensureLedger(database: Database, name: TableName): Promise<void> {
  await withWarehouse(database, doing('starting the ledger of', name), async (connection) => {
    const missing = await missingLedgerDdl(connection, await flavourOf(connection));
    for (const statement of missing) await run(connection, statement);
  });
}

async function create(
  connection: PoolConnection,
  flavour: Flavour,
  table: WarehouseTable,
  owner: TableOwner,
): Promise<void> {
  for (const statement of await missingLedgerDdl(connection, flavour)) await run(connection, statement);
  const found = await findTable(connection, flavour, table.name);
  if (found === null) {
    const { ddl, faults } = await tableDdl(connection, flavour, table);
    if (faults.length > 0) throw unfit(table, faults);
    // A new table holds nothing, whatever the dropped one of that name had loaded: without this it would stay empty.
    await run(connection, `DELETE FROM headrace.ledger WHERE ${ofTable(table.name)}`);
    await run(connection, `DELETE FROM headrace.owner WHERE ${ofTable(table.name)}`);
    for (const statement of ddl) await run(connection, statement);
  } else if (unfitFor(table, found, flavour).length > 0) return; // not owned before it is known to fit
  const values = [table.name.schema, table.name.table, owner.pipeline, owner.topic].map(quoteText).join(', ');
  await run(
    connection,
    `INSERT INTO headrace.owner (table_schema, table_name, pipeline, topic, held_rows)
     SELECT ${values}, EXISTS (SELECT 1 FROM ${quoteTable(table.name)}) ON DUPLICATE KEY UPDATE headrace.owner.topic = headrace.owner.topic`,
  );
}

async function missingLedgerDdl(connection: PoolConnection, flavour: Flavour): Promise<string[]> {
  const missing: string[] = [];
  if (!(await hasSchema(connection, LEDGER_DATABASE)))
    missing.push(`CREATE DATABASE IF NOT EXISTS ${quoteName(LEDGER_DATABASE)}`);
  for (const [table, ddl] of Object.entries(LEDGER_DDL)) {
    if (!(await findTable(connection, flavour, { schema: LEDGER_DATABASE, table }))) missing.push(ddl);
  }
  return missing;
}

async function tableDdl(
  connection: PoolConnection,
  flavour: Flavour,
  table: WarehouseTable,
): Promise<{ ddl: string[]; faults: string[] }> {
  const { columns, key } = table.shape;
  const keys = keyColumns(table.shape);
  const faults: string[] = [];
  const lines = columns.map((column) => {
    const type = warehouseType(column, keys, flavour);
    if ('error' in type) faults.push(`column ${quoteName(column.name)}: ${type.error}`);
    // Only the key is NOT NULL: a constraint that the source drops one day must not stop the loads.
    return `  ${quoteName(column.name)} ${'ok' in type ? type.ok : ''} ${keys.includes(column) ? 'NOT NULL' : 'NULL'}`;
  });
  if (key.length > 0) lines.push(`  PRIMARY KEY (${key.map(quoteName).join(', ')})`);
  const create =
    `CREATE TABLE IF NOT EXISTS ${quoteTable(table.name)} (\n${lines.join(',\n')}\n) ENGINE=InnoDB ROW_FORMAT=DYNAMIC ` +
    `CHARACTER SET utf8mb4 COLLATE ${binaryCollation(flavour)}`;
  const database = (await hasSchema(connection, table.name.schema))
    ? []
    : [`CREATE DATABASE IF NOT EXISTS ${quoteName(table.name.schema)}`];
  return { ddl: [...database, create], faults };
}

async function ownerOf(connection: PoolConnection, name: TableName): Promise<TableOwner | null> {
  try {
    const [row] = await texts(connection, `SELECT pipeline, topic FROM headrace.owner WHERE ${ofTable(name)}`);
    return row === undefined ? null : { pipeline: row[0] ?? '', topic: row[1] ?? '' };
  } catch (error) {
    if (NOT_THERE.includes(errorNumber(error) ?? 0)) return null;
    throw error;
  }
}

function sameOwner(held: TableOwner, owner: TableOwner): boolean {
  return held.pipeline === owner.pipeline && held.topic === owner.topic;
}

function unfit(table: WarehouseTable, faults: readonly string[]): Error {
  const list = faults.map((each) => `\n  - ${each}`).join('');
  return fault('TableUnsuited', `warehouse table ${quoteTable(table.name)} cannot be loaded:${list}`);
}

function ownedText(table: WarehouseTable, held: TableOwner, owner: TableOwner): string {
  return (
    `warehouse table ${quoteTable(table.name)} belongs to pipeline ${held.pipeline} and topic ${held.topic}, so pipeline ` +
    `${owner.pipeline} with topic ${owner.topic} may not load it; name another warehouse.table, or, if the other is no ` +
    `longer used, delete its row from headrace.owner in the warehouse`
  );
}
