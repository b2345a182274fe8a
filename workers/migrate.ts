/**
 * Applies migrations/ to the control database: numbered SQL files, forward only, each in one transaction with its entry
 * in headrace.migration. A session lock makes two that migrate at once take turns; a file changed after it was applied is
 * refused.
 */
import { createHash } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { applyMigrations, type Migration } from '../connectors/postgres/migrations.ts';
import type { Settings } from '../contracts/settings.ts';

const DIRECTORY = fileURLToPath(new URL('../migrations/', import.meta.url));

/** @returns names of the files applied now, in order */
export async function migrate(settings: Pick<Settings, 'control'>): Promise<{ applied: string[] }> {
  const names = (await readdir(DIRECTORY)).filter((name) => /^\d{4}-.+\.sql$/.test(name)).sort();
  const migrations: Migration[] = [];
  for (const name of names) {
    const sql = await readFile(`${DIRECTORY}${name}`, 'utf8');
    migrations.push({ name, sql, sha256: createHash('sha256').update(sql).digest('hex') });
  }
  return { applied: await applyMigrations(settings.control, migrations) };
}
