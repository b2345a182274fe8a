/** A number of a bench's command line is a whole one in its bounds, or the run ends with what was wrong. */

/** @throws Error naming the option, for anything but a whole number (1_000_000 and 1,000,000 too) from `from` on */
export function wholeNumber(name: string, text: string, from: number): number {
  const value = Number(text.replaceAll(/[_,]/g, ''));
  if (!Number.isSafeInteger(value) || value < from)
    throw new Error(`--${name} ${text}: a whole number from ${from} on`);
  return value;
}
