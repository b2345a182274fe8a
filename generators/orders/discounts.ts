/** What the calendar does to orders: sales that come each year, and the days before pay day. */
import type { Values } from '../kinds.ts';
import { calendarDayOf, DAY, weekdayOf } from '../times.ts';
import type { Volume } from '../volume.ts';
import type { ORDERS_SETTINGS } from './settings.ts';

type Settings = Values<typeof ORDERS_SETTINGS>;

export interface Discounts {
  volume: Volume;
  /** The largest share taken off at a time; 0: none. */
  discount(at: number): number;
}

export function createDiscounts({ discountEvents, monthEnd }: Settings): Discounts {
  let day = -1;
  let factor = 1;
  let discount = 0;
  const look = (at: number): void => {
    const today = Math.floor(at / DAY);
    if (today === day) return;
    day = today;
    const { year, day: ofMonth, daysInMonth } = calendarDayOf(at);
    // An event may have begun in the year before.
    const on = discountEvents.filter((event) =>
      [year - 1, year].some((each) => {
        const first = firstDay(event.on, each);
        return today >= first && today < first + event.days;
      }),
    );
    const ends = daysInMonth - ofMonth < monthEnd.days ? monthEnd.volume : 1;
    factor = on.reduce((product, { volume }) => product * volume, ends);
    discount = Math.max(0, ...on.map((event) => event.discount));
  };
  return {
    volume(at) {
      look(at);
      return factor;
    },
    discount(at) {
      look(at);
      return discount;
    },
  };
}

/** Days since 1970. Black Friday is the day after the fourth Thursday of November. */
function firstDay(on: string, year: number): number {
  if (on !== 'black-friday') {
    const [month = 1, day = 1] = on.split('-').map(Number);
    return Date.UTC(year, month - 1, day) / 86_400_000;
  }
  const november = Date.UTC(year, 10, 1) / 86_400_000;
  const firstThursday = (3 - weekdayOf(november * DAY) + 7) % 7;
  return november + firstThursday + 3 * 7 + 1;
}
