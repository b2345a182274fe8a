/** The migrations' runner: one transaction a file, one runner at a time, no file changed after it was applied. */
import { fault, isFault } from '../../contracts/errors.ts';
import type { PostgresSettings } from '../../contracts/settings.ts';
import { postgresFault, sqlState } from './errors.ts';
import { openPool } from './pool.ts';

export interface Migration {
  name: string;
  sql: string;
  sha256: string;
}

/** Any fixed number: the advisory lock that runners share. */
const LOCK = 7_240_331;

/**
 * @returns names applied now
 * @throws Fault ControlUnavailable, ConfigInvalid (a file was changed after it had been applied)
 */
export async function applyMigrations(settings: PostgresSettings, migrations: readonly Migration[]): Promise<string[]> {
  const pool = openPool(settings, 'migrate', 1);
  const applied: string[] = [];
  try {
    const client = await pool.connect();
    try {
      await client.query('SELECT pg_advisory_lock($1)', [LOCK]);
      await client.query(`CREATE SCHEMA IF NOT EXISTS headrace`);
      await client.query(
        `CREATE TABLE IF NOT EXISTS headrace.migration (name text PRIMARY KEY, sha256 text NOT NULL, applied_at timestamptz NOT NULL DEFAULT now())`,
      );
      const known = await client.query<{ name: string; sha256: string }>('SELECT name, sha256 FROM headrace.migration');
      for (const { name, sql, sha256 } of migrations) {
        const before = known.rows.find((row) => row.name === name);
        if (before && before.sha256 !== sha256) {
          throw fault(
            'ConfigInvalid',
            `migration ${name} was changed after it had been applied; restore the file and add a new one`,
          );
        }
        if (before) continue;
        await client.query('BEGIN');
        await client.query(sql);
        await client.query('INSERT INTO headrace.migration (name, sha256) VALUES ($1, $2)', [name, sha256]);
        await client.query('COMMIT');
        applied.push(name);
      }
    } finally {
      client.release(true); // closing the session ends the lock, and a transaction that failed
    }
  } catch (error) {
    if (isFault(error)) throw error;
    throw postgresFault(error, 'ControlUnavailable', 'migrating the control database');
  } finally {
    await pool.end();
  }
  return applied;
}

/** Which of these migrations are not applied yet; null where that cannot be told. */
export async function missingMigrations(
  settings: PostgresSettings,
  names: readonly string[],
): Promise<readonly string[] | null> {
  const pool = openPool(settings, 'migrate', 1);
  try {
    const { rows } = await pool.query<{ name: string }>('SELECT name FROM headrace.migration');
    return names.filter((name) => !rows.some((row) => row.name === name));
  } catch (error) {
    return sqlState(error) === '42P01' ? names : null;
  } finally {
    await pool.end();
  }
}
