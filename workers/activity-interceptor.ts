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

export function withoutSecrets(text: string): string {
  return text.replace(CREDENTIALS, '$1…@');
}

export function toFailure(error: unknown, depth = 0): Error {
  if (error instanceof CancelledFailure || error instanceof ApplicationFailure) return error;
  const below =
    error instanceof Error && error.cause !== undefined && depth < CAUSES_MOST
      ? toFailure(error.cause, depth + 1)
      : undefined;
  return ApplicationFailure.create({
    message: withoutSecrets(messageOf(error)),
    type: isFault(error) ? error.code : error instanceof Error && depth > 0 ? error.name : 'Unexpected',
    nonRetryable: isFault(error) && !error.retry,
    ...(below === undefined ? {} : { cause: below }),
  });
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
