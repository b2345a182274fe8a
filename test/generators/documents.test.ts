/** docs/generators.md and the settings are one: its tables are those that the settings give. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { withTables } from '../../bench/generator-docs.ts';
import { profiles } from '../../generators/profiles.ts';

test('docs/generators.md explains every setting as it is (npx tsx bench/generator-docs.ts)', () => {
  const page = readFileSync(join(import.meta.dirname, '../../docs/generators.md'), 'utf8');
  for (const name of profiles.keys()) expect(page).toContain(`<!-- settings of ${name} -->`);
  expect(page).toBe(withTables(page));
});
