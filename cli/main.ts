/**
 * The command line's entry: parses, runs one command, and turns whatever is thrown into a message that names the thing,
 * the cause and the remedy, and into an exit code. No stack trace unless --verbose or DEBUG asks for it.
 */
import { CommanderError } from 'commander';
import { EXIT } from './exit-codes.ts';
import type { Failure } from './failure.ts';
import { createProgram } from './program.ts';

export async function main(argv: readonly string[]): Promise<void> {
  endQuietlyOnClosedPipe();
  try {
    await createProgram().parseAsync([...argv]);
  } catch (error) {
    process.exitCode = error instanceof CommanderError ? tellUsage(error, argv) : await tell(error, argv);
  }
}

/** Commander has written its message already, to standard error; scripts that asked for a document get one here, too. */
function tellUsage(error: CommanderError, argv: readonly string[]): number {
  if (error.exitCode === 0) return EXIT.ok;
  const help = error.code === 'commander.help' ? 'name a command; headrace help shows them' : undefined;
  tellDocument(argv, { code: 'ConfigInvalid', message: help ?? error.message.replace(/^error: /, '') });
  return EXIT.usage;
}

function tellDocument(argv: readonly string[], error: Omit<Failure, 'exitCode'>): void {
  if (!argv.includes('--json')) return;
  process.stdout.write(`${JSON.stringify({ ok: false, error }, undefined, 2)}\n`);
}

async function tell(error: unknown, argv: readonly string[]): Promise<number> {
  const { failureOf } = await import('./failure.ts');
  const { isDebugging } = await import('../workers/config/debug.ts');
  const { exitCode, ...told } = failureOf(error);
  const { message } = told;
  tellDocument(argv, told);
  const traced = argv.includes('--verbose') || isDebugging();
  if (message !== '') process.stderr.write(`headrace: ${message}\n`);
  if (traced) process.stderr.write(`${traceOf(error)}\n`);
  else if (exitCode === EXIT.unexpected) process.stderr.write('(--verbose shows where this happened)\n');
  return exitCode;
}

function traceOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const cause = error.cause === undefined ? '' : `\ncaused by ${traceOf(error.cause)}`;
  return `${error.stack ?? error.message}${cause}`;
}

/**
 * `headrace status | head` is no error. Nor is it the end where progress alone is cut off: `headrace up 2>&1 | head` died between
 * the start of a service and the note of its process, and the service stayed for ever.
 */
function endQuietlyOnClosedPipe(): void {
  process.stderr.on('error', () => undefined);
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code === 'EPIPE') process.exit(EXIT.ok);
    throw error;
  });
}
