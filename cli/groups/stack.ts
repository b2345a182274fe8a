/** The local stack, the control database, workers, and what a browser asks. */
import { type Command, Option } from 'commander';
import { type CommonOptions, wholeNumber, withCommon } from '../common-options.ts';
import type { CodecOptions } from '../commands/codec.ts';
import type { DemoOptions } from '../commands/demo.ts';
import type { WorkerOptions } from '../commands/worker.ts';
import { add } from './define.ts';

export function addStackCommands(program: Command): void {
  withCommon(add(program, 'up', 'start the local stack, or find it running'))
    .addOption(new Option('--with <service>', 'also start a service that is not part of it').choices(['mariadb']))
    .action(async (options: CommonOptions & { with?: 'mariadb' }) =>
      (await import('../commands/up.ts')).runUp(options),
    );
  withCommon(add(program, 'down', 'stop the local stack'))
    .option('--purge', 'also remove its data, logs and passwords')
    .action(async (options: CommonOptions & { purge?: boolean }) =>
      (await import('../commands/down.ts')).runDown(options),
    );
  withCommon(add(program, 'demo', 'the main job on the local stack, from nothing to verified'))
    .option('--rows <n>', 'rows of product_sales', wholeNumber(3), 100_000)
    .action(async (options: DemoOptions) => (await import('../commands/demo.ts')).runDemo(options));
  withCommon(add(program, 'migrate', 'apply migrations/ to the control database')).action(
    async (options: CommonOptions) => (await import('../commands/migrate.ts')).runMigrate(options),
  );
  withCommon(add(program, 'worker', 'run a worker; Ctrl-C drains it'))
    .option('--only <queues>', 'some of read, land, load, orchestrate, with commas between (default: all)')
    .action(async (options: WorkerOptions) => (await import('../commands/worker.ts')).runWorker(options));
}

export function addCodecCommand(program: Command): void {
  withCommon(add(program, 'codec', 'decode encrypted data for the Temporal UI, on this machine; Ctrl-C ends it'))
    .option('--port <n>', 'of 127.0.0.1', wholeNumber(0, 65_535), 8234)
    .option('--ui <address>', "the Temporal UI's (default: temporal.ui)")
    .action(async (options: CodecOptions) => (await import('../commands/codec.ts')).runCodec(options));
}
