/** `headrace migrate`: brings the control database to this version's tables. Safe to repeat. */
import { migrate } from '../../workers/migrate.ts';
import type { CommonOptions } from '../common-options.ts';
import { settingsFor } from '../environment.ts';
import { createOutput } from '../output.ts';
import { controlAddress, requireReachable } from '../../workers/reachable.ts';

export async function runMigrate(options: CommonOptions): Promise<void> {
  const output = createOutput(options.json === true);
  const settings = settingsFor(options, ['control']);
  await requireReachable([controlAddress(settings)]);
  const result = await migrate(settings);
  output.result(result, () =>
    result.applied.length === 0
      ? 'The control database is up to date.'
      : result.applied.map((name) => `applied ${name}`).join('\n'),
  );
}
