/**
 * The one place where what an activity throws becomes what Temporal records: the fault's code as the type, retryable as
 * the catalogue says, the whole chain of causes kept. Secrets are cut out of the text first. And where an activity's scope
 * begins: what it logs and counts names its pipeline, replay and chunk.
 */
import { ApplicationFailure, CancelledFailure, type Context } from '@temporalio/activity';
import type { ActivityInterceptors } from '@temporalio/worker';
import { isFault, messageOf } from '../contracts/errors.ts';
import { scopeNow, scopeOf, withScope } from './activity-scope.ts';
import type { Metrics } from './metrics.ts';

/** `//user:secret@` in any URL that a driver put into its message. */
const CREDENTIALS = /(\/\/[^:/@\s]+:)[^@\s]+@/g;
const CAUSES_MOST = 5;
/**
 * Characters of a failure's words, causes and stack together. Of an activity that is tried again Temporal keeps 4 KiB of the last
 * failure (`limit.mutableStateActivityFailureSize.error`) and puts "Failure exceeds size limit." in the place of a longer one: with a
 * stack a cause, Kafka's being away was told in those words. The rest is what 6 payloads weigh, sealed ones too.
 */
const WORDS_MOST = 2_000;

export function withoutSecrets(text: string): string {
  return text.replace(CREDENTIALS, '$1…@');
}

/** @param room for the words, in characters; what no retry mends goes into the history, which has room for all of them */
export function toFailure(error: unknown, depth = 0, room = WORDS_MOST): Error {
  if (error instanceof CancelledFailure || error instanceof ApplicationFailure) return error;
  const nonRetryable = isFault(error) && !error.retry;
  const message = cut(withoutSecrets(messageOf(error)), nonRetryable && depth === 0 ? Infinity : room);
  const left = room - message.length;
  const below =
    error instanceof Error && error.cause !== undefined && depth < CAUSES_MOST && left > 0
      ? toFailure(error.cause, depth + 1, left)
      : undefined;
  const failure = ApplicationFailure.create({
    message,
    type: isFault(error) ? error.code : error instanceof Error && depth > 0 ? error.name : 'Unexpected',
    nonRetryable,
    ...(below === undefined ? {} : { cause: below }),
  });
  // Where it was thrown; where it was turned into a failure is here, always. A cause's is that of the same call, a little deeper.
  failure.stack = depth > 0 ? '' : framesOf(error, left - wordsUnder(below));
  return failure;
}

const cut = (text: string, most: number): string => (text.length > most ? `${text.slice(0, most - 1)}…` : text);

function wordsUnder(failure: Error | undefined): number {
  if (failure === undefined) return 0;
  return failure.message.length + (failure.cause instanceof Error ? wordsUnder(failure.cause) : 0);
}

/** A stack's frames, without the words before them, as many as there is room for. */
function framesOf(error: unknown, room: number): string {
  const stack = error instanceof Error ? (error.stack ?? '') : '';
  const frames = stack.split('\n').filter((line) => /^ {4}at /.test(line));
  let length = 0;
  return frames.filter((line) => (length += line.length + 1) <= room).join('\n');
}

export function mapFaults(_context: Context): ActivityInterceptors {
  return {
    inbound: {
      execute: async (input, next) => {
        try {
          return await next(input);
        } catch (error) {
          throw toFailure(error);
        }
      },
    },
  };
}

/** To be placed before `mapFaults`, whose failures it counts. */
export function watchActivities(metrics: Metrics): (context: Context) => ActivityInterceptors {
  return ({ info }) => ({
    inbound: {
      execute: (input, next) => {
        const { activityType: activity, attempt, workflowExecution } = info;
        const scope = scopeOf(activity, workflowExecution?.workflowId ?? '', input.args);
        if (attempt > 1) metrics.retries.inc({ activity, pipeline: scope.pipeline });
        metrics.running.inc({ activity });
        return withScope(scope, async () => {
          try {
            return await next(input);
          } catch (error) {
            const code = error instanceof ApplicationFailure ? (error.type ?? 'Unexpected') : 'Cancelled';
            metrics.failures.inc({ activity, code });
            throw error;
          } finally {
            metrics.running.dec({ activity });
          }
        });
      },
    },
    outbound: { getLogAttributes: (input, next) => ({ ...next(input), ...scopeNow() }) },
  });
}
