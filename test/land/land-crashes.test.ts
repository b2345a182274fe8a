/** Kills, zombies and lost answers between the steps of a cut: nothing is lost, nothing is there twice. */
import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { LandShare, LandStep } from '../../activities/land-ports.ts';
import type { ChildTask } from './land-child.ts';
import { openDataset, openSetting, type Setting, type TestDataset } from './setting.ts';
import { row, type TestRecord } from './topic-writer.ts';

let setting: Setting;
beforeAll(async () => void (setting = await openSetting()));
afterAll(() => setting.close());

const STEPS: readonly LandStep[] = ['encoded', 'intended', 'put', 'sealed'];
const rows = (partition: number, from: number, count: number): TestRecord[] =>
  Array.from({ length: count }, (_, i) => row(partition, from + i));
const ids = async (dataset: TestDataset): Promise<number[]> =>
  (await dataset.rows()).map(({ id }) => id).sort((a, b) => a - b);
const range = (count: number): number[] => Array.from({ length: count }, (_, i) => i);

async function filled(): Promise<TestDataset> {
  const dataset = await openDataset(setting, { rotate: { records: 50 } });
  await dataset.writer.commit([...rows(0, 0, 120), ...rows(1, 120, 120)]);
  await dataset.writer.abort(rows(0, 9_000, 30));
  await dataset.writer.commit([...rows(0, 240, 30), ...rows(1, 270, 30)]);
  return dataset;
}

/** @returns the signal that ended the child */
async function landInChild(dataset: TestDataset, step: LandStep, nth: number): Promise<string | null> {
  const facts = await setting.ports.topicAdmin.describe(dataset.spec.topic.name);
  const share: LandShare = {
    spec: dataset.spec,
    topicId: facts?.topicId ?? '',
    partitions: [0, 1],
    generation: (await setting.ports.manifest.generation(dataset.dataset)) + 1,
    acceptLoss: false,
    openSince: {},
  };
  const task: ChildTask = { share, step, nth };
  const script = fileURLToPath(new URL('./land-child.ts', import.meta.url));
  // What a killed child leaves behind goes with this test's own folder.
  const env = { ...process.env, TMPDIR: setting.ports.worker.scratch };
  const child = spawn(process.execPath, ['--import', 'tsx', script, JSON.stringify(task)], { stdio: 'inherit', env });
  return new Promise((resolve) => child.on('exit', (_code, signal) => resolve(signal)));
}

describe('a process killed after a step', () => {
  test.each(STEPS)('%s: whoever comes next finishes exactly what was begun', async (step) => {
    const dataset = await filled();
    await setting.ports.manifest.saveRequest(dataset.dataset, {
      requestId: 'for-the-child',
      workflowId: 'test',
      topic: dataset.spec.topic.name,
      continuous: true,
    });
    expect(await landInChild(dataset, step, 2)).toBe('SIGKILL');
    await setting.ports.manifest.endRequest(dataset.dataset, 'for-the-child');
    const before = await dataset.cuts();
    if (step === 'intended' || step === 'put') expect(before.map(({ state }) => state)).toContain('open');
    await dataset.land();
    expect(await ids(dataset)).toEqual(range(300));
    const after = await dataset.cuts();
    // What was begun is what was sealed.
    for (const cut of before) expect(after).toContainEqual({ ...cut, state: 'sealed' });
    expect(after.every(({ state }) => state === 'sealed')).toBe(true);
  });
});

describe('a zombie that goes on after a newer claim', () => {
  test.each(STEPS)('stopped after %s: it is refused, and what it still does changes nothing', async (step) => {
    const dataset = await filled();
    let release: () => void = () => undefined;
    const held = new Promise<void>((resolve) => (release = resolve));
    let reached: () => void = () => undefined;
    const stopped = new Promise<void>((resolve) => (reached = resolve));
    const onStep = async (at: LandStep): Promise<void> => {
      if (at !== step) return;
      reached();
      await held;
    };
    const zombie = dataset.land({ ports: { onStep } }).then(
      () => 'ended',
      (error: unknown) => (error instanceof Error ? error.name : ''),
    );
    await stopped;
    await dataset.land();
    const sealed = await dataset.cuts();
    expect(await ids(dataset)).toEqual(range(300));
    release();
    expect(['ClaimRefused', 'ended']).toContain(await zombie);
    expect(await dataset.cuts()).toEqual(sealed);
    expect(await ids(dataset)).toEqual(range(300));
  });

  test('an activity of an older generation is refused before it reads', async () => {
    const dataset = await filled();
    await dataset.land({ share: { generation: 7 } });
    await expect(dataset.land({ share: { generation: 6 } })).rejects.toMatchObject({
      code: 'ClaimRefused',
      retry: true,
    });
  });
});

test('an answer lost on the way back from the control database: the next activity looks instead of repeating', async () => {
  const dataset = await filled();
  const { manifest } = setting.ports;
  let lost = 0;
  const careless = {
    ...manifest,
    intend: async (...call: Parameters<typeof manifest.intend>) => {
      const answer = await manifest.intend(...call);
      if (lost++ === 1) throw new Error('the connection broke');
      return answer;
    },
  };
  await expect(dataset.land({ ports: { manifest: careless } })).rejects.toThrow('the connection broke');
  await dataset.land();
  expect(await ids(dataset)).toEqual(range(300));
});

test('two activities of one generation on the same partitions: rows are landed once', async () => {
  const dataset = await filled();
  const outcomes = await Promise.allSettled([1, 2, 3].map(() => dataset.land({ share: { generation: 3 } })));
  for (const outcome of outcomes) {
    if (outcome.status === 'rejected') expect(outcome.reason).toMatchObject({ code: 'ClaimRefused' });
  }
  await dataset.land();
  expect(await ids(dataset)).toEqual(range(300));
});

test('another object under the name of a cut is a named fault, not overwritten', async () => {
  const dataset = await filled();
  const { store } = setting.ports;
  const odd = {
    ...store,
    putIfAbsent: async (...[bucket, name, path]: Parameters<typeof store.putIfAbsent>) => {
      await store.putIfAbsent(bucket, name, path, { 'headrace-rows': '1', 'headrace-input-sha256': 'other' });
      return 'exists' as const;
    },
  };
  await expect(dataset.land({ ports: { store: odd } })).rejects.toMatchObject({ code: 'ObjectConflict', retry: false });
  expect((await dataset.cuts()).every(({ state }) => state === 'open')).toBe(true);
});

test('an open intent whose input is not what the topic gives is a named fault', async () => {
  const dataset = await filled();
  const stopped = {
    onStep: (step: LandStep) => (step === 'intended' ? Promise.reject(new Error('stop')) : Promise.resolve()),
  };
  await expect(dataset.land({ ports: stopped })).rejects.toThrow('stop');
  await setting.query(
    `UPDATE headrace.cut SET input_sha256 = 'ff' WHERE partition_id IN
       (SELECT id FROM headrace.manifest_partition WHERE dataset = $1)`,
    [dataset.dataset],
  );
  await expect(dataset.land()).rejects.toMatchObject({ code: 'ManifestConflict' });
});
