/**
 * What the local stack throws: a message that names the thing, the cause and the remedy.
 * Not from contracts/errors.ts: its kinds decide what Temporal retries, and nothing of the stack runs inside Temporal.
 */
export class StackError extends Error {
  override readonly name = 'StackError';
}

/** Thrown when the caller's signal (Ctrl-C) ended the work; what it had started is stopped by then. */
export class StackInterrupted extends Error {
  override readonly name = 'StackInterrupted';
}

/** The message of anything thrown, for embedding in a message of ours. */
export function reasonOf(error: unknown): string {
  if (error instanceof AggregateError && error.message === '') return error.errors.map(reasonOf).join('; ');
  return error instanceof Error ? error.message : String(error);
}

/** Whether the system gave one of these codes for its error, e.g. ENOENT. */
export const isCode = (error: unknown, ...codes: readonly string[]): boolean =>
  error instanceof Error && 'code' in error && codes.includes(String(error.code));
