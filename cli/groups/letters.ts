/** Records that could not be processed, and a control database that is lost: what mends them. */
import { type Command, Option } from 'commander';
import { replayId, wholeNumber, withCommon, withFollow } from '../common-options.ts';
import type { DeadLettersOptions } from '../commands/dead-letters.ts';
import type { DiscardOptions } from '../commands/discard.ts';
import type { RecoverOptions } from '../commands/recover.ts';
import type { RedriveOptions } from '../commands/redrive.ts';
import { letterPlace } from '../letter-options.ts';
import { add } from './define.ts';

export function addLetterCommands(program: Command): void {
  withCommon(add(program, 'dead-letters <file>', 'records that could not be processed, and why'))
    .addOption(
      new Option('--state <state>', 'which of them').choices(['open', 'redriven', 'discarded', 'all']).default('open'),
    )
    .option('--limit <n>', 'letters to show', wholeNumber(1, 10_000), 100)
    .action(async (file: string, options: DeadLettersOptions) =>
      (await import('../commands/dead-letters.ts')).runDeadLetters(file, options),
    );
  withFollow(
    add(program, 'redrive <file>', "read open dead letters' rows from the source again, once the cause is mended"),
  )
    .option('--letter <place>', 'PARTITION/OFFSET of one; may be repeated (default: all that are open)', letterPlace)
    .option('--replay-id <id>', 'name the replay; one that is there already is come back to', replayId)
    .action(async (file: string, options: RedriveOptions) =>
      (await import('../commands/redrive.ts')).runRedrive(file, options),
    );
  withCommon(add(program, 'discard <file>', 'say that dead letters are not to arrive'))
    .requiredOption('--reason <text>', 'why; verify shows it')
    .option('--letter <place>', 'PARTITION/OFFSET of one; may be repeated', letterPlace)
    .addOption(new Option('--all', 'all that are open').conflicts('letter'))
    .action(async (file: string, options: DiscardOptions) =>
      (await import('../commands/discard.ts')).runDiscard(file, options),
    );
}

export function addRecoveryCommands(program: Command): void {
  const each = (id: string, before: string[] = []): string[] => [...before, replayId(id)];
  withCommon(
    add(program, 'recover <file>', 'rebuild the manifest of a lost control database; looks only, unless --yes'),
  )
    .option('--yes', 'write what was found; all workers must be stopped')
    .option('--trust-replay <id>', 'land the records of a replay that Kafka does not vouch for any more', each)
    .option('--distrust-replay <id>', "make a replay's records dead letters", each)
    .option('--assume-present-schema', "objects of older versions have the source's present columns")
    .action(async (file: string, options: RecoverOptions) =>
      (await import('../commands/recover.ts')).runRecover(file, options),
    );
}
