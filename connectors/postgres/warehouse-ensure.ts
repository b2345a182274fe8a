/**
 * The warehouse table and the ledger exist, fit, and are owned by this pipeline. What is there is never altered, but for new
 * columns where the pipeline says so: a table that does not fit is refused with every fault. Safe to repeat and to race.
 *
 * `CREATE … IF NOT EXISTS` alone is not safe: two at once end in unique violations of the catalogue's own indexes (tried),
 * and CREATE SCHEMA wants the privilege even where the schema exists. So: look first, create under an advisory lock of the
 * transaction, look again.
 */
import type pg from 'pg';
import type { TableName } from '../../contracts/columns.ts';
import { fault } from '../../contracts/errors.ts';
import type { TableOwner, TablePlan, WarehouseTable } from '../../activities/ports/warehouse.ts';
import { warehouseType } from '../../formats/postgres-types.ts';
import { quoteIdent, quoteTable } from '../../formats/sql-names.ts';
import { ALTER_LOCK_S, tableBusy } from '../../formats/warehouse-words.ts';
import { sqlState } from './errors.ts';
import { existing, findTable } from './warehouse-catalog.ts';
import { columnsToAdd, unfitFor } from './warehouse-fit.ts';
import { LEDGER_DDL } from './warehouse-ledger.ts';
import { beginShort, doing, withClient } from './warehouse-session.ts';

/** SQLSTATE of a lock timeout. */
const LOCK_NOT_AVAILABLE = '55P03';
const LEDGER = { schema: 'headrace', table: 'ledger' };
const OWNER = { schema: 'headrace', table: 'owner' };
/** Any constant of our own: "headrace" in ASCII, as a bigint. */
const CREATION_LOCK = 0x6865616472616365n;

export async function planTable(pool: pg.Pool, table: WarehouseTable, owner: TableOwner): Promise<TablePlan> {
  return await withClient(pool, doing('planning', table.name), async (client) => {
    const found = await findTable(client, table.name);
    const ddl = [...(found ? [] : await tableDdl(client, table)), ...(await missingLedgerDdl(client))];
    const faults = found ? unfitFor(table, found) : [];
    if (found) ddl.push(...columnsToAdd(table, found));
    const held = await ownerOf(client, table);
    if (found && held && !sameOwner(held, owner)) faults.push(ownedText(table, held, owner));
    const types = table.shape.columns.map(({ name, type, sqlType }) => [name, warehouseType(type, sqlType)]);
    return { exists: found !== null, ddl, types: Object.fromEntries(types) as Record<string, string>, faults };
  });
}

export async function ensureTable(pool: pg.Pool, table: WarehouseTable, owner: TableOwner): Promise<readonly string[]> {
  return await withClient(pool, doing('preparing', table.name), async (client) => {
    if (!(await isReady(client, table, owner))) await create(client, table, owner);
    const found = await findTable(client, table.name);
    const faults = found ? unfitFor(table, found) : ['it was dropped again while it was prepared; start again'];
    if (faults.length > 0) {
      const list = faults.map((each) => `\n  - ${each}`).join('');
      throw fault('TableUnsuited', `warehouse table ${quoteTable(table.name)} cannot be loaded:${list}`);
    }
    return found && columnsToAdd(table, found).length > 0 ? await addColumns(client, table) : [];
  });
}

/**
 * Under the lock, so that of two at once one finds them added. ALTER TABLE waits briefly for whoever uses the table, for all that
 * come after it, readers too, wait behind it.
 */
async function addColumns(client: pg.PoolClient, table: WarehouseTable): Promise<string[]> {
  await beginShort(client);
  await client.query('SELECT pg_advisory_xact_lock($1)', [CREATION_LOCK]);
  const found = await findTable(client, table.name);
  const statements = found ? columnsToAdd(table, found) : [];
  await client.query(`SET LOCAL lock_timeout = '${ALTER_LOCK_S}s'`);
  for (const statement of statements) {
    await client.query(statement).catch((error: unknown) => {
      throw sqlState(error) === LOCK_NOT_AVAILABLE ? tableBusy(quoteTable(table.name), statement, error) : error;
    });
  }
  await client.query('COMMIT');
  return statements;
}

/** The ledger alone: offsets without rows may come before the first row, and with it the table. */
export async function ensureLedger(pool: pg.Pool, name: TableName): Promise<void> {
  await withClient(pool, doing('starting the ledger of', name), async (client) => {
    if (!(await existing(client, [LEDGER, OWNER])).includes(false)) return;
    await beginShort(client);
    await client.query('SELECT pg_advisory_xact_lock($1)', [CREATION_LOCK]);
    for (const statement of await missingLedgerDdl(client)) await client.query(statement);
    await client.query('COMMIT');
  });
}

/** The way of every call but the first: three short reads, no lock. */
async function isReady(client: pg.PoolClient, table: WarehouseTable, owner: TableOwner): Promise<boolean> {
  if ((await existing(client, [table.name, LEDGER, OWNER])).includes(false)) return false;
  const held = await ownerOf(client, table);
  if (held && !sameOwner(held, owner)) throw fault('TableOwned', ownedText(table, held, owner));
  return held !== null;
}

async function create(client: pg.PoolClient, table: WarehouseTable, owner: TableOwner): Promise<void> {
  await beginShort(client);
  await client.query('SELECT pg_advisory_xact_lock($1)', [CREATION_LOCK]);
  for (const statement of await missingLedgerDdl(client)) await client.query(statement);
  const at = [table.name.schema, table.name.table];
  const found = await findTable(client, table.name);
  if (found === null) {
    for (const statement of await tableDdl(client, table)) await client.query(statement);
    // A new table holds nothing, whatever the dropped one of that name had loaded: without this it would stay empty.
    await client.query('DELETE FROM headrace.ledger WHERE (table_schema, table_name) = ($1, $2)', at);
    await client.query('DELETE FROM headrace.owner WHERE (table_schema, table_name) = ($1, $2)', at);
  } else {
    // Not owned before it is known to fit: the refusal must leave no trace.
    if (unfitFor(table, found).length > 0) {
      await client.query('ROLLBACK');
      return;
    }
  }
  const held = await ownerOf(client, table);
  if (held && !sameOwner(held, owner)) throw fault('TableOwned', ownedText(table, held, owner));
  await client.query(
    `INSERT INTO headrace.owner (table_schema, table_name, pipeline, topic, held_rows)
     SELECT $1, $2, $3, $4, EXISTS (SELECT FROM ${quoteTable(table.name)}) ON CONFLICT DO NOTHING`,
    [...at, owner.pipeline, owner.topic],
  );
  await client.query('COMMIT');
}

async function missingLedgerDdl(client: pg.PoolClient): Promise<string[]> {
  const [schema, ledger, owners] = [
    await schemaExists(client, 'headrace'),
    ...(await existing(client, [LEDGER, OWNER])),
  ];
  return LEDGER_DDL.filter((_, index) => ![schema, ledger, owners][index]);
}

async function tableDdl(client: pg.PoolClient, table: WarehouseTable): Promise<string[]> {
  const { columns, key } = table.shape;
  // Only the key is NOT NULL: a constraint that the source drops one day must not stop the loads.
  const lines = columns.map(
    (column) =>
      `  ${quoteIdent(column.name)} ${warehouseType(column.type, column.sqlType)}${key.includes(column.name) ? ' NOT NULL' : ''}`,
  );
  if (key.length > 0) lines.push(`  PRIMARY KEY (${key.map(quoteIdent).join(', ')})`);
  const create = `CREATE TABLE ${quoteTable(table.name)} (\n${lines.join(',\n')}\n)`;
  return (await schemaExists(client, table.name.schema))
    ? [create]
    : [`CREATE SCHEMA ${quoteIdent(table.name.schema)}`, create];
}

async function schemaExists(client: pg.PoolClient, schema: string): Promise<boolean> {
  const { rowCount } = await client.query('SELECT FROM pg_namespace WHERE nspname = $1', [schema]);
  return rowCount === 1;
}

async function ownerOf(client: pg.PoolClient, table: WarehouseTable): Promise<TableOwner | null> {
  if ((await existing(client, [OWNER])).includes(false)) return null;
  const { rows } = await client.query<TableOwner>(
    'SELECT pipeline, topic FROM headrace.owner WHERE (table_schema, table_name) = ($1, $2)',
    [table.name.schema, table.name.table],
  );
  return rows[0] ?? null;
}

function sameOwner(held: TableOwner, owner: TableOwner): boolean {
  return held.pipeline === owner.pipeline && held.topic === owner.topic;
}

function ownedText(table: WarehouseTable, held: TableOwner, owner: TableOwner): string {
  return (
    `warehouse table ${quoteTable(table.name)} belongs to pipeline ${held.pipeline} and topic ${held.topic}, so pipeline ` +
    `${owner.pipeline} with topic ${owner.topic} may not load it; name another warehouse.table, or, if the other is no ` +
    `longer used, delete its row from headrace.owner in the warehouse`
  );
}
