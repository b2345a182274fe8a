/** From a plan to a proof: what a pipeline file can be told to do. */
import { type Command, Option } from 'commander';
import {
  type CommonOptions,
  columnNames,
  replayId,
  speed,
  wholeNumber,
  withCommon,
  withFollow,
} from '../common-options.ts';
import type { LandOptions } from '../commands/land.ts';
import type { LoadOptions } from '../commands/load.ts';
import type { RunOptions } from '../commands/run.ts';
import type { VerifyOptions } from '../commands/verify.ts';
import type { ScopeOptions, WindowOptions } from '../scope-options.ts';
import { add, onTables, withWindow, withScope } from './define.ts';

export function addPipelineCommands(program: Command): void {
  withWindow(withCommon(add(program, 'plan <file>', 'rows, chunks, types, topic and DDL of a run; changes nothing')))
    .option('--speed <factor>', 'as of replay', speed('any'))
    .action(
      onTables<CommonOptions & WindowOptions & { speed?: number }>(async (file, options) =>
        (await import('../commands/plan.ts')).runPlan(file, options),
      ),
    );
  withScope(withFollow(add(program, 'run <file>', 'replay, land, load and verify, as one workflow')))
    .option('--parallelism <n>', 'land activities side by side', wholeNumber(1))
    .action(onTables<RunOptions>(async (file, options) => (await import('../commands/run.ts')).runRun(file, options)));
  withScope(withFollow(add(program, 'replay <file>', 'publish the table, or a part of it, to the topic')))
    .option('--columns <names>', 'only where nothing loads the topic; else list them in source.columns', columnNames)
    .action(
      onTables<ScopeOptions>(async (file, options) => (await import('../commands/replay.ts')).runReplay(file, options)),
    );
  withFollow(add(program, 'land <file>', 'land the topic in the lake, on and on'))
    .option('--until-caught-up', 'end when all that is in the topic now has landed')
    .addOption(new Option('--stop', 'ask a continuous landing to end').conflicts(['untilCaughtUp', 'withWorker']))
    .option('--accept-loss', 'go on past records that expired before they were landed')
    .option('--parallelism <n>', 'land activities side by side', wholeNumber(1))
    .action(
      onTables<LandOptions>(async (file, options) => (await import('../commands/land.ts')).runLand(file, options)),
    );
  withFollow(add(program, 'load <file>', 'load what has landed into the warehouse'))
    .option('--every <duration>', 'make a Temporal Schedule that loads so often, e.g. 5m')
    .option('--skip-expired', 'go on over rows that have expired from the lake (lake.afterLoad)')
    .addOption(new Option('--unschedule', 'remove the Schedule').conflicts('every'))
    .action(
      onTables<LoadOptions>(async (file, options) => (await import('../commands/load.ts')).runLoad(file, options)),
    );
  withFollow(add(program, 'verify <file>', 'compare source, topic, lake and warehouse'))
    .option('--replay-id <id>', 'the replay to verify (default: the latest published)', replayId)
    .option(
      '--living',
      'the source is being written to: where it cannot date a difference (MySQL), take it for a change',
    )
    .option('--prune', 'delete the rows of the warehouse that the source has no more; asks first')
    .option('--yes', 'do not ask')
    .action(
      onTables<VerifyOptions>(async (file, options) =>
        (await import('../commands/verify.ts')).runVerify(file, options),
      ),
    );
}
