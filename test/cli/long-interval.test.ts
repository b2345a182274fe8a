/** Backfills that Headrace itself suggests are ones that it takes. */
import { expect, test } from 'vitest';
import { fittingStepMs, stepOf, windowOf } from '../../cli/interval-options.ts';
import { longIntervalText } from '../../cli/long-interval.ts';
import { loadAll, loadSettings } from '../../workers/config/index.ts';
import { CHECKOUT } from './run-cli.ts';

const NOWHERE = 'postgres://u@127.0.0.1:1/none';
const settings = loadSettings({
  env: {
    HEADRACE_CONTROL_URL: NOWHERE,
    HEADRACE_KAFKA_BROKERS: '127.0.0.1:1',
    HEADRACE_S3_REGION: 'r',
    HEADRACE_TEMPORAL_ADDRESS: '127.0.0.1:1',
  },
});
const { spec } = loadAll(`${CHECKOUT}/pipelines/product-sales.yaml`, {
  env: { HEADRACE_CONNECTION_SALES: NOWHERE, HEADRACE_CONNECTION_WAREHOUSE: NOWHERE },
  defaults: {
    HEADRACE_CONTROL_URL: NOWHERE,
    HEADRACE_KAFKA_BROKERS: '127.0.0.1:1',
    HEADRACE_S3_REGION: 'r',
    HEADRACE_TEMPORAL_ADDRESS: '127.0.0.1:1',
  },
});

test('a window of too many intervals is refused with a step that fits', () => {
  const refused = (): unknown => windowOf('2020-01-01', '2026-01-01', stepOf('--step', '5m'));
  expect(refused).toThrow(/^631,296 intervals are more than 10,000; a --step of 6h or more fits, or a shorter window$/);
  expect(windowOf('2020-01-01', '2026-01-01', stepOf('--step', '6h')).count).toBe(8_768);
});

test.each([
  ['5m', '2020-01-01T00:05:00Z'],
  ['10s', '2025-03-01T00:00:00Z'],
  ['45m', '2001-09-09T01:30:00Z'],
  ['1h', '1970-01-01T00:00:00Z'],
  ['1d', '2020-01-01T00:00:00Z'],
])(
  'the backfills that a schedule in steps of %s since %s suggests can be run, and leave no hole',
  async (step, since) => {
    const stepMs = stepOf('--step', step);
    const text = await longIntervalText(settings, { spec, stepMs, madeBy: 'schedule', since }, 'headrace backfill F');
    const commands = [...(text ?? '').matchAll(/headrace backfill F --from (\S+) --to (\S+) --step (\w+)/g)];
    expect(commands.length).toBeGreaterThan(0);
    let covered = Date.parse(since);
    for (const [, from = '', to = '', its = ''] of commands) {
      const window = windowOf(from, to, stepOf('--step', its));
      expect(Date.parse(window.from)).toBeLessThanOrEqual(covered);
      covered = Date.parse(window.to);
    }
    expect(Date.now() - covered).toBeLessThan(2 * stepMs);
  },
);

test('the step that is wanted stays, where it fits', () => {
  expect(fittingStepMs(10_000 * 300_000, 300_000)).toBe(300_000);
});
