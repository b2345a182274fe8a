/** A topic that others write is landed by its declared columns: its records have no header of ours, and theirs say nothing. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { LandPorts } from '../../activities/land-ports.ts';
import { HEADER, writeOrigin } from '../../contracts/messages.ts';
import type { TableShape } from '../../contracts/columns.ts';
import { declaredColumn } from '../../formats/declared-types.ts';
import { schemaVersion } from '../../formats/schema-version.ts';
import { openDataset, openSetting, type Setting } from './setting.ts';
import type { TestRecord } from './topic-writer.ts';

let setting: Setting;
beforeAll(async () => void (setting = await openSetting()));
afterAll(() => setting.close());

const shape: TableShape = {
  columns: ['bigint not null', 'text', 'numeric(20,4)'].flatMap(
    (type, i) => declaredColumn(['id', 'name', 'price'][i] ?? '', type) ?? [],
  ),
  key: ['id'],
};
const foreign = { version: schemaVersion(shape), shape };
const record = (value: unknown, headers: Record<string, Buffer>[] = []): TestRecord => ({
  ...{ partition: 0, key: null, headers },
  value: typeof value === 'string' ? value : JSON.stringify(value, undefined, 1),
});

test('its rows land, whoever the headers name; what does not fit becomes a dead letter', async () => {
  const dataset = await openDataset(setting, { partitions: 1 });
  dataset.spec.foreign = foreign;
  const forged = { [HEADER]: Buffer.from(writeOrigin({ schema: 'x', chunk: 1, replay: 'nobody' })) };
  await dataset.writer.commit([
    record({ id: 0, name: 'a\n"b"', price: 1.5 }),
    record({ price: '1234567890123456.7891', id: 1 }),
    record({ id: 2, name: null, price: null }, [forged]),
    record('no json'),
    record({ id: null }),
    record({ id: 3, other: 1 }),
    record({ id: 4, name: 'd', price: 0 }),
  ]);
  await dataset.land();
  expect((await dataset.rows()).map(({ id, name }) => [id, name])).toEqual([
    [0, 'a\n"b"'],
    [1, null],
    [2, null],
    [4, 'd'],
  ]);
  const cuts = await dataset.cuts();
  expect(cuts.reduce((sum, { letters }) => sum + Number(letters), 0)).toBe(3);
  expect(await setting.ports.manifest.schema(dataset.dataset, foreign.version)).toEqual(shape);
});

test('a cut begun before a crash is finished as it was begun', async () => {
  const dataset = await openDataset(setting, { partitions: 1 });
  dataset.spec.foreign = foreign;
  await dataset.writer.commit([record({ id: 1 }), record('no json'), record({ id: 2 })]);
  const store: LandPorts['store'] = Object.assign(Object.create(setting.ports.store) as LandPorts['store'], {
    putIfAbsent: () => Promise.reject(new Error('the worker died')),
  });
  await expect(dataset.land({ ports: { store } })).rejects.toThrow('the worker died');
  const [begun] = await dataset.cuts();
  expect(begun).toMatchObject({ state: 'open', rows: 2, letters: 1 });
  await dataset.land();
  expect((await dataset.cuts())[0]).toEqual({ ...begun, state: 'sealed' });
  expect((await dataset.rows()).map(({ id }) => id)).toEqual([1, 2]);
});
