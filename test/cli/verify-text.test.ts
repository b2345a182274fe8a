/** What verify's report says of rows that only the warehouse has: the remedy it names is one that is not refused. */
import { expect, test } from 'vitest';
import { verifyText } from '../../cli/verify-text.ts';
import type { VerifyReport } from '../../contracts/temporal.ts';

const report: VerifyReport = {
  ...{ pipeline: 'p', replayId: 'r', ok: false, missing: 0, extra: 1, different: 0, changedSince: 0, skipped: 0 },
  rows: { source: 1, replayed: 1, landed: 1, loaded: 2 },
  seconds: { replay: 1, land: 1, load: 1, verify: 1 },
  examples: { missing: [], extra: ['{"id":-1}'], different: [], changedSince: [], skipped: [] },
  ...{ lost: 0, expired: 0, deadLetters: 0, discarded: 0, skips: [], discardReasons: [], chunksUnequal: 0 },
  ...{ objects: 1, bytes: 1 },
};

test.each<[string, Partial<VerifyReport>, string]>([
  ['of the whole table', {}, '(a replay never deletes: if it is to go, verify --prune)'],
  [
    'of a part of it',
    { scope: 'the first 20' },
    '(a replay never deletes: if it is to go, replay the whole table, then verify --prune)',
  ],
  ['of appended records', { mode: 'append' }, '(a replay never deletes)'],
])('%s', (_what, change, words) => {
  expect(verifyText({ ...report, ...change }, false)).toContain(`1 row of the warehouse is not in the source ${words}`);
});
