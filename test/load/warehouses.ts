/** The two kinds of warehouse for a test lake: the lake's own PostgreSQL, or MariaDB in its place; rows read with plain clients. */
import { fileURLToPath } from 'node:url';
import { spawn, type ChildProcess } from 'node:child_process';
import { openHashesOfWarehouse, openWarehouse } from '../../workers/databases.ts';
import { type Mariadb, rowsOf, startMariadb } from '../mysql/services.ts';
import type { ChildTask } from './load-child.ts';
import { required } from './services.ts';
import type { TestLake } from './test-lake.ts';

export interface TestWarehouse {
  /** Qualified, as the warehouse's SQL has it. */
  table: string;
  /** Rows as texts. */
  rows(sql: string): Promise<(string | null)[][]>;
  /** Locks a row, as a user's transaction would. @returns what ends that */
  lockRow(id: number): Promise<() => Promise<void>>;
  /** Sessions of a loader that wait for a row. */
  waiting(): Promise<number>;
  /** The variable with the connection's address. */
  variable: string;
  close(): Promise<void>;
}

export type Kind = 'postgres' | 'mariadb';

/** Turns the lake's ports to this warehouse. */
export async function useWarehouse(lake: TestLake, kind: Kind): Promise<TestWarehouse> {
  return kind === 'postgres' ? ofPostgres(lake) : await ofMariadb(lake, await startMariadb());
}

function ofPostgres(lake: TestLake): TestWarehouse {
  const sql = lake.warehouseSql;
  const { schema, table } = lake.spec.warehouse.table;
  const rows = async (text: string): Promise<(string | null)[][]> => {
    const found = await sql.query<(string | null)[]>({
      text,
      rowMode: 'array',
      types: { getTypeParser: () => (value: string | null) => value },
    });
    return found.rows;
  };
  return {
    table: `${schema}.${table}`,
    rows,
    async lockRow(id) {
      const client = await sql.connect();
      await client.query('BEGIN');
      await client.query(`SELECT 1 FROM ${schema}.${table} WHERE id = ${id} FOR UPDATE`);
      return async () => {
        await client.query('ROLLBACK');
        client.release();
      };
    },
    waiting: async () =>
      Number((await rows(`SELECT count(*) FROM pg_locks WHERE NOT granted AND locktype = 'transactionid'`))[0]?.[0]),
    variable: 'HEADRACE_CONNECTION_WAREHOUSE',
    close: () => Promise.resolve(),
  };
}

async function ofMariadb(lake: TestLake, mariadb: Mariadb): Promise<TestWarehouse> {
  const { admin } = mariadb;
  const variable = 'HEADRACE_CONNECTION_MYSQL_WAREHOUSE';
  const warehouse = openWarehouse({ url: required(variable) });
  const hashes = openHashesOfWarehouse({ url: required(variable) });
  const name = lake.schema;
  lake.spec.warehouse = { ...lake.spec.warehouse, table: { schema: 'warehouse', table: name } };
  Object.assign(lake.loadPorts, { openWarehouse: () => warehouse });
  Object.assign(lake.verifyPorts, { openWarehouseHashes: () => hashes, openWarehouse: () => warehouse });
  await admin.query(`SET time_zone = '+00:00'`);
  const table = `warehouse.${name}`;
  return {
    table,
    rows: (sql) => rowsOf(admin, sql),
    async lockRow(id) {
      await admin.query('START TRANSACTION');
      await admin.query(`SELECT 1 FROM ${table} WHERE id = ${id} FOR UPDATE`);
      return async () => {
        await admin.query('ROLLBACK');
      };
    },
    waiting: async () =>
      Number(
        (
          await rowsOf(admin, `SELECT count(*) FROM information_schema.innodb_trx WHERE trx_state = 'LOCK WAIT'`)
        )[0]?.[0],
      ),
    variable,
    async close() {
      await Promise.all([warehouse.close(), hashes.close()]);
      await admin.query(`DROP TABLE IF EXISTS ${table}`);
      await admin.end();
    },
  };
}

/** A load in a process of its own. */
export function loadInChild(
  lake: TestLake,
  { variable }: TestWarehouse,
  dieAfter: ChildTask['dieAfter'],
): ChildProcess {
  const script = fileURLToPath(new URL('./load-child.ts', import.meta.url));
  const task: ChildTask = { spec: lake.spec, variable, dieAfter };
  const env = { ...process.env, TMPDIR: lake.scratch };
  return spawn(process.execPath, ['--import', 'tsx', script, JSON.stringify(task)], { stdio: 'inherit', env });
}

/** @returns the signal that ended it */
export function ended(child: ChildProcess): Promise<string | null> {
  return new Promise((resolve) => child.on('exit', (_code, signal) => resolve(signal)));
}
