/** `headrace codec`: what the Temporal UI asks to show encrypted data; needs the keys, and nothing else to be there. */
import { fault } from '../../contracts/errors.ts';
import type { CommonOptions } from '../common-options.ts';
import { settingsFor } from '../environment.ts';
import { catchInterrupt } from '../interrupt.ts';
import { createOutput } from '../output.ts';

export interface CodecOptions extends CommonOptions {
  port: number;
  ui?: string;
}

export async function runCodec(options: CodecOptions): Promise<void> {
  const output = createOutput(options.json === true);
  const { temporal } = settingsFor(options, []);
  if (temporal.encryptionKeys === undefined) {
    throw fault(
      'ConfigInvalid',
      'nothing is encrypted: temporal.encryptionKeys (HEADRACE_TEMPORAL_ENCRYPTION_KEYS) is not set',
    );
  }
  const ui = originOf(options.ui ?? temporal.ui);
  const { startCodecServer } = await import('../../workers/codec-server.ts');
  const server = await startCodecServer(temporal.encryptionKeys, options.port, ui);
  output.note(`${server.address}: decodes for ${ui ?? 'the Temporal CLI only; name the UI with --ui'}`);
  const interrupt = catchInterrupt();
  await new Promise<void>((resolve) => interrupt.signal.addEventListener('abort', () => resolve()));
  await server.close();
  interrupt.release();
}

/** @throws Fault ConfigInvalid */
function originOf(address: string | undefined): string | undefined {
  if (address === undefined) return undefined;
  if (!URL.canParse(address)) throw fault('ConfigInvalid', `--ui ${address}: no address such as http://127.0.0.1:8233`);
  return new URL(address).origin;
}
