/**
 * Applies migrations/ to the control database: numbered SQL files, forward only, each in one transaction with its entry
 * in headrace.migration. A session lock makes two that migrate at once take turns; a file changed after it was applied is
 * refused.
 */
import { createHash } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { applyMigrations, type Migration, missingMigrations } from '../connectors/postgres/migrations.ts';
import { fault } from '../contracts/errors.ts';
import type { Settings } from '../contracts/settings.ts';

const DIRECTORY = fileURLToPath(new URL('../migrations/', import.meta.url));

const names = async (): Promise<string[]> =>
  (await readdir(DIRECTORY)).filter((name) => /^\d{4}-.+\.sql$/.test(name)).sort();

/** @returns names of the files applied now, in order */
export async function migrate(settings: Pick<Settings, 'control'>): Promise<{ applied: string[] }> {
  const migrations: Migration[] = [];
  for (const name of await names()) {
    const sql = await readFile(`${DIRECTORY}${name}`, 'utf8');
    migrations.push({ name, sql, sha256: createHash('sha256').update(sql).digest('hex') });
  }
  return { applied: await applyMigrations(settings.control, migrations) };
}

/**
 * A worker of a newer version on an older control database would fail at every statement, and try again for ever. One that
 * cannot be asked just now may come later.
 * @throws Fault ConfigInvalid
 */
export async function requireMigrated(settings: Pick<Settings, 'control'>): Promise<void> {
  const missing = await missingMigrations(settings.control, await names());
  if (missing === null || missing.length === 0) return;
  throw fault(
    'ConfigInvalid',
    `the control database lacks this version's tables (${missing.join(', ')} not applied): run headrace migrate`,
  );
}
