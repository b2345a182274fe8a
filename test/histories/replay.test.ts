/**
 * Histories of every workflow type, recorded by record.ts, run through today's workflow code: what runs in production
 * survives an upgrade, or this fails first.
 */
import protos from '@temporalio/proto';
import { DefaultLogger, Runtime, Worker, type WorkflowBundleOption } from '@temporalio/worker';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, expect, test } from 'vitest';
import { WORKFLOWS } from '../../contracts/temporal.ts';
import { workflowBundle } from '../../workers/workflow-bundle.ts';

Runtime.install({ logger: new DefaultLogger('ERROR'), telemetryOptions: { logging: { filter: 'OFF' } } });

const FOLDER = join(import.meta.dirname, 'recorded');

interface RecordedEvent {
  eventType: string;
  workflowExecutionStartedEventAttributes?: { workflowType: { name: string }; workflowId: string };
  activityTaskScheduledEventAttributes?: { activityType: { name: string } };
  activityTaskStartedEventAttributes?: { attempt?: number };
  workflowExecutionSignaledEventAttributes?: { signalName: string };
}

const names = readdirSync(FOLDER).filter((name) => name.endsWith('.jsonl'));
let bundle: WorkflowBundleOption;

beforeAll(async () => {
  bundle = await workflowBundle();
});

function read(name: string): RecordedEvent[] {
  const lines = readFileSync(join(FOLDER, name), 'utf8').trimEnd().split('\n');
  return lines.map((line) => JSON.parse(line) as RecordedEvent);
}

async function replay(events: RecordedEvent[]): Promise<void> {
  const workflowId = events[0]?.workflowExecutionStartedEventAttributes?.workflowId;
  const history = protos.temporal.api.history.v1.History.fromObject({ events });
  await Worker.runReplayHistory({ workflowBundle: bundle }, history, workflowId);
}

const lastOf = (name: string): string | undefined => read(name).at(-1)?.eventType;

test('every workflow type is recorded, and what seldom happens too', () => {
  const types = names.map((name) => read(name)[0]?.workflowExecutionStartedEventAttributes?.workflowType.name);
  expect(new Set(types)).toEqual(new Set(Object.values(WORKFLOWS)));

  const troubled = read('replay-in-trouble.jsonl');
  const attempts = troubled.map(({ activityTaskStartedEventAttributes: started }) => started?.attempt ?? 0);
  expect(Math.max(...attempts)).toBeGreaterThan(1);
  const signals = troubled.flatMap(({ workflowExecutionSignaledEventAttributes: signal }) => signal?.signalName ?? []);
  expect(signals).toEqual(['pause', 'resume', 'setRate', 'setLanes']);
  expect(lastOf('replay-continues-as-new.jsonl')).toBe('EVENT_TYPE_WORKFLOW_EXECUTION_CONTINUED_AS_NEW');
  expect(lastOf('replay-continued.jsonl')).toBe('EVENT_TYPE_WORKFLOW_EXECUTION_COMPLETED');
  expect(lastOf('run-refused.jsonl')).toBe('EVENT_TYPE_WORKFLOW_EXECUTION_FAILED');
});

test.each(names)('%s goes through', async (name) => {
  await replay(read(name));
});

test.each(['run.jsonl', 'replay.jsonl', 'land.jsonl'])('%s with two commands swapped does not', async (name) => {
  const events = read(name);
  const kinds = events.flatMap(({ activityTaskScheduledEventAttributes: scheduled }) => scheduled?.activityType ?? []);
  const other = kinds.find((kind) => kind.name !== kinds[0]?.name);
  if (!kinds[0] || !other) throw new Error(`${name} has one kind of activity only`);
  [kinds[0].name, other.name] = [other.name, kinds[0].name];
  await expect(replay(events)).rejects.toThrow(/[Nn]ondeterminism/);
});
