/**
 * The stack without the `headrace` command: `npx tsx stack/main.ts up [--mariadb] [--json] | down [--purge] | setup`.
 * For tests and for work on the stack itself; users have `headrace up`.
 */
import { parseArgs } from 'node:util';
import { down } from './down.ts';
import { stackFolders } from './environment.ts';
import { StackError, StackInterrupted } from './stack-error.ts';
import { ensureKafkaBinding } from './setup.ts';
import type { StackEvent } from './types.ts';
import { up } from './up.ts';

const { positionals, values } = parseArgs({
  allowPositionals: true,
  options: { json: { type: 'boolean' }, purge: { type: 'boolean' }, mariadb: { type: 'boolean' } },
});

const folders = stackFolders();
const interrupt = new AbortController();
const onSignal = (): void => interrupt.abort(new StackInterrupted('interrupted'));
process.on('SIGINT', onSignal);
process.on('SIGTERM', onSignal);

/** Progress goes to standard error, so that standard output holds nothing but the answer. */
function onProgress({ service, state, seconds, detail }: StackEvent): void {
  process.stderr.write(`${service.padEnd(9)} ${state.padEnd(9)} ${seconds.toFixed(1).padStart(6)} s  ${detail}\n`);
}

async function main(): Promise<void> {
  switch (positionals[0]) {
    case 'up': {
      const info = await up({
        ...folders,
        ...(values.mariadb === true ? { extra: ['mariadb'] } : {}),
        onProgress,
        signal: interrupt.signal,
      });
      const exports = Object.entries(info.env).map(([name, value]) => `export ${name}='${value}'`);
      process.stdout.write(
        values.json === true ? `${JSON.stringify(info, undefined, 2)}\n` : `${exports.join('\n')}\n`,
      );
      return;
    }
    case 'down':
      return await down({ home: folders.home, purge: values.purge === true, onProgress });
    case 'setup':
      return await ensureKafkaBinding((line) => process.stderr.write(`${line}\n`), { signal: interrupt.signal });
    default:
      throw new StackError('say one of: up [--mariadb] [--json], down [--purge], setup');
  }
}

try {
  await main();
} catch (error) {
  if (!(error instanceof StackError) && !(error instanceof StackInterrupted)) throw error;
  process.stderr.write(`${error.message}\n`);
  process.exitCode = error instanceof StackInterrupted ? 130 : 1;
}
