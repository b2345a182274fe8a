/** The three databases and their roles: made when missing, never changed when there. */
import pg from 'pg';
import { databaseUrl } from '../addresses.ts';
import type { StackStateFile } from '../state.ts';
import { DATABASES } from '../types.ts';

const CONNECT_TIMEOUT_MS = 2_000;
/** The superuser, for the stack alone: no address that `up` hands out holds it. */
export const ADMIN = 'headrace_admin';

/** @throws while the server does not answer to the role of `control` */
export async function serverAnswers(state: StackStateFile): Promise<void> {
  await withClient({ connectionString: databaseUrl(state, 'control') }, (client) => client.query('select 1'));
}

/**
 * Creates roles and databases that are missing. Safe to repeat after a crash in between: CREATE DATABASE cannot be
 * in a transaction with the rest, so each step looks for itself.
 * @throws while the server does not accept connections
 */
export async function createDatabases(state: StackStateFile): Promise<void> {
  const admin = { host: '127.0.0.1', port: state.ports.postgres, user: ADMIN, password: state.secrets.postgresAdmin };
  await withClient({ ...admin, database: 'postgres' }, async (client) => {
    for (const database of DATABASES) {
      const name = client.escapeIdentifier(database);
      const role = await client.query('select from pg_roles where rolname = $1', [database]);
      if (role.rowCount === 0) {
        await client.query(`create role ${name} login password ${client.escapeLiteral(state.secrets[database])}`);
      }
      const found = await client.query('select from pg_database where datname = $1', [database]);
      if (found.rowCount === 0) await client.query(`create database ${name} owner ${name}`);
      await client.query(`revoke connect, temporary on database ${name} from public`);
    }
    await client.query('revoke connect on database postgres from public');
  });
}

async function withClient(config: pg.ClientConfig, work: (client: pg.Client) => Promise<unknown>): Promise<void> {
  const client = new pg.Client({ ...config, connectionTimeoutMillis: CONNECT_TIMEOUT_MS });
  // A server that is killed while a client is connected reports it here too; unheard, it would end the process.
  client.on('error', () => undefined);
  try {
    await client.connect();
    await work(client);
  } finally {
    await client.end().catch(() => undefined);
  }
}
