/** The warehouse's table, on every adapter: made from the source's shape, or found to fit, or refused with every fault; owned by one pipeline. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Warehouse, WarehouseTable } from '../../activities/ports/warehouse.ts';
import type { TableShape } from '../../contracts/columns.ts';
import { messageOf } from '../../contracts/errors.ts';
import { unique } from '../load/services.ts';
import { column, SALES } from '../load/shapes.ts';
import { KINDS, openTestDatabase, TEST_OWNER as owner, type TestDatabase } from './databases.ts';

const NOTE = { ...SALES, columns: [...SALES.columns, column('note', 'text', 'character varying(20)')] };

describe.each(KINDS)('a warehouse table on %s', (kind) => {
  let database: TestDatabase;
  let warehouse: Warehouse;
  const sql = (text: string) => database.warehouse.sql(text);

  beforeAll(async () => {
    database = await openTestDatabase(kind);
    warehouse = database.warehouse.open();
  });
  afterAll(() => database.close());

  function table(name = unique('t'), shape: TableShape = SALES): WarehouseTable {
    return { name: { schema: database.warehouse.schema, table: name }, shape };
  }
  const shown = ({ name }: WarehouseTable): string => `${name.schema}."${name.table.replaceAll('"', '""')}"`;
  const columnsOf = async ({ name }: WarehouseTable) =>
    await sql(database.words.columnsOf(name.schema, name.table.replaceAll("'", "''")));
  const faultsOf = (wanted: WarehouseTable): Promise<string> =>
    warehouse.ensureTable(wanted, owner).then(() => '', messageOf);

  describe('that is not there', () => {
    it('is made with the source’s types and the key, once, by whoever of many comes first', async () => {
      const others = Array.from({ length: 6 }, () => database.warehouse.open());
      const wanted = table(unique('Odd "Name"'));
      const plan = await warehouse.planTable(wanted, owner);
      expect(plan).toMatchObject({ exists: false, faults: [] });
      expect(Object.keys(plan.types)).toEqual(SALES.columns.map(({ name }) => name));
      expect(plan.ddl.join('\n')).toMatch(/CREATE TABLE .*Odd ""?Name.*\(/);
      expect(await columnsOf(wanted)).toEqual([]);
      await Promise.all(others.map((each) => each.ensureTable(wanted, owner)));
      const types = database.words.salesTypes;
      expect(await columnsOf(wanted)).toEqual(
        SALES.columns.map(({ name }, place) => [name, types[place], name === 'id' ? '1' : '0']),
      );
      expect(await warehouse.planTable(wanted, owner)).toMatchObject({ exists: true, ddl: [], faults: [] });
      await sql(`INSERT INTO ${shown(wanted)} (id) VALUES (1)`);
      await expect(sql(`INSERT INTO ${shown(wanted)} (id) VALUES (1)`)).rejects.toThrow(/duplicate/i);
      await sql(`DROP TABLE ${shown(wanted)}`);
    });

    it('has no key where each record is a row', async () => {
      const wanted = table(unique('append'), { ...SALES, key: [] });
      await warehouse.ensureTable(wanted, owner);
      await sql(`INSERT INTO ${shown(wanted)} (id) VALUES (1), (1)`);
      expect(await warehouse.planTable(wanted, owner)).toMatchObject({ exists: true, ddl: [], faults: [] });
    });

    it('takes an enum as text', async () => {
      const wanted = table(unique('enums'), {
        ...SALES,
        columns: [...SALES.columns, column('mood', 'text', '"other"."mood"')],
      });
      await warehouse.ensureTable(wanted, owner);
      await warehouse.ensureTable(wanted, owner);
      expect((await warehouse.planTable(wanted, owner)).faults).toEqual([]);
    });

    it('starts with an empty ledger after it was dropped', async () => {
      const wanted = table();
      await warehouse.ensureTable(wanted, owner);
      expect(await warehouse.ledger(wanted.name, 'topic')).toEqual(new Map());
      await warehouse.startLedger(wanted.name, 'topic', { 0: 0, 3: 7 });
      await warehouse.startLedger(wanted.name, 'topic', { 3: 1, 4: 2 });
      await warehouse.advance(wanted.name, 'topic', [{ partition: 3, start: 7, end: 90 }]);
      const places = new Map(Object.entries({ 0: 0, 3: 90, 4: 2 }).map(([at, next]) => [Number(at), next]));
      expect(await warehouse.ledger(wanted.name, 'topic')).toEqual(places);
      expect(await warehouse.ledger(wanted.name, 'another')).toEqual(new Map());
      await sql(`DROP TABLE ${shown(wanted)}`);
      await warehouse.ensureTable(wanted, owner);
      expect(await warehouse.ledger(wanted.name, 'topic')).toEqual(new Map());
    });
  });

  describe('of the user', () => {
    it('is taken as it is when it fits, with wider types, columns of its own and another order', async () => {
      const wanted = table();
      const { json, text, decimal } = database.words;
      await sql(
        `CREATE TABLE ${shown(wanted)} (loaded_at timestamp DEFAULT CURRENT_TIMESTAMP, info ${json}, price ${decimal(14, 2)}, note varchar(9),
         id bigint PRIMARY KEY, name ${text})`,
      );
      const before = await columnsOf(wanted);
      await warehouse.ensureTable(wanted, owner);
      expect(await columnsOf(wanted)).toEqual(before);
    });

    it('is refused with every fault at once, and is not owned then', async () => {
      const wanted = table();
      const { decimal } = database.words;
      await sql(
        `CREATE TABLE ${shown(wanted)} (id int NOT NULL, name varchar(10) NOT NULL, price ${decimal(5, 2)}, must int NOT NULL, UNIQUE (id, name))`,
      );
      await expect(warehouse.ensureTable(wanted, owner)).rejects.toMatchObject({ code: 'TableUnsuited' });
      const message = await faultsOf(wanted);
      for (const part of [
        /column ["`]id["`] is int.*, the source's bigint needs bigint/,
        /column ["`]name["`] is .*varchar|character varying\(10\).*, the source's text needs/,
        /column ["`]name["`] is NOT NULL, in the source it may be NULL/,
        /column ["`]price["`] is .*\(5,2\), the source's numeric\(12,2\)/,
        /column ["`]info["`] is missing: ALTER TABLE/,
        /column ["`]must["`] is NOT NULL without a default/,
        /no .*unique index over exactly the key \(id\); found: \(id, name\)/,
      ]) {
        expect(message).toMatch(part);
      }
      expect((await warehouse.planTable(wanted, owner)).faults.length).toBeGreaterThanOrEqual(7);
      await sql(`DROP TABLE ${shown(wanted)}`);
      await warehouse.ensureTable(wanted, { pipeline: owner.pipeline, topic: 'other' });
    });

    it('is refused where its key joins keys that the source tells apart', async () => {
      const wanted = table(unique('joins'), {
        columns: [column('k', 'text', 'character varying(40)')],
        key: ['k'],
      });
      if (kind === 'postgres')
        await sql(
          `CREATE COLLATION ${wanted.name.schema}.nocase (provider = icu, locale = 'und-u-ks-level2', deterministic = false)`,
        );
      const key =
        kind === 'postgres'
          ? `varchar(40) COLLATE ${wanted.name.schema}.nocase`
          : 'varchar(40) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin';
      await sql(`CREATE TABLE ${shown(wanted)} (k ${key} UNIQUE)`);
      expect(await faultsOf(wanted)).toMatch(/collation.*two keys of the source could be one/);
    });

    it('is refused where each record is a row and a unique index would refuse the next replay’s', async () => {
      const wanted = table();
      await warehouse.ensureTable(wanted, owner);
      const message = await faultsOf({ ...wanted, shape: { ...SALES, key: [] } });
      expect(message).toContain('would refuse the rows of the next replay');
    });

    it('is refused to another pipeline or topic, and stays the first one’s', async () => {
      const wanted = table();
      await warehouse.ensureTable(wanted, owner);
      for (const other of [
        { ...owner, pipeline: 'q' },
        { ...owner, topic: 'u' },
      ]) {
        await expect(warehouse.ensureTable(wanted, other)).rejects.toMatchObject({ code: 'TableOwned' });
        expect((await warehouse.planTable(wanted, other)).faults).toEqual([
          expect.stringContaining(`belongs to pipeline ${owner.pipeline}`),
        ]);
      }
      await warehouse.ensureTable(wanted, owner);
    });
  });

  describe('that lacks a column of the source', () => {
    it('is refused with the statement that adds it, and is left alone', async () => {
      const wanted = table();
      await warehouse.ensureTable(wanted, owner);
      const before = await columnsOf(wanted);
      expect(await faultsOf({ ...wanted, shape: NOTE })).toMatch(
        /column ["`]note["`] is missing: ALTER TABLE .* ADD COLUMN .*schemaChange: add/,
      );
      expect(await columnsOf(wanted)).toEqual(before);
    });

    it('is given it where the pipeline says so, once, by one of many; the ledger and the rows stay', async () => {
      const old = table();
      await warehouse.ensureTable(old, owner);
      await warehouse.startLedger(old.name, 'topic', { 0: 5 });
      await sql(`INSERT INTO ${shown(old)} (id) VALUES (1)`);
      const wanted = { ...old, shape: NOTE, addColumns: true };
      const plan = await warehouse.planTable(wanted, owner);
      expect(plan).toMatchObject({ exists: true, faults: [] });
      expect(plan.ddl).toHaveLength(1);
      const loaders = Array.from({ length: 3 }, () => database.warehouse.open());
      const added = await Promise.all(loaders.map((each) => each.ensureTable(wanted, owner)));
      expect(added.flat()).toEqual(plan.ddl);
      expect((await columnsOf(wanted)).at(-1)).toMatchObject(['note', expect.stringContaining('(20)'), '0']);
      expect(await sql(`SELECT id, note FROM ${shown(old)}`)).toEqual([['1', null]]);
      expect(await warehouse.ledger(old.name, 'topic')).toEqual(new Map([[0, 5]]));
      // The version before it still loads.
      await warehouse.ensureTable(old, owner);
    });

    it('is given it when nobody uses it: until then it says so, and lets readers pass', async () => {
      const old = table();
      await warehouse.ensureTable(old, owner);
      const wanted = { ...old, shape: NOTE, addColumns: true };
      const user = await database.warehouse.begin();
      await user.run(`SELECT * FROM ${shown(old)}`);
      const busy = warehouse.ensureTable(wanted, owner);
      await expect(busy).rejects.toMatchObject({ code: 'WarehouseUnavailable', retry: true });
      await expect(busy).rejects.toThrow(/in use.*ADD COLUMN/);
      expect(await warehouse.planTable(wanted, owner)).toMatchObject({ exists: true, faults: [] });
      await user.rollback();
      expect(await warehouse.ensureTable(wanted, owner)).toHaveLength(1);
    });

    it('is not given a column of the key', async () => {
      const old = table();
      await warehouse.ensureTable(old, owner);
      const columns = [...SALES.columns, { ...column('shop', 'int32', 'integer'), nullable: false }];
      const wanted = { ...old, shape: { columns, key: ['shop', 'id'] }, addColumns: true };
      expect(await faultsOf(wanted)).toMatch(/column ["`]shop["`] is missing/);
    });
  });

  describe('that has a column which the source has no more', () => {
    it('is refused with what mends it, until it has it no more, or under another name', async () => {
      const had = table(unique('gone'), NOTE);
      await warehouse.ensureTable(had, owner);
      const wanted = { ...had, shape: SALES, gone: ['note'], addColumns: true };
      const { faults } = await warehouse.planTable(wanted, owner);
      expect(faults).toEqual([expect.stringMatching(/column ["`]note["`] is no longer in the source.*DROP COLUMN/)]);
      expect((await warehouse.planTable({ ...had, shape: SALES }, owner)).faults).toEqual([]);
      await sql(`ALTER TABLE ${shown(had)} RENAME COLUMN note TO old_note`);
      expect(await warehouse.planTable(wanted, owner)).toMatchObject({ exists: true, ddl: [], faults: [] });
    });
  });
});
