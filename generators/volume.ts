/**
 * How busy it is: a factor an hour, made of hours, weekdays, months, a trend and a calendar of exceptions, and the arrivals
 * that follow it. Each shape is scaled to a mean of 1, so that a shape never changes how much there is in all.
 */
import { factors, list, number, type Values } from './kinds.ts';
import type { Run } from './model.ts';
import { calendarDayOf, DAY, HOUR, HOURS, hourOf, MONTHS, WEEKDAYS, weekdayOf, YEAR } from './times.ts';

/** Gives the factor of the hour that begins at `at`; 0: closed. */
export type Volume = (at: number) => number;

/** Nothing happens for so long: then nothing will. */
const GIVE_UP = 3 * YEAR;

export const WEEKDAY_FACTORS = (value: readonly number[]) =>
  factors(value, WEEKDAYS, 'volume by day of week, from Monday on');
export const HOUR_FACTORS = (value: readonly number[]) => factors(value, HOURS, 'volume by hour of the day (UTC)');
export const MONTH_FACTORS = (value: readonly number[]) => factors(value, MONTHS, 'volume by month, from January on');

const TREND = {
  afterDays: number(0, 0, 36_600, 'days after the start from which on it holds'),
  perYear: number(0, -0.99, 100, 'growth a year; 0.2 is a fifth more, negative is less'),
};
export const trend = (value: readonly Values<typeof TREND>[]) =>
  list(value, TREND, 'growth that can turn: each part holds from its day on until the next');

/** Scaled so that the mean over those that are not 0 is 1. */
export function level(values: readonly number[]): number[] {
  const open = values.filter((value) => value > 0);
  const mean = open.reduce((sum, value) => sum + value, 0) / Math.max(1, open.length);
  return values.map((value) => (mean === 0 ? 0 : value / mean));
}

/** Scaled to a mean of 1 over all of them, zeros included: what is closed is made up for by the rest. */
export function spread(values: readonly number[]): number[] {
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  return values.map((value) => (mean === 0 ? 0 : value / mean));
}

export interface Shapes {
  hours: readonly number[];
  weekdays: readonly number[];
  months: readonly number[];
  trend: readonly Values<typeof TREND>[];
  start: number;
  /** A further factor, e.g. of a storm; asked for every hour. */
  exception?: Volume;
}

export function createVolume({ hours, weekdays, months, trend: parts, start, exception }: Shapes): Volume {
  const growth = createTrend(parts, start);
  let day = -1;
  let ofDay = 1;
  return (at) => {
    const today = Math.floor(at / DAY);
    if (today !== day) {
      day = today;
      ofDay = (weekdays[weekdayOf(at)] as number) * (months[calendarDayOf(at).month] as number) * growth(at);
    }
    const factor = ofDay * (hours[hourOf(at)] as number);
    return exception === undefined ? factor : factor * exception(at);
  };
}

function createTrend(parts: readonly Values<typeof TREND>[], start: number): Volume {
  const turns = [...parts].sort((one, other) => one.afterDays - other.afterDays);
  return (at) => {
    const days = (at - start) / DAY;
    let factor = 1;
    for (const [index, { afterDays, perYear }] of turns.entries()) {
      if (days <= afterDays) break;
      const until = Math.min(days, turns[index + 1]?.afterDays ?? Infinity);
      factor *= (1 + perYear) ** (((until - afterDays) * DAY) / YEAR);
    }
    return factor;
  };
}

export interface Arrivals {
  /**
   * The next arrival, whole microseconds, later than the one before.
   * @param gap microseconds to wait where the factor is 1: a busy hour (2) takes half of it, a closed one is passed over
   * @returns Infinity where all is closed for years
   */
  next(gap: number): number;
}

export function createArrivals(volume: Volume, start: number): Arrivals {
  let at = start;
  let hourEnds = -Infinity;
  let factor = 0;
  const enter = (): void => {
    const begins = Math.floor(at / HOUR) * HOUR;
    factor = volume(begins);
    hourEnds = begins + HOUR;
  };
  return {
    next(gap) {
      const before = Math.floor(at);
      let left = gap;
      for (;;) {
        if (at >= hourEnds) enter();
        const room = (hourEnds - at) * factor;
        if (left < room) break;
        left -= room;
        at = hourEnds;
        if (at - before > GIVE_UP) return Infinity;
      }
      at = Math.max(at + left / factor, before + 1);
      return Math.floor(at);
    },
  };
}

/**
 * Main events an average day: the setting, or what makes the run's events fit its days, whatever trend and seasons are.
 * @param perDay the setting
 */
export function rateOf(volume: Volume, { start, span }: Pick<Run, 'start' | 'span'>, perDay: number): number {
  if (span === undefined) return perDay;
  const hours = Math.max(1, Math.ceil(span.days * 24));
  let sum = 0;
  for (let hour = 0; hour < hours; hour++) sum += volume(start + hour * HOUR);
  return sum === 0 ? perDay : (span.events * 24) / sum;
}
