/** An event time as the source prints it (ISO, UTC; a zone of its own is `+00`) against the clock's milliseconds. Pure. */

const FORM = /^(\d{4,6})-(\d\d)-(\d\d)(?:[ T](\d\d:\d\d(?::\d\d(?:\.\d+)?)?)(?:\+00(?::?00)?|Z)?)?$/;

/** @returns epoch milliseconds, rounded down; null of what has no place on a clock (infinity, before our era) */
export function eventTimeMs(text: string): number | null {
  const parts = FORM.exec(text);
  if (!parts) return null;
  const [, year = '', month = '', day = '', time = '00:00:00'] = parts;
  const wide = year.length > 4 ? `+${year.padStart(6, '0')}` : year;
  const [whole = '', fraction = ''] = (time.length === 5 ? `${time}:00` : time).split('.');
  const ms = Date.parse(`${wide}-${month}-${day}T${whole}Z`);
  return Number.isNaN(ms) ? null : ms + Math.floor(Number(`0.${fraction === '' ? '0' : fraction}`) * 1000);
}
