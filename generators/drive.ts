/**
 * Carries a model's events to a sink: as fast as it goes, or each at its time. A run that goes on makes the same events again
 * from the first one and passes over those that are there: the seed is the only state, and passing over takes under a
 * microsecond an event. Guarantees: an end, whatever its reason, leaves everything up to it in the sink, or throws.
 */
import { setImmediate as breathe } from 'node:timers/promises';
import type { GeneratePace } from '../contracts/generate.ts';
import type { Emission } from './model.ts';
import type { Clock, Counts, Sink } from './ports.ts';

export interface Goal {
  /** Main events in all. */
  events?: number;
  /** No event from this time on, microseconds since 1970. */
  until?: number;
}

export interface DriveRequest {
  emissions: Iterable<Emission>;
  sink: Sink;
  goal: Goal;
  /** What is there already. */
  counts: Counts;
  pace?: GeneratePace;
  clock: Clock;
  /** Asks for an orderly end. */
  signal: AbortSignal;
  onProgress?: (progress: Progress) => void;
}

export interface Progress {
  /** Events of all outputs that the sink was given, those of earlier runs included. */
  counts: Counts;
  /** Of this run. */
  written: number;
  /** Main events, those of earlier runs included. */
  main: number;
  /** Time of the last event; null: there was none. */
  at: number | null;
  /** Live, the event that is waited for: its time, and when that is by the clock, milliseconds. */
  next?: { at: number; due: number };
}
export interface Driven extends Progress {
  ended: 'complete' | 'interrupted';
}

/** The event loop must turn: for Ctrl-C, and for what is on its way to be sent. */
const BREATHE_EVERY = 2_048;
/** In live mode nothing waits longer than this to be seen. */
const LIVE_FLUSH_MS = 250;

export async function drive(request: DriveRequest): Promise<Driven> {
  const { sink, goal, pace, clock, signal, onProgress } = request;
  const done = new Map<string, number>();
  let written = 0;
  let main = 0;
  let at: number | null = null;
  let next: Progress['next'];
  let made = 0;
  let waiting = false;
  let flushedAt = clock.now();
  let underWay: Promise<void> = Promise.resolve();
  let ended: Driven['ended'] = 'complete';
  const progress = (): Progress => ({
    ...{ counts: { ...request.counts, ...Object.fromEntries(done) }, written, main, at },
    ...(next === undefined ? {} : { next }),
  });

  const flush = async (): Promise<void> => {
    await underWay;
    waiting = false;
    flushedAt = clock.now();
    underWay = sink.flush(at ?? 0);
    underWay.catch(() => undefined); // whoever waits for it next hears of it
    onProgress?.(progress());
  };

  /** @returns false where the end was asked for first */
  const untilDue = async (time: number, { speed, origin }: GeneratePace): Promise<boolean> => {
    const due = origin.wall + (time - origin.event) / 1_000 / speed;
    next = { at: time, due };
    for (;;) {
      const left = due - clock.now();
      if (left <= 0) break;
      if (signal.aborted) return false;
      const patience = flushedAt + LIVE_FLUSH_MS - clock.now();
      if (waiting && (patience <= 0 || left > LIVE_FLUSH_MS)) await flush();
      else await clock.sleep(waiting ? Math.min(left, Math.max(1, patience)) : Math.min(left, 1_000), signal);
      await Promise.race([underWay, Promise.resolve()]);
      onProgress?.(progress());
    }
    next = undefined;
    if (waiting && clock.now() - flushedAt >= LIVE_FLUSH_MS) await flush();
    return !signal.aborted;
  };

  for (const emission of request.emissions) {
    const { output } = emission;
    if (goal.until !== undefined && emission.at >= goal.until) break;
    if (output.main === true && goal.events !== undefined && main >= goal.events) break;
    if (++made % BREATHE_EVERY === 0) await breathe();
    if (signal.aborted) {
      ended = 'interrupted';
      break;
    }
    const count = (done.get(output.name) ?? 0) + 1;
    const isNew = count > (request.counts[output.name] ?? 0);
    if (isNew && pace !== undefined && !(await untilDue(emission.at, pace))) {
      ended = 'interrupted';
      break;
    }
    done.set(output.name, count);
    at = emission.at;
    if (output.main === true) main += 1;
    if (!isNew) continue;
    sink.add(emission);
    written += 1;
    waiting = true;
    if (sink.full()) await flush();
  }
  if (waiting) await flush();
  await underWay;
  if (ended === 'complete') await sink.finish();
  return { ...progress(), ended };
}
