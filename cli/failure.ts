/**
 * Turns whatever was thrown into what a person needs: the real cause, and an exit code. Temporal wraps a cause in up to
 * four layers (workflow, child workflow, activity, application failure); the innermost that says something is shown.
 */
import { type FaultPart, isFault, messageOf } from '../contracts/errors.ts';
import { EXIT, exitCodeOf, exitCodeOfWorkflow } from './exit-codes.ts';

export interface Failure {
  exitCode: number;
  /** A fault's code, or the error's name. */
  code: string;
  message: string;
  /** What it tells one by one, where that is more than one thing or has a place. */
  faults?: readonly FaultPart[];
}

/** Thrown to end a command with an exit code and nothing more to say than `message`. */
export class CommandEnd extends Error {
  readonly exitCode: number;
  constructor(exitCode: number, code: string, message: string) {
    super(message);
    this.name = code;
    this.exitCode = exitCode;
  }
}

/** Names, not classes: importing Temporal's client for `instanceof` costs 300 ms in commands that never talk to it. */
const TEMPORAL_WRAPPERS = new Set(['WorkflowFailedError', 'ActivityFailure', 'ChildWorkflowFailure']);

export function failureOf(error: unknown): Failure {
  if (error instanceof CommandEnd) return { exitCode: error.exitCode, code: error.name, message: error.message };
  if (isFault(error)) {
    const { code, message, parts } = error;
    return { exitCode: exitCodeOf(code), code, message, ...(parts === undefined ? {} : { faults: parts }) };
  }
  const name = error instanceof Error ? error.name : 'Error';
  if (name === 'StackInterrupted' || name === 'AbortError') {
    return { exitCode: EXIT.interrupted, code: name, message: messageOf(error) };
  }
  if (name === 'StackError') return { exitCode: EXIT.unreachable, code: name, message: messageOf(error) };
  if (name === 'WorkflowFailedError') {
    const { cause, doing } = innermost(error);
    const code = typeOf(cause);
    return { exitCode: exitCodeOfWorkflow(code), code, message: explained(cause, doing) };
  }
  if (name === 'WorkflowNotFoundError') {
    return { exitCode: EXIT.usage, code: name, message: `${messageOf(error)}; headrace status shows those that run` };
  }
  if (name === 'NamespaceNotFoundError') {
    const message = `Temporal: ${messageOf(error)}; make it, or mend temporal.namespace (HEADRACE_TEMPORAL_NAMESPACE)`;
    return { exitCode: EXIT.usage, code: name, message };
  }
  if (name === 'ServiceError') {
    return { exitCode: EXIT.unreachable, code: name, message: `Temporal: ${withCause(error)}` };
  }
  return { exitCode: EXIT.unexpected, code: name, message: withCause(error) };
}

/** What failed inside, and the activity that it happened in. */
function innermost(error: unknown): { cause: unknown; doing?: string } {
  let here = error;
  let doing: string | undefined;
  while (here instanceof Error && TEMPORAL_WRAPPERS.has(here.name) && here.cause !== undefined) {
    if ('activityType' in here && typeof here.activityType === 'string') doing = here.activityType;
    here = here.cause;
  }
  return { cause: here, ...(doing === undefined ? {} : { doing }) };
}

function typeOf(cause: unknown): string {
  if (cause instanceof Error && 'type' in cause && typeof cause.type === 'string') return cause.type;
  return cause instanceof Error ? cause.name : 'Error';
}

function explained(cause: unknown, doing: string | undefined): string {
  const name = cause instanceof Error ? cause.name : '';
  if (name === 'CancelledFailure') return 'the workflow was cancelled';
  if (name === 'TerminatedFailure') return 'the workflow was terminated';
  if (name === 'TimeoutFailure') return `the workflow ran out of time${doing === undefined ? '' : ` in ${doing}`}`;
  return messageOf(cause);
}

function withCause(error: unknown): string {
  const message = messageOf(error);
  const cause = error instanceof Error && error.cause !== undefined ? messageOf(error.cause) : '';
  return cause === '' || message.includes(cause) ? message : `${message}: ${cause}`;
}
