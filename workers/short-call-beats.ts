/**
 * Beats for activities that answer in seconds, so that a worker that died in the middle of one is noticed after the heartbeat's
 * 15 s, not after the call's whole two minutes (a replay killed while it planned stood still for 120 s). A call that hangs is
 * still ended by its start-to-close timeout. Long work beats by itself, with each step forward: there, a beat from a timer
 * would make a call that hangs look alive for a day.
 */
import type { Context } from '@temporalio/activity';
import type { ActivityInterceptors } from '@temporalio/worker';
import { SHORT_CALL_MS } from '../contracts/temporal.ts';

const BEAT_EVERY_MS = 4_000;

export function beatShortCalls(context: Context): ActivityInterceptors {
  const { startToCloseTimeoutMs, heartbeatTimeoutMs } = context.info;
  if (heartbeatTimeoutMs === undefined || startToCloseTimeoutMs > SHORT_CALL_MS) return {};
  return {
    inbound: {
      execute: async (input, next) => {
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
