/** For any text: a duration or a size is what its number and its unit say, or it is refused; never something else. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { parseDuration, size } from '../../workers/config/values.ts';

const DURATIONS = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 };
const SIZES = { B: 1, KB: 1e3, MB: 1e6, GB: 1e9, TB: 1e12, KiB: 2 ** 10, MiB: 2 ** 20, GiB: 2 ** 30, TiB: 2 ** 40 };
const any = size(0, Number.MAX_SAFE_INTEGER);
const word = fc.oneof(
  fc.string({ unit: 'grapheme' }),
  fc
    .tuple(fc.nat(), fc.constantFrom(...Object.keys(Object.prototype), 'constructor', 'valueOf', 'x'))
    .map((parts) => parts.join('')),
);
const spelled = (unit: string) => fc.constantFrom(unit, unit.toLowerCase(), unit.toUpperCase(), ` ${unit}`);

test('a number with a unit is the number times the unit, in any case', () => {
  const of = (units: Readonly<Record<string, number>>) =>
    fc
      .tuple(fc.nat(8_000), fc.constantFrom(...Object.entries(units)))
      .chain(([number, [unit, factor]]) =>
        spelled(unit).map((text) => ({ text: `${number}${text}`, value: number * factor })),
      );
  fc.assert(
    fc.property(of(DURATIONS), ({ text, value }) => {
      expect(parseDuration(text)).toBe(value);
    }),
  );
  fc.assert(
    fc.property(of(SIZES), ({ text, value }) => {
      const { success, data } = any.safeParse(text);
      expect(success ? data : undefined).toBe(value <= Number.MAX_SAFE_INTEGER ? value : undefined);
    }),
  );
});

test('any other text is refused, or a whole number that is none below nothing', () => {
  fc.assert(
    fc.property(word, (text) => {
      for (const found of [parseDuration(text), any.safeParse(text).data]) {
        if (found !== undefined) expect(Number.isInteger(found) && found >= 0).toBe(true);
      }
      if (!/\d/.test(text)) expect(parseDuration(text)).toBeUndefined();
    }),
    { numRuns: 2_000 },
  );
});
