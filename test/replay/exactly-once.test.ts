/** The replay hop under crashes, zombies and doubt, on a real broker: every row is in the topic once, whatever dies when. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { LaneWriter, OpenLane } from '../../activities/ports/topic.ts';
import type { Replays } from '../../activities/ports/replays.ts';
import { fault } from '../../contracts/errors.ts';
import type { PipelineSpec } from '../../contracts/pipeline.ts';
import { NO_LIMITS, newPipeline, openSetting, type Setting, unique } from './setting.ts';

let setting: Setting;
beforeAll(() => {
  setting = openSetting();
});
afterAll(() => setting.close());

async function planned(spec: PipelineSpec): Promise<string> {
  const replayId = unique('r');
  const activities = setting.activities();
  await activities.planReplay({ spec, replayId, scope: {}, workflowId: `replay/${replayId}` });
  expect(await activities.takeTurn({ replayId, pace: NO_LIMITS })).toBeNull();
  return replayId;
}

async function publishRest(replayId: string): Promise<void> {
  const activities = setting.activities();
  const { known } = await activities.findChunks({ replayId, atLeast: 1_000 });
  for (let chunk = 0; chunk < known; chunk++) await activities.publishChunk({ replayId, chunk });
}

async function idsInTopic(spec: PipelineSpec, replayId: string): Promise<number[]> {
  const { ends } = await setting.activities().finishReplay({ replayId });
  const records = await setting.readAll(spec.topic.name, ends);
  return records.map(({ value }) => (JSON.parse(value) as { id: number }).id).sort((a, b) => a - b);
}

const upTo = (rows: number): number[] => Array.from({ length: rows }, (_, i) => i + 1);

/** A lane whose writer is changed; the real one is handed over. */
function openLaneChanged(change: (writer: LaneWriter) => LaneWriter): OpenLane {
  return async (request) => change(await setting.ports.openLane(request));
}

describe('every row is in the topic once', () => {
  test('without any fault', async () => {
    const spec = await newPipeline(setting, 450);
    const replayId = await planned(spec);
    await publishRest(replayId);
    expect(await idsInTopic(spec, replayId)).toEqual(upTo(450));
  });

  test('when the process dies between the commit and its note', async () => {
    const spec = await newPipeline(setting, 250);
    const replayId = await planned(spec);
    const dies: Replays = {
      ...setting.ports.replays,
      done: () => Promise.reject(fault('ControlUnavailable', 'died here')),
    };
    await setting.activities().findChunks({ replayId, atLeast: 1_000 });
    await expect(setting.activities({ replays: dies }).publishChunk({ replayId, chunk: 0 })).rejects.toThrow(
      'died here',
    );
    await publishRest(replayId);
    expect(await idsInTopic(spec, replayId)).toEqual(upTo(250));
  });

  test('when the process dies before the commit, its transaction left open', async () => {
    const spec = await newPipeline(setting, 250);
    const replayId = await planned(spec);
    await setting.activities().findChunks({ replayId, atLeast: 1_000 });
    let left: LaneWriter | undefined;
    const dies = openLaneChanged((writer) => {
      left = writer;
      const died = () => Promise.reject(fault('KafkaUnavailable', 'died here'));
      return { ...writer, commit: died, abort: died, close: () => Promise.resolve() };
    });
    await expect(setting.activities({ openLane: dies }).publishChunk({ replayId, chunk: 0 })).rejects.toThrow(
      'died here',
    );
    await publishRest(replayId);
    expect(await idsInTopic(spec, replayId)).toEqual(upTo(250));
    await left?.close();
  });

  test('when the answer to the commit is lost', async () => {
    const spec = await newPipeline(setting, 250);
    const replayId = await planned(spec);
    await setting.activities().findChunks({ replayId, atLeast: 1_000 });
    const loses = openLaneChanged((writer) => ({
      ...writer,
      async commit(seq, metadata) {
        await writer.commit(seq, metadata);
        throw fault('KafkaUnavailable', 'the answer was lost');
      },
    }));
    await expect(setting.activities({ openLane: loses }).publishChunk({ replayId, chunk: 1 })).rejects.toThrow('lost');
    await publishRest(replayId);
    expect(await idsInTopic(spec, replayId)).toEqual(upTo(250));
  });

  test('when a zombie wakes up after another attempt has published its chunk', async () => {
    const spec = await newPipeline(setting, 250);
    const replayId = await planned(spec);
    await setting.activities().findChunks({ replayId, atLeast: 1_000 });
    let wake: (() => void) | undefined;
    const asleep = new Promise<void>((resolve) => (wake = resolve));
    let sleeping: (() => void) | undefined;
    const reached = new Promise<void>((resolve) => (sleeping = resolve));
    const zombie = openLaneChanged((writer) => ({
      ...writer,
      async commit(seq, metadata) {
        sleeping?.();
        await asleep;
        await writer.commit(seq, metadata);
      },
    }));
    const first = setting.activities({ openLane: zombie }).publishChunk({ replayId, chunk: 0 });
    const outcome = first.then(
      () => 'committed',
      (error: unknown) => (error as Error).name,
    );
    await reached;
    await publishRest(replayId);
    wake?.();
    expect(await outcome).toBe('Fenced');
    expect(await idsInTopic(spec, replayId)).toEqual(upTo(250));
  });

  test('when two attempts at every chunk run at once', async () => {
    const spec = await newPipeline(setting, 300);
    const replayId = await planned(spec);
    const { known } = await setting.activities().findChunks({ replayId, atLeast: 1_000 });
    for (let chunk = 0; chunk < known; chunk++) {
      const both = [0, 1].map(() => setting.activities().publishChunk({ replayId, chunk }));
      for (const outcome of await Promise.allSettled(both)) {
        if (outcome.status === 'rejected') expect(String(outcome.reason)).toMatch(/Fenced|KafkaUnavailable/);
      }
    }
    await publishRest(replayId);
    expect(await idsInTopic(spec, replayId)).toEqual(upTo(300));
  });
});

test('a column’s type that changes in the middle of a slow chunk ends it before long', async () => {
  const spec = await newPipeline(setting, 100);
  const replayId = await planned(spec);
  const activities = setting.activities();
  await activities.findChunks({ replayId, atLeast: 1_000 });
  await setting.ports.replays.setPace(replayId, { ...NO_LIMITS, rowsPerSecond: 10 });
  const published = activities.publishChunk({ replayId, chunk: 0 }).catch((error: unknown) => error);
  await expect.poll(() => setting.ports.replays.rowsIn(replayId, 0), { timeout: 10_000 }).toBeGreaterThan(0);
  await setting.sales.query(`ALTER TABLE ${spec.source.table.table} ALTER name TYPE varchar(99)`);
  expect(await published).toMatchObject({ code: 'SourceChanged' });
  expect(await setting.ports.replays.rowsIn(replayId, 0)).toBeLessThan(100);
});

describe('turns', () => {
  test('a zombie of an abandoned replay that had begun, but not opened its lane, brings nothing in', async () => {
    const spec = await newPipeline(setting, 150);
    const first = await planned(spec);
    await setting.activities().findChunks({ replayId: first, atLeast: 10 });
    let wake: (() => void) | undefined;
    const asleep = new Promise<void>((resolve) => (wake = resolve));
    let sleeping: (() => void) | undefined;
    const reached = new Promise<void>((resolve) => (sleeping = resolve));
    const openLane: OpenLane = async (request) => {
      sleeping?.();
      await asleep;
      return setting.ports.openLane(request);
    };
    const zombie = setting.activities({ openLane }).publishChunk({ replayId: first, chunk: 0 });
    const outcome = zombie.then(
      () => 'published',
      (error: unknown) => (error as Error).name,
    );
    await reached;
    const second = unique('r');
    await setting.activities().planReplay({ spec, replayId: second, scope: {}, workflowId: 'x' });
    const gone = { isWorkflowOpen: () => Promise.resolve(false) };
    expect(await setting.activities(gone).takeTurn({ replayId: second, pace: NO_LIMITS })).toBeNull();
    wake?.();
    expect(await outcome).toBe('ReplayAbandoned');
    await publishRest(second);
    expect(await idsInTopic(spec, second)).toEqual(upTo(150));
  });

  test('a replay whose workflow is gone is stopped before another takes its place', async () => {
    const spec = await newPipeline(setting, 150);
    const first = await planned(spec);
    await setting.activities().findChunks({ replayId: first, atLeast: 10 });
    const second = unique('r');
    await setting.activities().planReplay({ spec, replayId: second, scope: {}, workflowId: 'x' });
    expect(await setting.activities().takeTurn({ replayId: second, pace: NO_LIMITS })).toBe(first);
    const gone = { isWorkflowOpen: () => Promise.resolve(false) };
    expect(await setting.activities(gone).takeTurn({ replayId: second, pace: NO_LIMITS })).toBeNull();
    await expect(setting.activities().publishChunk({ replayId: first, chunk: 0 })).rejects.toMatchObject({
      code: 'ReplayAbandoned',
    });
    await publishRest(second);
    expect(await idsInTopic(spec, second)).toEqual(upTo(150));
  });
});
