/** The lake: looks at it and after it. */
import { type Command, Option } from 'commander';
import { byteSize, wholeNumber, withCommon } from '../common-options.ts';
import type { LakeCompactOptions } from '../commands/lake-compact.ts';
import type { LakeLsOptions } from '../commands/lake-ls.ts';
import type { OrphansOptions } from '../commands/lake-orphans.ts';
import type { LakeShowOptions } from '../commands/lake-show.ts';
import { add } from './define.ts';

export function addLakeCommands(program: Command): void {
  const lake = add(program, 'lake', 'looks at the lake and after it: ls, show, compact, orphans');
  withCommon(add(lake, 'ls <file>', 'what the lake holds, by its manifest: partitions, files, rows'))
    .option('--files', 'each file, too')
    .action(async (file: string, options: LakeLsOptions) =>
      (await import('../commands/lake-ls.ts')).runLakeLs(file, options),
    );
  withCommon(add(lake, 'show <file>', 'the first rows of the lake'))
    .option('--limit <n>', 'rows to show', wholeNumber(1, 100_000), 20)
    .option('--object <name>', 'of this object only, as `lake ls --files` names it')
    .addOption(
      new Option('--reader <reader>', 'what reads the files').choices(['duckdb', 'parquetjs']).default('duckdb'),
    )
    .action(async (file: string, options: LakeShowOptions) =>
      (await import('../commands/lake-show.ts')).runLakeShow(file, options),
    );
  withCommon(add(lake, 'compact <file>', 'merge small files of a partition into larger ones'))
    .addOption(new Option('--target <size>', 'of a file, at most').argParser(byteSize).default(256 * 2 ** 20, '256MiB'))
    .option('--dry-run', 'only tell what would be merged')
    .action(async (file: string, options: LakeCompactOptions) =>
      (await import('../commands/lake-compact.ts')).runLakeCompact(file, options),
    );
  withCommon(add(lake, 'orphans <file>', 'objects that no cut names'))
    .option('--older-than <duration>', 'leave younger ones alone, e.g. 30m', '1h')
    .option('--delete', 'remove the orphans')
    .action(async (file: string, options: OrphansOptions) =>
      (await import('../commands/lake-orphans.ts')).runLakeOrphans(file, options),
    );
}
