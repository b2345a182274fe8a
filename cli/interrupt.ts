/** Ctrl-C and SIGTERM as an AbortSignal: the first asks for an orderly end, the second ends the process at once. */
import { EXIT } from './exit-codes.ts';
import type { CommandEnd } from './failure.ts';

let endBefore: (() => void) | undefined;

/**
 * Until a command says by `catchInterrupt` or `leaveWith` what Ctrl-C is to do: it ends at once, and says that nothing goes on
 * behind its back. Loading clients and starting a worker take a second or more.
 *
 * @param json whether a document is expected on standard output
 */
export function nothingStartedYet(json: boolean): void {
  const message = 'interrupted; nothing was started';
  const end = (): void => {
    const document = { ok: false, error: { code: 'Interrupted', message } };
    if (json) process.stdout.write(`${JSON.stringify(document, undefined, 2)}\n`);
    process.stderr.write(`headrace: ${message}\n`);
    process.exit(EXIT.interrupted);
  };
  endBefore = end;
  process.once('SIGINT', end);
  process.once('SIGTERM', end);
}

function endsOtherwise(): void {
  if (endBefore === undefined) return;
  process.off('SIGINT', endBefore);
  process.off('SIGTERM', endBefore);
  endBefore = undefined;
}

/**
 * @param onFirst told at the first signal, before the abort
 * @returns the signal, and `release`, after which Ctrl-C ends the process as usual
 */
export function catchInterrupt(onFirst?: () => void): { signal: AbortSignal; release: () => void } {
  const controller = new AbortController();
  const handle = (): void => {
    if (controller.signal.aborted) process.exit(EXIT.interrupted);
    onFirst?.();
    controller.abort();
  };
  process.on('SIGINT', handle);
  process.on('SIGTERM', handle);
  endsOtherwise();
  return {
    signal: controller.signal,
    release: () => {
      process.off('SIGINT', handle);
      process.off('SIGTERM', handle);
    },
  };
}

/**
 * For a command that leaves something behind which goes on: from the moment it tells of it until it ends, no Ctrl-C may find
 * the process without a word on how to come back, not even between two things that are waited for.
 * @param end says it, when the signal comes
 * @returns as above, and `interrupted`, which rejects with it, at once where the signal came before
 */
export function leaveWith(end: () => CommandEnd): {
  interrupted: Promise<never>;
  signal: AbortSignal;
  release: () => void;
} {
  const { signal, release } = catchInterrupt();
  const interrupted = new Promise<never>((_, reject) => {
    signal.addEventListener('abort', () => reject(end()));
  });
  interrupted.catch(() => undefined); // it may be that nobody waits for it just now
  return { interrupted, signal, release };
}
