/**
 * The commands and their options. Only commander is loaded here: each command's code, and the clients it needs, come
 * with the command, so that `--help` answers at once.
 */
import { readFileSync } from 'node:fs';
import { Command, Option } from 'commander';
import type { DemoOptions } from './commands/demo.ts';
import type { CodecOptions } from './commands/codec.ts';
import type { LakeCompactOptions } from './commands/lake-compact.ts';
import type { LakeLsOptions } from './commands/lake-ls.ts';
import type { OrphansOptions } from './commands/lake-orphans.ts';
import type { LakeShowOptions } from './commands/lake-show.ts';
import type { ChunkOptions } from './commands/chunk.ts';
import type { LandOptions } from './commands/land.ts';
import type { BackfillOptions } from './commands/backfill.ts';
import type { ScheduleCommandOptions } from './commands/schedule.ts';
import type { DeadLettersOptions } from './commands/dead-letters.ts';
import type { DiscardOptions } from './commands/discard.ts';
import type { RedriveOptions } from './commands/redrive.ts';
import type { LoadOptions } from './commands/load.ts';
import type { RecoverOptions } from './commands/recover.ts';
import type { RunOptions } from './commands/run.ts';
import type { TuneOptions } from './commands/tune.ts';
import type { VerifyOptions } from './commands/verify.ts';
import type { WorkerOptions } from './commands/worker.ts';
import {
  type CommonOptions,
  byteRate,
  byteSize,
  columnNames,
  filter,
  isoTime,
  lanes,
  replayId,
  rowRate,
  speed,
  wholeNumber,
  withCommon,
  withFollow,
} from './common-options.ts';
import { letterPlace } from './letter-options.ts';
import { EXIT } from './exit-codes.ts';
import { type GenerateOptions, withGenerate } from './generate-options.ts';
import type { ScopeOptions, WindowOptions } from './scope-options.ts';

const FIRST_STEPS = `
First steps:
  headrace demo                                  everything at once, on 100,000 rows
  headrace up                                    or step by step: start a local stack
  headrace migrate                               make the control database's tables
  headrace plan pipelines/product-sales.yaml     what a run would do
  headrace run pipelines/product-sales.yaml --with-worker`;

const EXIT_CODES = `
Exit codes: ${EXIT.ok} ok, ${EXIT.unexpected} unexpected, ${EXIT.usage} usage or configuration, ${EXIT.differs} something differs, ${EXIT.unreachable} a service or
a worker cannot be reached, ${EXIT.workflowFailed} the workflow failed, ${EXIT.interrupted} Ctrl-C (docs/cli.md)`;

export function createProgram(): Command {
  const program = new Command('headrace')
    .description('Replays a table into Kafka, lands it in the lake and loads the warehouse, exactly once.')
    .version(version(), '--version', 'print the version')
    .helpCommand('help [command]', 'show the help of a command')
    .showHelpAfterError('(headrace help shows the commands, headrace help COMMAND its options)')
    .addHelpText('after', `${FIRST_STEPS}\n${EXIT_CODES}`)
    .exitOverride();
  addStackCommands(program);
  addPipelineCommands(program);
  addControlCommands(program);
  addIntervalCommands(program);
  addLetterCommands(program);
  addRecoveryCommands(program);
  addCodecCommand(program);
  addGenerateCommand(program);
  addLakeCommands(program);
  return program;
}

function version(): string {
  const text = readFileSync(new URL('../package.json', import.meta.url), 'utf8');
  return (JSON.parse(text) as { version: string }).version;
}

function add(program: Command, usage: string, summary: string): Command {
  const command = program.command(usage).description(summary).copyInheritedSettings(program);
  // Every command on a pipeline file: it may hold several tables.
  return /[<[]file[>\]]/.test(usage) ? command.option('--table <name>', 'one of the tables of the file') : command;
}

/** A command that takes all tables of its file, or the one of --table. */
function onTables<O extends CommonOptions>(run: (file: string, options: O) => Promise<void>) {
  return async (file: string, options: O): Promise<void> =>
    (await import('./each-table.ts')).eachTable(file, options, (own) => run(file, own));
}

function addStackCommands(program: Command): void {
  withCommon(add(program, 'up', 'start the local stack, or find it running'))
    .addOption(new Option('--with <service>', 'also start a service that is not part of it').choices(['mariadb']))
    .action(async (options: CommonOptions & { with?: 'mariadb' }) => (await import('./commands/up.ts')).runUp(options));
  withCommon(add(program, 'down', 'stop the local stack'))
    .option('--purge', 'also remove its data, logs and passwords')
    .action(async (options: CommonOptions & { purge?: boolean }) =>
      (await import('./commands/down.ts')).runDown(options),
    );
  withCommon(add(program, 'demo', 'the main job on the local stack, from nothing to verified'))
    .option('--rows <n>', 'rows of product_sales', wholeNumber(3), 100_000)
    .action(async (options: DemoOptions) => (await import('./commands/demo.ts')).runDemo(options));
  withCommon(add(program, 'migrate', 'apply migrations/ to the control database')).action(
    async (options: CommonOptions) => (await import('./commands/migrate.ts')).runMigrate(options),
  );
  withCommon(add(program, 'worker', 'run a worker; Ctrl-C drains it'))
    .option('--only <queues>', 'some of read, land, load, orchestrate, with commas between (default: all)')
    .action(async (options: WorkerOptions) => (await import('./commands/worker.ts')).runWorker(options));
}

function addCodecCommand(program: Command): void {
  withCommon(add(program, 'codec', 'decode encrypted data for the Temporal UI, on this machine; Ctrl-C ends it'))
    .option('--port <n>', 'of 127.0.0.1', wholeNumber(0, 65_535), 8234)
    .option('--ui <address>', "the Temporal UI's (default: temporal.ui)")
    .action(async (options: CodecOptions) => (await import('./commands/codec.ts')).runCodec(options));
}

function withWindow(command: Command): Command {
  return command
    .option('--from <time>', 'rows from this event time on (ISO 8601; UTC unless it says otherwise)', isoTime)
    .option('--to <time>', 'rows before this event time', isoTime)
    .option('--where <sql>', "rows for which this expression in the source's SQL is true", filter)
    .option('--limit <n>', 'the first so many of these rows, in the order of the key', wholeNumber(1));
}

function withScope(command: Command): Command {
  return withWindow(command)
    .option('--rate <rows>', 'rows a second at most, e.g. 20000/s', rowRate(1))
    .option('--bytes <size>', 'bytes of values a second at most, e.g. 10MiB/s', byteRate)
    .option('--speed <factor>', 'in the order of event time, each row when it is due, e.g. 60x', speed('any'))
    .option('--lanes <n>', 'lanes that run at a time (default: source.lanes)', lanes)
    .option('--replay-id <id>', 'name the replay; one that is there already is come back to', replayId);
}

function addPipelineCommands(program: Command): void {
  withWindow(withCommon(add(program, 'plan <file>', 'rows, chunks, types, topic and DDL of a run; changes nothing')))
    .option('--speed <factor>', 'as of replay', speed('any'))
    .action(
      onTables<CommonOptions & WindowOptions & { speed?: number }>(async (file, options) =>
        (await import('./commands/plan.ts')).runPlan(file, options),
      ),
    );
  withScope(withFollow(add(program, 'run <file>', 'replay, land, load and verify, as one workflow')))
    .option('--parallelism <n>', 'land activities side by side', wholeNumber(1))
    .action(onTables<RunOptions>(async (file, options) => (await import('./commands/run.ts')).runRun(file, options)));
  withScope(withFollow(add(program, 'replay <file>', 'publish the table, or a part of it, to the topic')))
    .option('--columns <names>', 'only where nothing loads the topic; else list them in source.columns', columnNames)
    .action(
      onTables<ScopeOptions>(async (file, options) => (await import('./commands/replay.ts')).runReplay(file, options)),
    );
  withFollow(add(program, 'land <file>', 'land the topic in the lake, on and on'))
    .option('--until-caught-up', 'end when all that is in the topic now has landed')
    .addOption(new Option('--stop', 'ask a continuous landing to end').conflicts(['untilCaughtUp', 'withWorker']))
    .option('--accept-loss', 'go on past records that expired before they were landed')
    .option('--parallelism <n>', 'land activities side by side', wholeNumber(1))
    .action(
      onTables<LandOptions>(async (file, options) => (await import('./commands/land.ts')).runLand(file, options)),
    );
  withFollow(add(program, 'load <file>', 'load what has landed into the warehouse'))
    .option('--every <duration>', 'make a Temporal Schedule that loads so often, e.g. 5m')
    .option('--skip-expired', 'go on over rows that have expired from the lake (lake.afterLoad)')
    .addOption(new Option('--unschedule', 'remove the Schedule').conflicts('every'))
    .action(
      onTables<LoadOptions>(async (file, options) => (await import('./commands/load.ts')).runLoad(file, options)),
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
      onTables<VerifyOptions>(async (file, options) => (await import('./commands/verify.ts')).runVerify(file, options)),
    );
}

function addControlCommands(program: Command): void {
  withCommon(add(program, 'status [file]', 'running and recent workflows, and how far each hop is'))
    .option('--limit <n>', 'workflows to show', wholeNumber(1), 20)
    .action(async (file: string | undefined, options: CommonOptions & { limit: number }) => {
      const { runStatus } = await import('./commands/status.ts');
      await (file === undefined ? runStatus(file, options) : onTables<typeof options>(runStatus)(file, options));
    });
  for (const signal of ['pause', 'resume'] as const) {
    withCommon(add(program, `${signal} <workflow>`, `${signal} a replay, by its workflow id`)).action(
      async (workflow: string, options: CommonOptions) =>
        (await import('./commands/signal.ts')).runSignal(signal, workflow, options),
    );
  }
  withCommon(add(program, 'retry <workflow>', 'try one chunk of a running replay again, now'))
    .requiredOption('--chunk <n>', 'its number', wholeNumber(0))
    .action(async (workflow: string, options: ChunkOptions) =>
      (await import('./commands/chunk.ts')).runChunk(workflow, options),
    );
  withCommon(add(program, 'skip <workflow>', 'leave one chunk of a running replay out, for good'))
    .requiredOption('--chunk <n>', 'its number', wholeNumber(0))
    .requiredOption('--reason <text>', 'why; it is recorded')
    .action(async (workflow: string, options: ChunkOptions) =>
      (await import('./commands/chunk.ts')).runChunk(workflow, options),
    );
  withCommon(add(program, 'tune <workflow>', 'change the rate or the lanes of a running replay'))
    .option('--rate <rows>', 'rows a second at most; 0: no limit', rowRate(0))
    .option('--bytes <size>', 'bytes of values a second at most, e.g. 10MiB; 0: no limit', byteRate)
    .option('--speed <factor>', 'of a replay that has one, e.g. 120x; 0: as fast as it goes', speed('zero'))
    .option('--lanes <n>', 'lanes that run at a time', lanes)
    .action(async (workflow: string, options: TuneOptions) =>
      (await import('./commands/tune.ts')).runTune(workflow, options),
    );
}

function withInterval(command: Command): Command {
  return command
    .option('--look-back <duration>', 'event time before each interval that is read again, for late rows, e.g. 1h')
    .option('--where <sql>', "rows for which this expression in the source's SQL is true", filter)
    .option('--rate <rows>', 'rows a second at most', rowRate(1))
    .option('--parallelism <n>', 'land activities side by side', wholeNumber(1));
}

function addIntervalCommands(program: Command): void {
  withInterval(withCommon(add(program, 'schedule <file>', 'run each new data interval by a Temporal Schedule')))
    .option('--every <duration>', 'an interval so often, and so long, e.g. 5m')
    .option('--cron <expression>', 'when to run, in UTC, e.g. "0 3 * * *"; needs --step')
    .option('--step <duration>', "an interval's length (default: --every)")
    .option('--since <time>', 'where the first interval begins (default: a step ago)', isoTime)
    .addOption(
      new Option('--overlap <policy>', 'what becomes of one that is due while another runs')
        .choices(['skip', 'buffer-one', 'buffer-all', 'allow-all', 'cancel-other', 'terminate-other'])
        .default('skip'),
    )
    .option('--catchup <duration>', 'how late one may be started after an outage (default: the step)')
    .action(
      onTables<ScheduleCommandOptions>(async (file, options) =>
        (await import('./commands/schedule.ts')).runSchedule(file, options),
      ),
    );
  withInterval(withFollow(add(program, 'backfill <file>', 'run the data intervals of a window, the oldest first')))
    .requiredOption('--from <time>', 'the first interval begins there', isoTime)
    .requiredOption('--to <time>', 'the last interval ends there', isoTime)
    .requiredOption('--step <duration>', "an interval's length, e.g. 1d")
    .option('--parallel <n>', 'intervals side by side', wholeNumber(1, 100), 1)
    .option('--overview', 'only show which are done, running, failed')
    .action(
      onTables<BackfillOptions>(async (file, options) =>
        (await import('./commands/backfill.ts')).runBackfill(file, options),
      ),
    );
  const schedules = withCommon(
    add(program, 'schedules [schedule]', 'the schedules that are there, or one with its intervals'),
  ).action(async (schedule: string | undefined, options: CommonOptions) =>
    (await import('./commands/schedules.ts')).runSchedules(schedule, options),
  );
  for (const deed of ['pause', 'resume', 'trigger', 'delete'] as const) {
    withCommon(add(schedules, `${deed} <schedule>`, `${deed} a schedule`)).action(
      async (schedule: string, _: CommonOptions, command: Command) =>
        (await import('./commands/schedules.ts')).runScheduleDeed(deed, schedule, command.optsWithGlobals()),
    );
  }
}

function addLetterCommands(program: Command): void {
  withCommon(add(program, 'dead-letters <file>', 'records that could not be processed, and why'))
    .addOption(
      new Option('--state <state>', 'which of them').choices(['open', 'redriven', 'discarded', 'all']).default('open'),
    )
    .option('--limit <n>', 'letters to show', wholeNumber(1, 10_000), 100)
    .action(async (file: string, options: DeadLettersOptions) =>
      (await import('./commands/dead-letters.ts')).runDeadLetters(file, options),
    );
  withFollow(
    add(program, 'redrive <file>', "read open dead letters' rows from the source again, once the cause is mended"),
  )
    .option('--letter <place>', 'PARTITION/OFFSET of one; may be repeated (default: all that are open)', letterPlace)
    .option('--replay-id <id>', 'name the replay; one that is there already is come back to', replayId)
    .action(async (file: string, options: RedriveOptions) =>
      (await import('./commands/redrive.ts')).runRedrive(file, options),
    );
  withCommon(add(program, 'discard <file>', 'say that dead letters are not to arrive'))
    .requiredOption('--reason <text>', 'why; verify shows it')
    .option('--letter <place>', 'PARTITION/OFFSET of one; may be repeated', letterPlace)
    .addOption(new Option('--all', 'all that are open').conflicts('letter'))
    .action(async (file: string, options: DiscardOptions) =>
      (await import('./commands/discard.ts')).runDiscard(file, options),
    );
}

function addRecoveryCommands(program: Command): void {
  const each = (id: string, before: string[] = []): string[] => [...before, replayId(id)];
  withCommon(
    add(program, 'recover <file>', 'rebuild the manifest of a lost control database; looks only, unless --yes'),
  )
    .option('--yes', 'write what was found; all workers must be stopped')
    .option('--trust-replay <id>', 'land the records of a replay that Kafka does not vouch for any more', each)
    .option('--distrust-replay <id>', "make a replay's records dead letters", each)
    .option('--assume-present-schema', "objects of older versions have the source's present columns")
    .action(async (file: string, options: RecoverOptions) =>
      (await import('./commands/recover.ts')).runRecover(file, options),
    );
}

function addLakeCommands(program: Command): void {
  const lake = add(program, 'lake', 'looks at the lake and after it: ls, show, compact, orphans');
  withCommon(add(lake, 'ls <file>', 'what the lake holds, by its manifest: partitions, files, rows'))
    .option('--files', 'each file, too')
    .action(async (file: string, options: LakeLsOptions) =>
      (await import('./commands/lake-ls.ts')).runLakeLs(file, options),
    );
  withCommon(add(lake, 'show <file>', 'the first rows of the lake'))
    .option('--limit <n>', 'rows to show', wholeNumber(1, 100_000), 20)
    .option('--object <name>', 'of this object only, as `lake ls --files` names it')
    .addOption(
      new Option('--reader <reader>', 'what reads the files').choices(['duckdb', 'parquetjs']).default('duckdb'),
    )
    .action(async (file: string, options: LakeShowOptions) =>
      (await import('./commands/lake-show.ts')).runLakeShow(file, options),
    );
  withCommon(add(lake, 'compact <file>', 'merge small files of a partition into larger ones'))
    .addOption(new Option('--target <size>', 'of a file, at most').argParser(byteSize).default(256 * 2 ** 20, '256MiB'))
    .option('--dry-run', 'only tell what would be merged')
    .action(async (file: string, options: LakeCompactOptions) =>
      (await import('./commands/lake-compact.ts')).runLakeCompact(file, options),
    );
  withCommon(add(lake, 'orphans <file>', 'objects that no cut names'))
    .option('--older-than <duration>', 'leave younger ones alone, e.g. 30m', '1h')
    .option('--delete', 'remove the orphans')
    .action(async (file: string, options: OrphansOptions) =>
      (await import('./commands/lake-orphans.ts')).runLakeOrphans(file, options),
    );
}

function addGenerateCommand(program: Command): void {
  withGenerate(
    add(
      program,
      'generate <profile>',
      "sales data that behaves like a shop's: smoothies, orders, product-sales or country-sales",
    ),
  ).action(async (profile: string, options: GenerateOptions) =>
    (await import('./commands/generate.ts')).runGenerate(profile, options),
  );
}
