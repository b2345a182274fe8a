/** How durations and rates are written for people. */
import { expect, test } from 'vitest';
import { rateText, secondsText } from '../../cli/output.ts';

test.each([
  [0, '0.0 s'],
  [99.94, '99.9 s'],
  [239.6, '4 min 0 s'],
  [161, '2 min 41 s'],
  [5999.7, '1 h 40 min'],
])('%d seconds', (seconds, text) => {
  expect(secondsText(seconds)).toBe(text);
});

test.each([
  [30, 342, '0.088 rows/s'],
  [886, 1, '886 rows/s'],
  [0, 10, '0 rows/s'],
  [5, 0, ''],
])('%d rows in %d seconds', (rows, seconds, text) => {
  expect(rateText(rows, seconds)).toBe(text);
});
