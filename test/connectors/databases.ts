/**
 * The databases that the conformance suite runs on: the adapter's two sides, and plain clients of the servers with nothing of
 * ours between. SQL of the tests is the same for all, but for the words below; MariaDB's clients take "names" as PostgreSQL does.
 */
import type { Source } from '../../activities/ports/source.ts';
import type { Warehouse } from '../../activities/ports/warehouse.ts';
import { openSource, openWarehouse } from '../../workers/databases.ts';
import { openDatabase, required, unique } from '../load/services.ts';
import { rowsOf, startMariadb } from '../mysql/services.ts';

export const KINDS = ['postgres', 'mariadb'] as const;
export type Kind = (typeof KINDS)[number];
export type Texts = (string | null)[][];

/** A transaction of a user's. */
export interface UserTransaction {
  run(sql: string): Promise<unknown>;
  rollback(): Promise<unknown>;
}

export interface Side<T> {
  /** For tables of this test file. */
  schema: string;
  /** The adapter, by the address that a user has; closed with the database. */
  open(url?: string): T;
  url: string;
  /** As the server's administrator. @returns rows, each value as the server prints it */
  sql(text: string): Promise<Texts>;
  begin(): Promise<UserTransaction>;
}

export interface TestDatabase {
  kind: Kind;
  source: Side<Source>;
  warehouse: Side<Warehouse>;
  words: Words;
  close(): Promise<void>;
}

/** Where the servers' SQL differs. */
export interface Words {
  /** A table of the numbers 1 to n, column `seq`. */
  series(n: number): string;
  /** The type of a moment without a zone, to the microsecond. */
  moment: string;
  /** A type that no lake holds. */
  unsupported: string;
  /** A text that is a key or part of one, ordered by code point. */
  keyText: string;
  decimal: (digits: number, scale: number) => string;
  /** Column `id` that the server numbers, as the primary key. */
  identity: string;
  /** Lists loaders' sessions that wait for a lock, by the number that `kill` takes, whose statement has this text. */
  waiting(text: string): string;
  kill(session: string): string;
  /** Lists sessions of a source that run a statement with this text. */
  reading(text: string): string;
  /** What a json column of the warehouse is, and a text without a bound. */
  json: string;
  text: string;
  /** Columns of a table in the catalogue: name, type as the server prints it, NOT NULL. */
  columnsOf(schema: string, table: string): string;
  /** Of a table that Headrace makes for the shape SALES. */
  salesTypes: readonly string[];
  /** A function `name` that writes to a table and gives 1. */
  writingFunction(name: string, table: string): string;
  /** A condition on bigint `id` that fails where it is 5. */
  failingOn5: string;
}

/** Of the suite's warehouse tables. */
export const TEST_OWNER = { pipeline: 'conformance', topic: 'conformance' };

const POSTGRES_WORDS: Words = {
  series: (n) => `generate_series(1, ${n}) AS s(seq)`,
  moment: 'timestamp(6)',
  unsupported: 'interval',
  keyText: 'text COLLATE "C"',
  decimal: (digits, scale) => `numeric(${digits},${scale})`,
  identity: 'id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY',
  waiting: (text) =>
    `SELECT pid FROM pg_stat_activity
     WHERE application_name = 'headrace warehouse' AND wait_event_type = 'Lock' AND query LIKE '%${text}%'`,
  kill: (session) => `SELECT pg_terminate_backend(${session})`,
  reading: (text) =>
    `SELECT pid FROM pg_stat_activity
     WHERE application_name = 'headrace replay' AND state = 'active' AND query LIKE '%${text}%'`,
  json: 'json',
  text: 'text',
  columnsOf: (schema, table) =>
    `SELECT attname, format_type(atttypid, atttypmod), CASE WHEN attnotnull THEN 1 ELSE 0 END FROM pg_attribute a
     JOIN pg_class c ON c.oid = attrelid JOIN pg_namespace n ON n.oid = relnamespace
     WHERE nspname = '${schema}' AND relname = '${table}' AND attnum > 0 ORDER BY attnum`,
  salesTypes: ['bigint', 'text', 'numeric(12,2)', 'json'],
  writingFunction: (name, table) =>
    `CREATE FUNCTION ${name}() RETURNS int LANGUAGE sql AS $$ INSERT INTO ${table} VALUES (1) RETURNING 1 $$`,
  failingOn5: '1/(id-5) < 5',
};

const MARIADB_WORDS: Words = {
  series: (n) => `seq_1_to_${n}`,
  moment: 'datetime(6)',
  unsupported: 'point',
  keyText: 'varchar(40) COLLATE utf8mb4_nopad_bin',
  decimal: (digits, scale) => `decimal(${digits},${scale})`,
  identity: 'id bigint AUTO_INCREMENT PRIMARY KEY',
  waiting: (text) =>
    `SELECT trx_mysql_thread_id FROM information_schema.innodb_trx
     WHERE trx_state = 'LOCK WAIT' AND trx_query LIKE '%${text}%'`,
  kill: (session) => `KILL ${session}`,
  reading: (text) =>
    `SELECT id FROM information_schema.processlist
     WHERE user = 'sales' AND command <> 'Sleep' AND info LIKE '%${text}%'`,
  json: 'longtext',
  text: 'longtext',
  columnsOf: (schema, table) =>
    `SELECT column_name, column_type, is_nullable = 'NO' FROM information_schema.columns
     WHERE table_schema = '${schema}' AND table_name = '${table}' ORDER BY ordinal_position`,
  salesTypes: ['bigint(20)', 'longtext', 'decimal(12,2)', 'longtext'],
  writingFunction: (name, table) =>
    `CREATE FUNCTION ${name}() RETURNS int BEGIN INSERT INTO ${table} VALUES (1); RETURN 1; END`,
  failingOn5: 'CAST(6 - id AS UNSIGNED) - 2 < 99', // division by zero is NULL there
};

export function openTestDatabase(kind: Kind): Promise<TestDatabase> {
  return kind === 'postgres' ? openPostgres() : openMariadb();
}

const addressOf = (name: string): string => required(`HEADRACE_CONNECTION_${name.toUpperCase()}`);

async function openPostgres(): Promise<TestDatabase> {
  const opened: { close(): Promise<void> }[] = [];
  const schema = unique('conform');
  const pools = { sales: openDatabase('CONNECTION_SALES'), warehouse: openDatabase('CONNECTION_WAREHOUSE') };
  const side = <T extends { close(): Promise<void> }>(
    name: keyof typeof pools,
    open: (settings: { url: string }) => T,
  ): Side<T> => ({
    schema,
    url: addressOf(name),
    open(url = addressOf(name)) {
      const adapter = open({ url });
      opened.push(adapter);
      return adapter;
    },
    async sql(text) {
      const types = { getTypeParser: () => (value: string | null) => value };
      const found = await pools[name].query<(string | null)[]>({ text, rowMode: 'array', types });
      return found.rows;
    },
    async begin() {
      const client = await pools[name].connect();
      await client.query('BEGIN');
      return {
        run: (sql) => client.query(sql),
        rollback: async () => {
          await client.query('ROLLBACK');
          client.release();
        },
      };
    },
  });
  const source = side('sales', openSource);
  const warehouse = side('warehouse', openWarehouse);
  await pools.sales.query(`CREATE SCHEMA ${schema}`);
  await pools.warehouse.query(`CREATE SCHEMA ${schema}`);
  return {
    ...{ kind: 'postgres', source, warehouse, words: POSTGRES_WORDS },
    async close() {
      await Promise.all(opened.map((each) => each.close()));
      await pools.sales.query(`DROP SCHEMA ${schema} CASCADE`);
      await pools.warehouse.query(`DROP SCHEMA ${schema} CASCADE`);
      for (const table of ['owner', 'ledger']) {
        const there = await pools.warehouse.query(`SELECT 1 WHERE to_regclass('headrace.${table}') IS NOT NULL`);
        if (there.rowCount === 1)
          await pools.warehouse.query(`DELETE FROM headrace.${table} WHERE table_schema = $1`, [schema]);
      }
      await Promise.all([pools.sales.end(), pools.warehouse.end()]);
    },
  };
}

async function openMariadb(): Promise<TestDatabase> {
  const opened: { close(): Promise<void> }[] = [];
  const { sales, warehouse, admin } = await startMariadb();
  await admin.query(`SET time_zone = '+00:00', sql_mode = 'ANSI_QUOTES,STRICT_ALL_TABLES'`);
  const side = <T extends { close(): Promise<void> }>(
    schema: string,
    address: string,
    open: (settings: { url: string }) => T,
  ): Side<T> => ({
    schema,
    url: address,
    open(url = address) {
      const adapter = open({ url });
      opened.push(adapter);
      return adapter;
    },
    sql: (text) => rowsOf(admin, text),
    async begin() {
      await admin.query('START TRANSACTION');
      return {
        run: (sql) => admin.query(sql),
        rollback: () => admin.query('ROLLBACK'),
      };
    },
  });
  return {
    kind: 'mariadb',
    source: side('sales', sales, openSource),
    warehouse: side('warehouse', warehouse, openWarehouse),
    words: MARIADB_WORDS,
    async close() {
      await Promise.all(opened.map((each) => each.close()));
      await admin.query(`DELETE FROM headrace.owner WHERE pipeline = '${TEST_OWNER.pipeline}'`).catch(() => undefined);
      await admin.end();
    },
  };
}
