/** Asking and waiting: no request is lost, none outlives its workflow, and whoever waits hears of a failure. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { LandRequestPorts, LandStatus, PokeOptions } from '../../activities/land-ports.ts';
import {
  awaitLanded,
  endLandingRequest,
  endStandingRequests,
  requestLanding,
  setLandingEnds,
} from '../../activities/land-requests.ts';
import { createWantsReader } from '../../activities/land-wants.ts';
import type { LandInput } from '../../contracts/temporal.ts';
import { idlePulse, openDataset, openSetting, type Setting, type TestDataset } from './setting.ts';
import { deleteTopic, row } from './topic-writer.ts';

let setting: Setting;
beforeAll(async () => void (setting = await openSetting()));
afterAll(() => setting.close());

/** Ports whose land workflow is as told; pokes are counted. */
function requestPorts(status: () => LandStatus): { ports: LandRequestPorts; pokes: () => number } {
  let pokes = 0;
  const { manifest, topicAdmin } = setting.ports;
  const pokeLand = (_: LandInput, { partitions }: PokeOptions) => {
    pokes += 1;
    expect(partitions).toBeGreaterThan(0);
    return Promise.resolve();
  };
  return { ports: { manifest, topicAdmin, pokeLand, landStatus: () => Promise.resolve(status()) }, pokes: () => pokes };
}
const open = (): LandStatus => ({ kind: 'open' });
const wants = async (dataset: TestDataset, isOpen = true) => {
  const facts = await setting.ports.topicAdmin.describe(dataset.spec.topic.name);
  const ports = { manifest: setting.ports.manifest, isWorkflowOpen: () => Promise.resolve(isOpen) };
  return createWantsReader(ports, dataset.dataset, facts?.topicId ?? '').read();
};

test('the row is there before the poke; it is without an end until one is set, and is gone when it is reached', async () => {
  const dataset = await openDataset(setting);
  await dataset.writer.commit([row(0, 1), row(1, 2)]);
  const { ports } = requestPorts(open);
  const seen: unknown[] = [];
  const pokeLand = async () => void seen.push(await wants(dataset));
  const { spec } = dataset;
  await requestLanding({ ...ports, pokeLand }, { spec, requestId: 'r', workflowId: 'w' });
  expect(seen).toEqual([{ continuous: true, ends: new Map() }]);
  const goal = {
    topicId: (await setting.ports.topicAdmin.describe(spec.topic.name))?.topicId ?? '',
    ends: { 0: 1, 1: 1 },
  };
  await setLandingEnds(ports, { spec, requestId: 'r', workflowId: 'w', goal });
  expect(await wants(dataset)).toEqual({
    continuous: false,
    ends: new Map([
      [0, 1],
      [1, 1],
    ]),
  });
  const waiting = awaitLanded(ports, { spec, goal }, idlePulse());
  await dataset.land();
  expect(await waiting).toMatchObject({ rows: 2, objects: 2, deadLetters: 0, lost: 0 });
  expect(await wants(dataset)).toEqual({ continuous: false, ends: new Map() });
  await endLandingRequest(ports, { spec, requestId: 'r' });
  expect(await setting.ports.manifest.requests(dataset.dataset)).toHaveLength(1); // that of dataset.land
});

test('ends set on a request that was deleted meanwhile make it anew, bounded, and wake the landing', async () => {
  const dataset = await openDataset(setting, { partitions: 1 });
  await dataset.writer.commit([row(0, 1)]);
  const { ports, pokes } = requestPorts(open);
  const { spec } = dataset;
  await requestLanding(ports, { spec, requestId: 'r', workflowId: 'w' });
  await endLandingRequest(ports, { spec, requestId: 'r' });
  const topicId = (await setting.ports.topicAdmin.describe(spec.topic.name))?.topicId ?? '';
  const goal = { topicId, ends: { 0: 1 } };
  await setLandingEnds(ports, { spec, requestId: 'r', workflowId: 'w', goal });
  expect(await setting.ports.manifest.requests(dataset.dataset)).toEqual([
    {
      ...{ requestId: 'r', workflowId: 'w', topic: spec.topic.name, continuous: false },
      ends: [{ topicId, partition: 0, end: 1 }],
    },
  ]);
  expect(await wants(dataset)).toEqual({ continuous: false, ends: new Map([[0, 1]]) });
  expect(pokes()).toBe(2);
});

test('a request up to now has the topic’s present ends as its goal', async () => {
  const dataset = await openDataset(setting);
  await dataset.writer.commit([row(1, 2)]);
  const { ports, pokes } = requestPorts(open);
  await expect.poll(() => setting.ports.topicAdmin.highWatermarks(dataset.spec.topic.name, 2)).toEqual({ 0: 0, 1: 2 });
  const goal = await requestLanding(ports, { spec: dataset.spec, requestId: 'r', workflowId: null, until: 'now' });
  expect(goal?.ends).toEqual({ 0: 0, 1: 2 });
  expect(pokes()).toBe(1);
  expect(await wants(dataset)).toMatchObject({ continuous: false });
});

test('a request ends with the workflow that made it; a person’s stays until it is ended', async () => {
  const dataset = await openDataset(setting);
  const { ports } = requestPorts(open);
  const { spec } = dataset;
  await requestLanding(ports, { spec, requestId: 'of-a-run', workflowId: 'run/gone' });
  expect(await wants(dataset, true)).toMatchObject({ continuous: true });
  expect(await wants(dataset, false)).toMatchObject({ continuous: false });
  expect(await setting.ports.manifest.requests(dataset.dataset)).toEqual([]);
  await requestLanding(ports, { spec, requestId: 'of-a-person', workflowId: null });
  expect(await wants(dataset, false)).toMatchObject({ continuous: true });
  await endStandingRequests(ports, spec);
  expect(await wants(dataset, false)).toMatchObject({ continuous: false });
});

test('whoever waits fails with the fault of a land workflow that failed', async () => {
  const dataset = await openDataset(setting);
  const failed: LandStatus = { kind: 'failed', code: 'OffsetsExpired', message: 'offsets 5 to 9 expired' };
  const { ports } = requestPorts(() => failed);
  const goal = await requestLanding(ports, { spec: dataset.spec, requestId: 'r', workflowId: null, until: 'now' });
  const never = { topicId: goal?.topicId ?? '', ends: { 0: 5 } };
  const waiting = awaitLanded(ports, { spec: dataset.spec, goal: never }, idlePulse());
  await expect(waiting).rejects.toMatchObject({ code: 'OffsetsExpired', retry: false });
  await expect(waiting).rejects.toThrow('offsets 5 to 9 expired');
});

test('a land workflow that ended too early is woken again; a topic that is gone is told', async () => {
  const dataset = await openDataset(setting);
  const { ports, pokes } = requestPorts(() => ({ kind: 'closed' }));
  const facts = await setting.ports.topicAdmin.describe(dataset.spec.topic.name);
  const goal = { topicId: facts?.topicId ?? '', ends: { 0: 5 } };
  const waiting = awaitLanded(ports, { spec: dataset.spec, goal }, idlePulse()).catch((error: unknown) => error);
  await expect.poll(pokes, { timeout: 10_000 }).toBeGreaterThan(0);
  await deleteTopic(dataset.spec.topic.name);
  expect(await waiting).toMatchObject({ code: 'TopicRecreated' });
});
