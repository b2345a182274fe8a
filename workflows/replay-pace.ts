/**
 * A replay's pace while it runs: what signals and updates set is told to the chunks that run, the newest last, one telling at a
 * time.
 */
import {
  ApplicationFailure,
  defineSignal,
  defineUpdate,
  isCancellation,
  proxyActivities,
  setHandler,
} from '@temporalio/workflow';
import type { ReplayActivities } from '../activities/replay-activities.ts';
import { type ReplayInput, type SetSpeed, SIGNALS, UPDATES } from '../contracts/temporal.ts';
import { shortCall } from './activity-options.ts';

export interface PaceState {
  paused: boolean;
  rate: number | null;
  bytes: number | null;
  /** Absent: of a replay that was carried over from an older version. */
  speed?: number | null;
}

type Limits = Parameters<ReplayActivities['setPace']>[0]['pace'];

export interface Pacing {
  /** The pace as it goes along with the taking of the turn. */
  withTurn(): Limits;
  /** Chunks run from now on, and have to be told. */
  begin(): void;
  changed(): void;
  isTelling(): boolean;
}

export const setRateSignal = defineSignal<[number | null]>(SIGNALS.setRate);
export const setBytesSignal = defineSignal<[number | null]>(SIGNALS.setBytes);
export const setSpeedUpdate = defineUpdate<string, [SetSpeed]>(UPDATES.setSpeed);

const { setPace } = proxyActivities<ReplayActivities>(shortCall('read'));

/** @param fail hears why chunks could not be told */
export function createPacing(replayId: string, state: PaceState, fail: (error: unknown) => void): Pacing {
  let begun = false;
  let stale = false;
  let telling = false;
  const limits = (): Limits => ({
    ...{ rowsPerSecond: state.rate, bytesPerSecond: state.bytes },
    ...{ speed: state.speed ?? null, paused: state.paused },
  });
  async function tell(): Promise<void> {
    stale = true;
    if (!begun || telling) return;
    telling = true;
    try {
      while (stale) {
        stale = false;
        await setPace({ replayId, pace: limits() });
      }
    } catch (error) {
      // Nobody awaits this: one thrown on would fail the workflow's task, not the replay. A cancelled replay ends by itself.
      if (!isCancellation(error)) fail(error);
    } finally {
      telling = false;
    }
  }
  return {
    withTurn() {
      stale = false;
      return limits();
    },
    begin() {
      begun = true;
      // A signal may have come while the turn was taken.
      if (stale) void tell();
    },
    changed: () => void tell(),
    isTelling: () => telling,
  };
}

/** Takes rate, bytes and speed; 0 ends a limit. */
export function handlePace({ speed: started }: ReplayInput, state: PaceState, pacing: Pacing): void {
  setHandler(setRateSignal, (rate) => {
    state.rate = rate === 0 ? null : rate;
    pacing.changed();
  });
  setHandler(setBytesSignal, (bytes) => {
    state.bytes = bytes === 0 ? null : bytes;
    pacing.changed();
  });
  setHandler(
    setSpeedUpdate,
    ({ speed }) => {
      state.speed = speed === 0 ? null : speed;
      pacing.changed();
      return speed === 0 ? 'as fast as it goes' : `${speed}x event time`;
    },
    {
      validator: ({ speed }) => {
        if (started === undefined)
          throw ApplicationFailure.nonRetryable(
            'it was started without a speed, so its rows come in key order, which no clock can pace; start another with --speed',
            'ConfigInvalid',
          );
        if (!(speed >= 0)) throw ApplicationFailure.nonRetryable(`a speed of ${speed} is none`, 'ConfigInvalid');
      },
    },
  );
}
