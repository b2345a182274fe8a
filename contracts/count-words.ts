/** Counts as people read them, wherever a message has one: `1 row`, `2,000 rows`. Pure. */

/** Not `toLocaleString`: a workflow's words must not depend on which Node writes them. */
export const numberText = (value: number): string => String(Math.round(value)).replace(/\B(?=(\d{3})+$)/g, ',');

/** `1 row`, `2,000 rows`. @param thing whose plural takes an s */
export const countText = (count: number, thing: string): string =>
  `${numberText(count)} ${thing}${Math.round(count) === 1 ? '' : 's'}`;

/** `1 row is`, `2,000 rows are`. */
export const countWith = (count: number, thing: string, one: string, many: string): string =>
  `${countText(count, thing)} ${Math.round(count) === 1 ? one : many}`;
