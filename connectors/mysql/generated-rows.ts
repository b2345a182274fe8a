/**
 * Generated rows into tables by LOAD DATA LOCAL. Guarantees: rows and the note of how far they go (headrace_generated) are one
 * transaction, and a value that would be stored as another one (a warning) stores nothing.
 *
 * Everything is in the address's own database, `demo.purchases` as `demo_purchases`: databases named demo, shop and headrace
 * would want rights on the whole server, and two databases of one server would share a note.
 */
import type { PoolConnection } from 'mysql2';
import type { Beginning, GeneratedTables } from '../../activities/ports/generated-tables.ts';
import type { TableName } from '../../contracts/columns.ts';
import { fault } from '../../contracts/errors.ts';
import { GENERATED_MARK } from '../../contracts/generate.ts';
import type { MysqlSettings } from '../../contracts/settings.ts';
import type { Field, Output } from '../../generators/model.ts';
import type { Counts, Identity } from '../../generators/ports.ts';
import { loadFaults, loadLines, refuseWarnings } from './load-data.ts';
import { closeDatabase, databaseOf, type Flavour, flavourOf, run, texts } from './pool.ts';
import { quoteName, quoteTable, quoteText } from './sql-text.ts';
import { inShortTransaction, openWarehouseDatabase, withCreationLock, withWarehouse } from './warehouse-session.ts';
import { binaryCollation } from './warehouse-types.ts';

/** `identity` is NULL while the tables are made: MySQL's DDL commits at once. */
const NOTE_COLUMNS = `(
  profile  varchar(64) NOT NULL PRIMARY KEY,
  identity longtext NULL,
  counts   longtext NOT NULL,
  at       bigint NOT NULL,
  seq      bigint NOT NULL,
  changed  datetime(6) NOT NULL DEFAULT CURRENT_TIMESTAMP(6) ON UPDATE CURRENT_TIMESTAMP(6)
)`;

/**
 * Texts as varchar, which unlike longtext any index takes; a longer one is refused in words. Numbers without a scale as double:
 * they are doubles in the model, and decimal(65,30) would show 0.1 with 29 zeros.
 */
const SQL_TYPES: Readonly<Record<Field['type'], string>> = {
  text: 'varchar(255)',
  whole: 'int',
  big: 'bigint',
  money: 'decimal(12,2)',
  number: 'double',
  flag: 'boolean',
  time: 'datetime(6)',
  second: 'datetime',
  json: 'json',
};

export function openMysqlGeneratedTables(settings: MysqlSettings, profile: string): GeneratedTables {
  const database = openWarehouseDatabase(settings, 2);
  const schema = databaseOf(settings);
  const note = quoteTable({ schema, table: 'headrace_generated' });
  const ofProfile = `profile = ${quoteText(profile)}`;
  const what = `generating ${profile} rows`;
  const nameOf = ({ table: { schema: group, table } }: Output): TableName => ({
    schema,
    table: group === 'public' ? table : `${group}_${table}`,
  });

  async function makeAll(connection: PoolConnection, { identity, outputs, fateOf }: Beginning): Promise<number> {
    const flavour = await flavourOf(connection);
    const chosen: Output[] = [];
    for (const output of outputs) {
      const found = await lookAt(connection, nameOf(output));
      if (found === null || fateOf(found) === 'make') chosen.push(output);
    }
    await run(connection, `CREATE TABLE IF NOT EXISTS ${note} ${NOTE_COLUMNS} ${tableOptions(flavour)}`);
    // First the note that says nothing, which also stops another generator; then the tables; then the note that says where.
    await run(
      connection,
      `INSERT INTO ${note} (profile, counts, at, seq) VALUES (${quoteText(profile)}, '{}', ${identity.start}, 1)
       ON DUPLICATE KEY UPDATE identity = NULL, counts = '{}', at = ${identity.start}, seq = seq + 1`,
    );
    for (const output of chosen) {
      const name = nameOf(output);
      await run(connection, `DROP TABLE IF EXISTS ${quoteTable(name)}`);
      await run(connection, createStatement(name, output, flavour));
    }
    await run(connection, `UPDATE ${note} SET identity = ${quoteText(JSON.stringify(identity))} WHERE ${ofProfile}`);
    const [row] = await texts(connection, `SELECT seq FROM ${note} WHERE ${ofProfile}`);
    return Number(row?.[0]);
  }

  return {
    async find() {
      return await withWarehouse(database, what, async (connection) => {
        if (!(await isThere(connection, { schema, table: 'headrace_generated' }))) return null;
        const [row] = await texts(connection, `SELECT identity, counts, at, seq FROM ${note} WHERE ${ofProfile}`);
        if (row?.[0] === undefined || row[0] === null) return null;
        const identity = JSON.parse(row[0]) as Identity;
        return { identity, counts: JSON.parse(row[1] ?? '{}') as Counts, at: Number(row[2]), seq: Number(row[3]) };
      });
    },
    async begin(beginning) {
      return await withWarehouse(database, what, async (connection) => {
        const faults = await loadFaults(connection);
        if (faults.length > 0) throw fault('ConfigInvalid', `${what}: ${faults.join('; ')}`);
        return await withCreationLock(connection, () => makeAll(connection, beginning));
      });
    },
    async missing(outputs) {
      return await withWarehouse(database, what, async (connection) => {
        const missing: string[] = [];
        for (const name of outputs.map(nameOf)) if (!(await isThere(connection, name))) missing.push(quoteTable(name));
        return missing;
      });
    },
    async write(lines, { seq, counts, at }) {
      const columnsOf = (output: Output): string[] => output.fields.map(({ name }) => name);
      return await withWarehouse(database, what, (connection) =>
        inShortTransaction(connection, async () => {
          // Before the rows: a second generator waits here, and is then told so, not that its keys are there already.
          const moved = await run(
            connection,
            `UPDATE ${note} SET counts = ${quoteText(JSON.stringify(counts))}, at = ${at}, seq = seq + 1
             WHERE ${ofProfile} AND seq = ${seq}`,
          );
          if (moved.affectedRows !== 1) return false;
          for (const { output, bytes } of lines) {
            const into = quoteTable(nameOf(output));
            const loaded = await loadLines(connection, into, columnsOf(output), bytes);
            await refuseWarnings(connection, loaded, `loading rows into ${into}`);
          }
          return true;
        }),
      );
    },
    async analyze(outputs) {
      await withWarehouse(database, what, async (connection) => {
        await texts(connection, `ANALYZE TABLE ${outputs.map((output) => quoteTable(nameOf(output))).join(', ')}`);
      });
    },
    close: () => closeDatabase(database),
  };
}

const tableOptions = (flavour: Flavour): string =>
  `ENGINE=InnoDB CHARACTER SET utf8mb4 COLLATE ${binaryCollation(flavour)}`;

function createStatement(name: TableName, { fields, key }: Output, flavour: Flavour): string {
  const lines = fields.map(
    (field) => `  ${quoteName(field.name)} ${SQL_TYPES[field.type]}${field.nullable === true ? ' NULL' : ' NOT NULL'}`,
  );
  return (
    `CREATE TABLE ${quoteTable(name)} (\n${lines.join(',\n')},\n  PRIMARY KEY (${key.map(quoteName).join(', ')})\n) ` +
    `${tableOptions(flavour)} COMMENT '${GENERATED_MARK}'`
  );
}

async function factsOf(connection: PoolConnection, { schema, table }: TableName) {
  const [facts] = await texts(
    connection,
    `SELECT engine, table_comment FROM information_schema.tables
     WHERE table_schema = ${quoteText(schema)} AND table_name = ${quoteText(table)}`,
  );
  return facts;
}

const isThere = async (connection: PoolConnection, name: TableName): Promise<boolean> =>
  (await factsOf(connection, name)) !== undefined;

async function lookAt(connection: PoolConnection, table: TableName) {
  const name = quoteTable(table);
  const facts = await factsOf(connection, table);
  if (facts === undefined) return null;
  const [engine, comment] = facts;
  if (engine !== 'InnoDB') {
    const found = engine === null || engine === undefined ? 'a view' : `a table of ${engine}`;
    throw fault('TableUnsuited', `${name} is ${found}, without transactions: rename it, or use another database`);
  }
  const filled = (await texts(connection, `SELECT 1 FROM ${name} LIMIT 1`)).length > 0;
  return { name, ours: comment?.startsWith(GENERATED_MARK) === true, filled };
}
