/**
 * Beats for activities that answer in seconds, so that a worker that died in the middle of one is noticed after the heartbeat's
 * 15 s, not after the call's whole two minutes (a replay killed while it planned stood still for 120 s). A call that hangs is
 * still ended by its start-to-close timeout. Long work beats by itself, with each step forward: there, a beat from a timer
 * would make a call that hangs look alive for a day.
 */
import type { Context } from '@temporalio/activity';
import type { ActivityExecuteInput, ActivityInboundCallsInterceptor, Next } from '@temporalio/worker';

const BEAT_EVERY_MS = 4_000;
/** As workflows/activity-options.ts bounds short calls. */
const SHORT_CALL_MS = 2 * 60_000;

export function beatShortCalls(context: Context): { inbound: ActivityInboundCallsInterceptor } {
  const { startToCloseTimeoutMs, heartbeatTimeoutMs } = context.info;
  if (heartbeatTimeoutMs === undefined || startToCloseTimeoutMs > SHORT_CALL_MS) return { inbound: {} };
  return {
    inbound: {
      async execute(
        input: ActivityExecuteInput,
        next: Next<ActivityInboundCallsInterceptor, 'execute'>,
      ): Promise<unknown> {
        const beats = setInterval(() => context.heartbeat(), BEAT_EVERY_MS);
        try {
          return await next(input);
        } finally {
          clearInterval(beats);
        }
      },
    },
  };
}
