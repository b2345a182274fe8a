/** What runs: how far it is, and how it is steered. */
import type { Command } from 'commander';
import { type CommonOptions, byteRate, lanes, rowRate, speed, wholeNumber, withCommon } from '../common-options.ts';
import type { ChunkOptions } from '../commands/chunk.ts';
import type { TuneOptions } from '../commands/tune.ts';
import { add, onTables } from './define.ts';

export function addControlCommands(program: Command): void {
  withCommon(add(program, 'status [file]', 'running and recent workflows, and how far each hop is'))
    .option('--limit <n>', 'workflows to show', wholeNumber(1), 20)
    .action(async (file: string | undefined, options: CommonOptions & { limit: number }) => {
      const { runStatus } = await import('../commands/status.ts');
      await (file === undefined ? runStatus(file, options) : onTables<typeof options>(runStatus)(file, options));
    });
  for (const signal of ['pause', 'resume'] as const) {
    withCommon(add(program, `${signal} <workflow>`, `${signal} a replay, by its workflow id`)).action(
      async (workflow: string, options: CommonOptions) =>
        (await import('../commands/signal.ts')).runSignal(signal, workflow, options),
    );
  }
  withCommon(add(program, 'cancel <workflow>', 'end a workflow and those below it, with nothing half-done')).action(
    async (workflow: string, options: CommonOptions) =>
      (await import('../commands/cancel.ts')).runCancel(workflow, options),
  );
  withCommon(add(program, 'retry <workflow>', 'try one chunk of a running replay again, now'))
    .requiredOption('--chunk <n>', 'its number', wholeNumber(0))
    .action(async (workflow: string, options: ChunkOptions) =>
      (await import('../commands/chunk.ts')).runChunk(workflow, options),
    );
  withCommon(add(program, 'skip <workflow>', 'leave one chunk of a running replay out, for good'))
    .requiredOption('--chunk <n>', 'its number', wholeNumber(0))
    .requiredOption('--reason <text>', 'why; it is recorded')
    .action(async (workflow: string, options: ChunkOptions) =>
      (await import('../commands/chunk.ts')).runChunk(workflow, options),
    );
  withCommon(add(program, 'tune <workflow>', 'change the rate or the lanes of a running replay'))
    .option('--rate <rows>', 'rows a second at most; 0: no limit', rowRate(0))
    .option('--bytes <size>', 'bytes of values a second at most, e.g. 10MiB; 0: no limit', byteRate)
    .option('--speed <factor>', 'of a replay that has one, e.g. 120x; 0: as fast as it goes', speed('zero'))
    .option('--lanes <n>', 'lanes that run at a time', lanes)
    .action(async (workflow: string, options: TuneOptions) =>
      (await import('../commands/tune.ts')).runTune(workflow, options),
    );
}
