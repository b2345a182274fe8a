/** What `status` says of a replay whose workflow has ended, though the control database has it as under way. */
import { expect, test } from 'vitest';
import { pipelinesText } from '../../cli/status-text.ts';
import type { WorkflowLook } from '../../cli/workflow-list.ts';
import type { HopCounts, PipelineLook } from '../../contracts/inspect.ts';

const replay: HopCounts = {
  ...{ replayId: 'r1', plannedAt: '2026-03-01T00:00:00Z', startedAt: '2026-03-01T00:00:00Z', publishedAt: null },
  ...{ expected: 100, replayed: 10, landed: 0, loaded: 0, paused: false, state: 'planned', rowsPerSecond: 0 },
  ...{ chunks: { found: 1, all: true, done: 0, reached: 1, skipped: 0 }, paced: false },
  ...{ secondsLeft: null, leftUnknown: 'waits for its turn' },
};
const look: PipelineLook = {
  ...{ pipeline: 'p', dataset: 'lake/p', topic: 'p', replay, open: [replay], newColumns: null, unreachable: [] },
  lake: { rows: 0, cuts: 0, objects: 0, bytes: 0, deadLetters: 0, lost: 0, oldestOpenCutSeconds: 0 },
  ...{ landLag: 0, loadLag: 0, load: { rows: 0, cuts: 0, seconds: 0, lastAt: null } },
};
const ran = (status: string): WorkflowLook => ({
  ...{ workflowId: 'replay/p/r1', type: 'replayTable', status, phase: '' },
  ...{ startedAt: '2026-03-01T00:00:00Z', seconds: 1 },
});

test.each<[string, string[], RegExp]>([
  ['cancelled, it waits for nothing', ['cancelled'], /r1 +cancelled .*none: cancelled; run it again/],
  ['run again after that, it is under way', ['running', 'cancelled'], /r1 +planned .*waits for its turn/],
  ['cancelled twice', ['cancelled', 'failed'], /r1 +cancelled/],
  ['of one that nobody knows the workflow of, what the control database says', [], /r1 +planned/],
])('%s', (_what, runs, line) => {
  expect(pipelinesText([look], runs.map(ran))).toMatch(line);
});
