/** What commands of several groups have in common: how one is added, that it may take several tables, which rows it reads. */
import type { Command } from 'commander';
import {
  type CommonOptions,
  byteRate,
  filter,
  isoTime,
  lanes,
  replayId,
  rowRate,
  speed,
  wholeNumber,
} from '../common-options.ts';

export function add(program: Command, usage: string, summary: string): Command {
  const command = program.command(usage).description(summary).copyInheritedSettings(program);
  // Every command on a pipeline file: it may hold several tables.
  return /[<[]file[>\]]/.test(usage) ? command.option('--table <name>', 'one of the tables of the file') : command;
}

/** A command that takes all tables of its file, or the one of --table. */
export function onTables<O extends CommonOptions>(run: (file: string, options: O) => Promise<void>) {
  return async (file: string, options: O): Promise<void> =>
    (await import('../each-table.ts')).eachTable(file, options, (own) => run(file, own));
}

export function withWindow(command: Command): Command {
  return command
    .option('--from <time>', 'rows from this event time on (ISO 8601; UTC unless it says otherwise)', isoTime)
    .option('--to <time>', 'rows before this event time', isoTime)
    .option('--where <sql>', "rows for which this expression in the source's SQL is true", filter)
    .option('--limit <n>', 'the first so many of these rows, in the order of the key', wholeNumber(1));
}

export function withScope(command: Command): Command {
  return withWindow(command)
    .option('--rate <rows>', 'rows a second at most, e.g. 20000/s', rowRate(1))
    .option('--bytes <size>', 'bytes of values a second at most, e.g. 10MiB/s', byteRate)
    .option('--speed <factor>', 'in the order of event time, each row when it is due, e.g. 60x', speed('any'))
    .option('--lanes <n>', 'lanes that run at a time (default: source.lanes)', lanes)
    .option('--replay-id <id>', 'name the replay; one that is there already is come back to', replayId);
}
