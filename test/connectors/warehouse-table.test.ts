/** The warehouse's table: made from the source's shape, or found to fit, or refused with every fault; owned by one pipeline. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { TableShape } from '../../contracts/columns.ts';
import type { Warehouse, WarehouseTable } from '../../activities/ports/warehouse.ts';
import { openPostgresWarehouse } from '../../connectors/postgres/warehouse.ts';
import { database, openDatabase, unique } from './services.ts';
import { SALES, column } from './shapes.ts';

const pool = openDatabase('CONNECTION_WAREHOUSE');
const schema = unique('wt');
const owner = { pipeline: 'p', topic: 't' };
let warehouse: Warehouse;

function table(name: string, shape: TableShape = SALES): WarehouseTable {
  return { name: { schema, table: name }, shape };
}

beforeAll(() => {
  warehouse = openPostgresWarehouse(database('CONNECTION_WAREHOUSE'));
});
afterAll(async () => {
  await warehouse.close();
  await pool.query(`DROP SCHEMA IF EXISTS ${schema} CASCADE`);
  await pool.query('DELETE FROM headrace.owner WHERE table_schema = $1', [schema]);
  await pool.query('DELETE FROM headrace.ledger WHERE table_schema = $1', [schema]);
  await pool.end();
});

describe('a table that is not there', () => {
  it('is made with the source types and the key, once, by whoever of many comes first', async () => {
    const others = Array.from({ length: 6 }, () => openPostgresWarehouse(database('CONNECTION_WAREHOUSE')));
    const wanted = table('Odd "Name"');
    const plan = await warehouse.planTable(wanted, owner);
    expect(plan).toMatchObject({ exists: false, faults: [] });
    expect(plan.ddl.join('\n')).toContain(`CREATE TABLE "${schema}"."Odd ""Name""" (`);
    await Promise.all(others.map((each) => each.ensureTable(wanted, owner)));
    await Promise.all(others.map((each) => each.close()));
    const columns = await pool.query<{ name: string; type: string; required: boolean }>(
      `SELECT attname AS name, format_type(atttypid, atttypmod) AS type, attnotnull AS required FROM pg_attribute
       WHERE attrelid = $1::regclass AND attnum > 0 ORDER BY attnum`,
      [`"${schema}"."Odd ""Name"""`],
    );
    expect(columns.rows).toEqual([
      { name: 'id', type: 'bigint', required: true },
      { name: 'name', type: 'text', required: false },
      { name: 'price', type: 'numeric(12,2)', required: false },
      { name: 'info', type: 'json', required: false },
    ]);
    expect(await warehouse.planTable(wanted, owner)).toEqual({ exists: true, ddl: [], faults: [] });
  });

  it('takes an enum as text', async () => {
    const shape = { ...SALES, columns: [...SALES.columns, column('mood', 'text', '"other"."mood"')] };
    await warehouse.ensureTable(table('enums', shape), owner);
    await warehouse.ensureTable(table('enums', shape), owner);
    expect((await warehouse.planTable(table('enums', shape), owner)).faults).toEqual([]);
  });

  it('starts with an empty ledger after it was dropped', async () => {
    const wanted = table('dropped');
    await warehouse.ensureTable(wanted, owner);
    await warehouse.startLedger(wanted.name, 'topic', { 0: 0, 3: 7 });
    await warehouse.advance(wanted.name, 'topic', [{ partition: 3, start: 7, end: 90 }]);
    expect(await warehouse.ledger(wanted.name, 'topic')).toEqual(
      new Map([
        [0, 0],
        [3, 90],
      ]),
    );
    await pool.query(`DROP TABLE ${schema}.dropped`);
    await warehouse.ensureTable(wanted, owner);
    expect(await warehouse.ledger(wanted.name, 'topic')).toEqual(new Map());
  });
});

describe('a table of the user', () => {
  it('is taken as it is when it fits, with wider types, columns of its own and another order', async () => {
    await pool.query(
      `CREATE TABLE ${schema}.fits (loaded_at timestamptz DEFAULT now(), info json, price numeric, note text,
       id bigint GENERATED ALWAYS AS IDENTITY, name varchar, UNIQUE (id))`,
    );
    await warehouse.ensureTable(table('fits'), owner);
    const { rows } = await pool.query(
      `SELECT count(*)::int AS n FROM pg_attribute WHERE attrelid = '${schema}.fits'::regclass AND attnum > 0`,
    );
    expect(rows).toEqual([{ n: 6 }]);
  });

  it('is refused with every fault at once, and is not owned then', async () => {
    await pool.query(
      `CREATE TABLE ${schema}.unfit (id int, name varchar(10) NOT NULL, price numeric(5,2), must int NOT NULL, UNIQUE (id, name));
       CREATE RULE elsewhere AS ON INSERT TO ${schema}.unfit DO INSTEAD NOTHING`,
    );
    const refused = warehouse.ensureTable(table('unfit'), owner);
    await expect(refused).rejects.toMatchObject({ code: 'TableUnsuited' });
    const message = await refused.catch((error: unknown) => String(error));
    for (const part of [
      'column "id" is integer, the source\'s bigint needs bigint',
      'column "name" is character varying(10), the source\'s text needs text',
      'column "name" is NOT NULL, in the source it may be NULL',
      'column "price" is numeric(5,2)',
      'column "info" is missing: ALTER TABLE',
      'column "must" is NOT NULL without a default',
      'no usable unique index over exactly the key (id); found: (id, name)',
      'rule "elsewhere" rewrites what is loaded',
    ]) {
      expect(message).toContain(part);
    }
    const { rows } = await pool.query(
      `SELECT 1 FROM headrace.owner WHERE table_schema = '${schema}' AND table_name = 'unfit'`,
    );
    expect(rows).toEqual([]);
  });

  it('is refused when its unique index is partial, deferrable, or in a collation that joins keys', async () => {
    const shape: TableShape = { columns: [column('k', 'text', 'text')], key: ['k'] };
    await pool.query(
      `CREATE TABLE ${schema}.partial (k text); CREATE UNIQUE INDEX ON ${schema}.partial (k) WHERE k <> '';
       CREATE TABLE ${schema}.deferred (k text UNIQUE DEFERRABLE);
       CREATE COLLATION ${schema}.nocase (provider = icu, locale = 'und-u-ks-level2', deterministic = false);
       CREATE TABLE ${schema}.nocase (k text COLLATE ${schema}.nocase UNIQUE)`,
    );
    for (const [name, reason] of [
      ['partial', 'no usable unique index'],
      ['deferred', 'no usable unique index'],
      ['nocase', 'nondeterministic collation'],
    ] as const) {
      await expect(warehouse.ensureTable(table(name, shape), owner)).rejects.toThrow(reason);
    }
  });

  it('is refused to another pipeline or topic', async () => {
    await warehouse.ensureTable(table('owned'), owner);
    await expect(warehouse.ensureTable(table('owned'), { ...owner, pipeline: 'q' })).rejects.toMatchObject({
      code: 'TableOwned',
    });
    await expect(warehouse.ensureTable(table('owned'), { ...owner, topic: 'u' })).rejects.toMatchObject({
      code: 'TableOwned',
    });
    expect((await warehouse.planTable(table('owned'), { ...owner, topic: 'u' })).faults).toHaveLength(1);
    await warehouse.ensureTable(table('owned'), owner);
  });
});
