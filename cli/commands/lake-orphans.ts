/** `headrace lake orphans FILE`: objects that no cut of the manifest names. Looks only, unless told --delete. */
import { fault } from '../../contracts/errors.ts';
import type { OrphansReport } from '../../contracts/recovery.ts';
import { controlAddress, requireReachable, storeAddress } from '../../workers/reachable.ts';
import type { CommonOptions } from '../common-options.ts';
import { parseDuration } from '../../workers/config/index.ts';
import { configurationFor } from '../environment.ts';
import { createOutput } from '../output.ts';
import { orphansText } from '../recovery-text.ts';

export interface OrphansOptions extends CommonOptions {
  olderThan: string;
  delete?: boolean;
}

export async function runLakeOrphans(file: string, options: OrphansOptions): Promise<void> {
  const output = createOutput(options.json === true);
  const { settings, spec } = configurationFor(file, options);
  const olderThanMs = parseDuration(options.olderThan);
  if (olderThanMs === undefined) {
    throw fault('ConfigInvalid', `--older-than ${options.olderThan} is no duration; allowed: such as 30m, 2h or 0s`);
  }
  await requireReachable([controlAddress(settings), ...storeAddress(settings)]);
  const { lakeOrphans } = await import('../../workers/recovery.ts');
  const request = { spec, olderThanMs, remove: options.delete === true };
  const report: OrphansReport = await lakeOrphans(settings, request);
  output.result(report, () => orphansText(report));
}
