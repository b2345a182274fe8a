/** The real services of load's and verify's tests, by the HEADRACE_* variables; a schema of its own for each test file. */
import { randomBytes } from 'node:crypto';
import pg from 'pg';
import type { PostgresSettings } from '../../contracts/settings.ts';

export type Database = 'CONTROL_URL' | 'CONNECTION_SALES' | 'CONNECTION_WAREHOUSE';

/** Fails loudly where the services are not there: these tests have no other way to run. */
export function required(name: string): string {
  const value = process.env[name];
  if (value === undefined || value === '') {
    throw new Error(`${name} is not set: these tests run on real services; npm test starts them, or set HEADRACE_*`);
  }
  return value;
}

export function database(name: Database): PostgresSettings {
  return { url: required(`HEADRACE_${name}`) };
}

export function openDatabase(name: Database): pg.Pool {
  const pool = new pg.Pool({ connectionString: database(name).url, max: 4, options: '-c TimeZone=UTC' });
  pool.on('error', () => undefined);
  return pool;
}

/** A name that no other test or run uses. */
export function unique(prefix: string): string {
  return `${prefix}_${randomBytes(5).toString('hex')}`;
}
