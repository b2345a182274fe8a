/**
 * The command and its groups of commands. Only commander is loaded here: each command's code, and the clients it needs, come
 * with the command, so that it starts at once.
 */
import { readFileSync } from 'node:fs';
import { Command } from 'commander';
import { EXIT } from './exit-codes.ts';
import { addControlCommands } from './groups/control.ts';
import { addGenerateCommand } from './groups/generate.ts';
import { addIntervalCommands } from './groups/intervals.ts';
import { addLakeCommands } from './groups/lake.ts';
import { nothingStartedYet } from './interrupt.ts';
import { addLetterCommands, addRecoveryCommands } from './groups/letters.ts';
import { addPipelineCommands } from './groups/pipeline.ts';
import { addCodecCommand, addStackCommands } from './groups/stack.ts';

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
    .exitOverride()
    .hook('preAction', (_, { options }) => {
      if (options.some(({ long }) => long === '--detach')) nothingStartedYet(process.argv.includes('--json'));
    });
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
