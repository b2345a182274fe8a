/** Ctrl-C and SIGTERM as an AbortSignal: the first asks for an orderly end, the second ends the process at once. */
import { EXIT } from './exit-codes.ts';

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
  return {
    signal: controller.signal,
    release: () => {
      process.off('SIGINT', handle);
      process.off('SIGTERM', handle);
    },
  };
}
