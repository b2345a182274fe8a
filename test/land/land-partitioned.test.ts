/** A cut of several objects is sealed whole or not at all, wherever its author dies between them; `lake show` reads it all. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { showRows, lookAtLake } from '../../activities/lake-look.ts';
import { openLoadStore } from '../../connectors/postgres/load-store.ts';
import { openPool } from '../../connectors/postgres/pool.ts';
import { firstRows } from '../../connectors/parquetjs/first-rows.ts';
import { openDataset, openSetting, type Setting } from './setting.ts';
import { required } from './services.ts';
import { row, type TestRecord } from './topic-writer.ts';

const NAMES = ['US', 'DE', null, 'FR'];
const records = (count: number): TestRecord[] =>
  Array.from({ length: count }, (_, id) => row(0, id, NAMES[id % NAMES.length] ?? null));
const layout = { partitionBy: [{ column: 'name' }], compression: 'snappy' } as const;

let setting: Setting;
beforeAll(async () => void (setting = await openSetting()));
afterAll(() => setting.close());

test.each([0, 1, 3])('after %s of 4 objects were put, whoever comes next puts the others', async (puts) => {
  const dataset = await openDataset(setting, { partitions: 1, layout });
  await dataset.writer.commit(records(40));
  const { store } = setting.ports;
  let put = 0;
  const dying: typeof store = Object.assign(Object.create(store) as typeof store, {
    putIfAbsent: (...object: Parameters<typeof store.putIfAbsent>) => {
      if (put++ >= puts) throw new Error('the worker died');
      return store.putIfAbsent(...object);
    },
  });
  await expect(dataset.land({ ports: { store: dying } })).rejects.toThrow('the worker died');
  expect(await dataset.rows()).toEqual([]); // by the manifest's sealed cuts
  const [begun] = await dataset.cuts();
  expect(begun).toMatchObject({ state: 'open', rows: 40 });
  await dataset.land();
  const [sealed] = await dataset.cuts();
  expect(sealed).toEqual({ ...begun, state: 'sealed' });
  expect((await dataset.rows()).map(({ id }) => id)).toEqual(Array.from({ length: 40 }, (_, id) => id));
});

test('ls tells folders, files and rows; show reads them, by either reader', async () => {
  const dataset = await openDataset(setting, { partitions: 1, layout });
  await dataset.writer.commit(records(40));
  await dataset.land();
  const pool = openPool({ url: required('HEADRACE_CONTROL_URL') }, 'look test');
  try {
    const loads = openLoadStore(pool);
    const look = await lookAtLake(loads, dataset.spec);
    expect(look).toMatchObject({ rows: 40, dataset: dataset.dataset });
    expect(look.partitions.map(({ folder, objects, rows }) => [folder, objects, rows])).toEqual([
      ['name=DE/', 1, 10],
      ['name=FR/', 1, 10],
      ['name=US/', 1, 10],
      ['name=__HIVE_DEFAULT_PARTITION__/', 1, 10],
    ]);
    expect(look.objects.reduce((bytes, object) => bytes + object.bytes, 0)).toBe(look.bytes);
    const { lakeFiles, store } = setting.ports;
    const duckdb: typeof firstRows = (...file) => lakeFiles.firstRows(...file);
    const readers = { duckdb, parquetjs: firstRows };
    const ports = { loads, store, readers, scratch: setting.ports.worker.scratch ?? '' };
    const all = await showRows(ports, dataset.spec, { limit: 100, reader: 'duckdb' });
    expect(all.rows.map(({ id }) => Number(id)).sort((a, b) => a - b)).toEqual(Array.from({ length: 40 }, (_, i) => i));
    expect(all.rows[0]).toMatchObject({ id: '1', name: 'DE', _partition: '0', _replay: dataset.replay });
    const again = await showRows(ports, dataset.spec, { limit: 100, reader: 'parquetjs' });
    expect(again).toEqual({ ...all, reader: 'parquetjs' });
    const object = look.objects[3]?.name ?? '';
    const some = await showRows(ports, dataset.spec, { limit: 2, object, reader: 'parquetjs' });
    expect(some.rows.map(({ name }) => name)).toEqual([null, null]);
    const unknown = showRows(ports, dataset.spec, { limit: 2, object: 'nothing', reader: 'duckdb' });
    await expect(unknown).rejects.toMatchObject({ code: 'ConfigInvalid' });
  } finally {
    await pool.end();
  }
});
