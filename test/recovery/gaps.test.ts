/**
 * What lies between the objects of a partition, when nobody remembers: markers, dead letters, rows of an object that is gone.
 * One dataset's rows are deleted from the control database, found again, and landing goes on; the lake is compared by offset.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { findManifest } from '../../activities/recover-find.ts';
import type { RecoverPorts, RecoverRequest } from '../../activities/recover-ports.ts';
import { writeManifest } from '../../activities/recover-write.ts';
import { openLaneWith } from '../../connectors/kafka/lane-writer.ts';
import { openPool } from '../../connectors/postgres/pool.ts';
import { openRecoveryStore } from '../../connectors/postgres/recovery-store.ts';
import { openPostgresSource } from '../../connectors/postgres/source.ts';
import { openPostgresWarehouse } from '../../connectors/postgres/warehouse.ts';
import { objectName, schemaName } from '../../contracts/manifest.ts';
import type { RecoveryReport } from '../../contracts/recovery.ts';
import { schemaBytes } from '../../formats/schema-version.ts';
import { BUCKET, openKafka, required } from '../land/services.ts';
import { COLUMNS, openDataset, openSetting, SCHEMA, type Setting, type TestDataset } from '../land/setting.ts';
import { deleteBelow, row, type TestRecord } from '../land/topic-writer.ts';

const CUT = 10;
let setting: Setting;
let ports: RecoverPorts;
let sales: pg.Pool;
let closing: (() => Promise<unknown>)[];

beforeAll(async () => {
  setting = await openSetting();
  const { store, topicAdmin, openReader, lakeFiles, manifest } = setting.ports;
  const control = openPool({ url: required('HEADRACE_CONTROL_URL') }, 'recovery test', 2);
  sales = new pg.Pool({ connectionString: required('HEADRACE_CONNECTION_SALES'), max: 1 });
  const source = openPostgresSource({ url: required('HEADRACE_CONNECTION_SALES') });
  const warehouse = openPostgresWarehouse({ url: required('HEADRACE_CONNECTION_WAREHOUSE') });
  const scratch = await mkdtemp(join(tmpdir(), 'headrace-recovery-test-'));
  ports = {
    ...{ store, topicAdmin, openReader, lakeFiles, manifest, scratch },
    openLane: openLaneWith(openKafka()),
    openSource: () => source,
    openWarehouse: () => warehouse,
    recovery: openRecoveryStore(control),
    migrate: () => Promise.resolve(), // the tables are there: only rows are lost
  };
  closing = [
    () => control.end(),
    () => sales.end(),
    () => source.close(),
    () => warehouse.close(),
    () => rm(scratch, { recursive: true }),
  ];
});
afterAll(async () => {
  await Promise.all(closing.map((close) => close()));
  await setting.close();
});

const rows = (from: number, count = CUT): TestRecord[] => Array.from({ length: count }, (_, i) => row(0, from + i));
const foreign: TestRecord = { partition: 0, value: 'not of a replay', headers: [] };

/** One partition; cuts of ten records; the columns are in the lake, as planning keeps them there. */
async function open(): Promise<TestDataset> {
  const dataset = await openDataset(setting, { partitions: 1, rotate: { records: CUT } });
  const { bucket, prefix } = dataset.spec.lake;
  const shape = { columns: COLUMNS, key: ['id'] };
  await ports.store.putBytesIfAbsent(bucket, schemaName(prefix, SCHEMA), schemaBytes(shape));
  return dataset;
}

/** All that the control database has of the dataset. */
async function lose({ dataset, replay }: TestDataset): Promise<void> {
  const mine = 'partition_id IN (SELECT id FROM headrace.manifest_partition WHERE dataset = $1)';
  for (const sql of [`DELETE FROM headrace.cut WHERE ${mine}`, `DELETE FROM headrace.lost WHERE ${mine}`]) {
    await setting.query(sql, [dataset]);
  }
  for (const table of ['manifest_partition', 'dead_letter', 'schema_version', 'land_request_end', 'land_request']) {
    await setting.query(`DELETE FROM headrace.${table} WHERE dataset = $1`, [dataset]);
  }
  await setting.query('DELETE FROM headrace.replay WHERE replay_id = $1', [replay]);
}

type Changes = Partial<Omit<RecoverRequest, 'spec'>>;

/** The test's writer is no lane: Kafka has no progress of its replay. */
function requestOf({ spec, replay }: TestDataset, changes: Changes = {}): RecoverRequest {
  return { spec, trusted: [replay], distrusted: [], assumePresentSchema: false, ...changes };
}

async function recover(dataset: TestDataset, changes: Changes = {}): Promise<RecoveryReport> {
  return await writeManifest(ports, await findManifest(ports, requestOf(dataset, changes)));
}

/** Offsets of the lake's rows. */
const offsets = async (dataset: TestDataset): Promise<number[]> => (await dataset.rows()).map(({ offset }) => offset);

async function letters({ dataset }: TestDataset): Promise<Record<string, unknown>[]> {
  const sql =
    'SELECT offset_::int AS offset, reason, record_value FROM headrace.dead_letter WHERE dataset = $1 ORDER BY 1';
  return setting.query(sql, [dataset]);
}

const removeObject = (name: string): Promise<void> => ports.store.remove(BUCKET, name);

/** Objects as they were before they said more of themselves. */
async function asOlderVersion(names: readonly string[]): Promise<void> {
  for (const name of names) {
    const path = join(ports.scratch, 'older');
    const { metadata = {} } = (await ports.store.head(BUCKET, name)) ?? {};
    await ports.store.download(BUCKET, name, path);
    await removeObject(name);
    const kept = Object.entries(metadata).filter(([key]) => ['headrace-rows', 'headrace-input-sha256'].includes(key));
    await ports.store.putIfAbsent(BUCKET, name, path, Object.fromEntries(kept));
  }
}

const objectsOf = (cuts: readonly Record<string, unknown>[]): string[] =>
  cuts.flatMap(({ objects }) => (objects as { name: string }[]).map(({ name }) => name));

describe('between objects', () => {
  test('markers and aborted rows are told from a loss, even when the topic has expired', async () => {
    const dataset = await open();
    await dataset.writer.commit(rows(0));
    await dataset.writer.abort(rows(100, 3));
    await dataset.land();
    await dataset.writer.commit(rows(10));
    await dataset.land();
    const [before, next] = [await offsets(dataset), await dataset.next()];
    await dataset.writer.commit(rows(20, 5));
    await deleteBelow(dataset.spec.topic.name, 0, next[0] ?? 0);
    await lose(dataset);
    const report = await recover(dataset);
    expect(report).toMatchObject({ written: true, gaps: [], deadLetters: { known: 0, found: 0 } });
    expect(await offsets(dataset)).toEqual(before);
    expect((await dataset.cuts()).filter(({ objects }) => (objects as unknown[]).length === 0)).not.toEqual([]);
    // The last marker expired with the rest, behind the last object: that nobody can tell from a record.
    await expect(dataset.land()).rejects.toMatchObject({ code: 'OffsetsExpired' });
    await dataset.land({ share: { acceptLoss: true, generation: 9 } });
    expect(await offsets(dataset)).toHaveLength(before.length + 5);
    await dataset.writer.close();
  });

  test('rows of objects that are gone are landed from the topic again, the first and one in the middle', async () => {
    const dataset = await open();
    for (const from of [0, 10, 20, 30]) await dataset.writer.commit(rows(from));
    await dataset.land();
    const before = await dataset.rows();
    const [first = '', , third = ''] = objectsOf(await dataset.cuts());
    for (const name of [first, third]) await removeObject(name);
    await dataset.writer.commit(rows(40));
    await lose(dataset);
    const report = await recover(dataset);
    expect(report.gaps).toMatchObject([
      { is: 'read', start: 0, records: CUT },
      { is: 'read', records: CUT },
    ]);
    expect(await dataset.rows()).toEqual(before);
    await dataset.land({ share: { generation: 9 } });
    const after = await dataset.rows();
    expect(after.slice(0, before.length)).toEqual(before);
    expect(after.map(({ id }) => id)).toEqual(Array.from({ length: 50 }, (_, id) => id));
    await dataset.writer.close();
  });

  test('what is in no object, and not in the topic any more, is marked lost for the user to accept', async () => {
    const dataset = await open();
    for (const from of [0, 10, 20]) await dataset.writer.commit(rows(from));
    await dataset.land();
    const before = await offsets(dataset);
    const [, second = ''] = objectsOf(await dataset.cuts());
    await removeObject(second);
    await dataset.writer.commit(rows(30));
    const next = await dataset.next();
    await deleteBelow(dataset.spec.topic.name, 0, (next[0] ?? 0) - 1);
    await lose(dataset);
    const report = await recover(dataset);
    expect(report.gaps).toMatchObject([{ is: 'lost', start: 10, end: 21 }]);
    expect(report.notes.join()).toContain('offsets 10 to 21');
    const topicId = report.topicId ?? '';
    const lost = { partition: 0, start: 10, end: 21 };
    expect(await setting.ports.manifest.lost(dataset.dataset, topicId)).toEqual([{ ...lost, accepted: false }]);
    expect(await setting.ports.manifest.acceptLost(dataset.dataset, topicId)).toMatchObject([lost]);
    await dataset.land({ share: { generation: 9 } });
    const kept = before.filter((offset) => offset < 10 || offset >= 21);
    expect((await offsets(dataset)).slice(0, kept.length)).toEqual(kept);
    expect(await offsets(dataset)).toHaveLength(kept.length + CUT);
    await dataset.writer.close();
  });
});

describe('dead letters', () => {
  test('are found again with bytes and reason, among rows and on their own', async () => {
    const dataset = await open();
    await dataset.writer.commit([...rows(0, 4), foreign, ...rows(4, 5)]);
    await dataset.land();
    await dataset.writer.commit([foreign, foreign]);
    await dataset.land();
    await dataset.writer.commit(rows(9, 3));
    await dataset.land();
    const before = { letters: await letters(dataset), rows: await dataset.rows() };
    expect(before.letters).toHaveLength(3);
    await lose(dataset);
    const report = await recover(dataset);
    expect(report.deadLetters).toEqual({ known: 3, found: 3 });
    expect({ letters: await letters(dataset), rows: await dataset.rows() }).toEqual(before);
    await dataset.writer.close();
  });

  test('whose offsets have expired are told, and their range is no loss', async () => {
    const dataset = await open();
    await dataset.writer.commit(rows(0, 3));
    await dataset.land();
    await dataset.writer.commit([foreign]);
    await dataset.land();
    await dataset.writer.commit(rows(3, 3));
    await dataset.land();
    await deleteBelow(dataset.spec.topic.name, 0, 7);
    await lose(dataset);
    const report = await recover(dataset);
    expect(report).toMatchObject({ gaps: [], deadLetters: { known: 1, found: 0 } });
    expect(report.notes.join()).toContain('1 dead letter is gone with the bytes');
    await dataset.writer.close();
  });
});

describe('what nobody vouches for', () => {
  test('a replay of which Kafka has no progress is refused, until the user says whether to trust it', async () => {
    const dataset = await open();
    await dataset.writer.commit(rows(0));
    await dataset.land();
    await dataset.writer.commit(rows(10));
    await lose(dataset);
    const refused = recover(dataset, { trusted: [] });
    await expect(refused).rejects.toMatchObject({ code: 'ManifestConflict' });
    await expect(refused).rejects.toThrow(`--trust-replay ID`);
    expect(await ports.recovery.knows(dataset.dataset)).toBe(false);
    await recover(dataset, { trusted: [], distrusted: [dataset.replay] });
    await dataset.land({ share: { generation: 9 } });
    expect(await offsets(dataset)).toHaveLength(CUT);
    expect(await letters(dataset)).toHaveLength(CUT);
    await dataset.writer.close();
  });

  test('an object without our metadata, and a schema version that nobody knows, stand in the way', async () => {
    const dataset = await openDataset(setting, { partitions: 1, rotate: { records: CUT } });
    await dataset.writer.commit(rows(0));
    await dataset.land();
    await lose(dataset);
    const { bucket, prefix } = dataset.spec.lake;
    const topicId = (await findManifest(ports, requestOf(dataset))).topicId ?? '';
    const copied = objectName(prefix, topicId, 0, 50, 60, 'parquet');
    await ports.store.putBytesIfAbsent(bucket, copied, Buffer.from('copied'));
    await ports.store.putBytesIfAbsent(bucket, `${prefix}/readme.txt`, Buffer.from('theirs'));
    const { report } = await findManifest(ports, requestOf(dataset));
    expect(report.foreign).toBe(1);
    expect(report.faults).toHaveLength(2);
    expect(report.faults[0]).toContain(copied);
    expect(report.faults[1]).toContain(`schema version ${SCHEMA}`);
    await expect(recover(dataset)).rejects.toMatchObject({ code: 'ManifestConflict' });
    expect(await ports.recovery.knows(dataset.dataset)).toBe(false);
    await dataset.writer.close();
  });

  test('an object of an older version, which says rows and input only, needs the user’s word for its columns', async () => {
    const dataset = await open();
    await dataset.writer.commit(rows(0));
    await dataset.land();
    const before = await dataset.rows();
    await asOlderVersion(objectsOf(await dataset.cuts()));
    await lose(dataset);
    const { report } = await findManifest(ports, requestOf(dataset));
    expect(report.faults.join()).toContain('--assume-present-schema');
    expect(report.notes.join()).toContain('1 object was written by an older version');
    await sales.query(`CREATE TABLE ${dataset.spec.source.table.table} (id bigint PRIMARY KEY, name text)`);
    const rebuilt = await recover(dataset, { assumePresentSchema: true });
    expect(rebuilt).toMatchObject({ written: true, schemaVersions: [{ version: SCHEMA, from: 'lake' }] });
    expect(await dataset.rows()).toEqual(before);
    await dataset.writer.close();
  });
});
