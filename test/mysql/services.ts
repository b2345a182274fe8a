/** MariaDB of the test stack, begun by the first test that needs it, and a client of it with nothing of ours between. */
import { type Connection, createConnection } from 'mysql2/promise';
import { mariadbOf } from '../../stack/addresses.ts';
import { stackFolders } from '../../stack/environment.ts';
import { MARIADB_ADMIN } from '../../stack/services/mariadb.ts';
import { loadState } from '../../stack/state.ts';
import { up } from '../../stack/up.ts';
import { required } from '../replay/setting.ts';

export interface Mariadb {
  /** Addresses that Headrace has. */
  sales: string;
  warehouse: string;
  /** Of the server's administrator: makes users, and sees both databases. */
  admin: Connection;
  port: number;
}

export async function startMariadb(): Promise<Mariadb> {
  const home = required('HEADRACE_HOME');
  const { mysql, env } = await up({ home, cache: stackFolders().cache, services: [], extra: ['mariadb'] });
  if (mysql === undefined) throw new Error('the stack has no MariaDB');
  Object.assign(process.env, {
    HEADRACE_CONNECTION_MYSQL_SALES: env.HEADRACE_CONNECTION_MYSQL_SALES,
    HEADRACE_CONNECTION_MYSQL_WAREHOUSE: env.HEADRACE_CONNECTION_MYSQL_WAREHOUSE,
  });
  const state = loadState(home);
  if (state === undefined) throw new Error(`no stack in ${home}`);
  const { port, admin } = mariadbOf(state);
  return { ...mysql, port, admin: await connect({ port, user: MARIADB_ADMIN, password: admin, database: 'sales' }) };
}

export async function connect(of: {
  port: number;
  user: string;
  password: string;
  database: string;
}): Promise<Connection> {
  return await createConnection({
    host: '127.0.0.1',
    ...of,
    charset: 'utf8mb4',
    rowsAsArray: true,
    typeCast: (field) => field.string('utf8'),
  });
}

export type Texts = (string | null)[][];

/** Rows as texts. */
export async function rowsOf(connection: Connection, sql: string): Promise<Texts> {
  const [rows] = await connection.query(sql);
  return rows as Texts;
}
