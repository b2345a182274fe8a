/**
 * `headrace recover FILE`: what a lost control database knew of a pipeline's lake, found again. Looks only, unless told --yes.
 * Exit code 2 where something stands in the way.
 */
import type { RecoveryReport } from '../../contracts/recovery.ts';
import type { CommonOptions } from '../common-options.ts';
import { configurationFor } from '../environment.ts';
import { EXIT } from '../exit-codes.ts';
import { ensureKafkaClient } from '../kafka-client.ts';
import { createOutput } from '../output.ts';
import { requireReachable, serviceAddresses } from '../../workers/reachable.ts';
import { recoveryText } from '../recovery-text.ts';
import { shellWord } from '../scope-options.ts';

export interface RecoverOptions extends CommonOptions {
  yes?: boolean;
  trustReplay?: string[];
  distrustReplay?: string[];
  assumePresentSchema?: boolean;
}

export async function runRecover(file: string, options: RecoverOptions): Promise<void> {
  const output = createOutput(options.json === true);
  const { settings, spec } = configurationFor(file, options);
  await requireReachable(serviceAddresses(settings, spec));
  await ensureKafkaClient(settings, output);
  const { recoverManifest } = await import('../../workers/recovery.ts');
  const request = {
    spec,
    trusted: options.trustReplay ?? [],
    distrusted: options.distrustReplay ?? [],
    assumePresentSchema: options.assumePresentSchema === true,
  };
  const report: RecoveryReport = await recoverManifest(settings, request, options.yes === true);
  output.result({ ...report, ok: report.faults.length === 0 }, () => recoveryText(report, shellWord(file)));
  if (report.faults.length > 0) process.exitCode = EXIT.usage;
}
