/** Objects that no cut names: which are told, which may go, and that nothing goes that could be the only copy. */
import { randomUUID } from 'node:crypto';
import type pg from 'pg';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { findOrphans } from '../../activities/lake-orphans.ts';
import { openPool } from '../../connectors/postgres/pool.ts';
import { openRecoveryStore } from '../../connectors/postgres/recovery-store.ts';
import { openReplacements } from '../../connectors/postgres/replacement-store.ts';
import { objectName, OWN_FOLDER } from '../../contracts/manifest.ts';
import type { OrphansReport } from '../../contracts/recovery.ts';
import { encoderSettings } from '../../formats/encoder-settings.ts';
import { BUCKET, required } from '../land/services.ts';
import { openDataset, openSetting, type Setting, type TestDataset } from '../land/setting.ts';
import { row } from '../land/topic-writer.ts';

const HOUR_MS = 3_600_000;
let setting: Setting;
let control: pg.Pool;
beforeAll(async () => {
  setting = await openSetting();
  control = openPool({ url: required('HEADRACE_CONTROL_URL') }, 'orphans test', 2);
});
afterAll(async () => {
  await control.end();
  await setting.close();
});

const orphansOf = ({ spec }: Pick<TestDataset, 'spec'>, remove = false, olderThanMs = 0): Promise<OrphansReport> =>
  findOrphans(
    { store: setting.ports.store, recovery: openRecoveryStore(control), replacements: openReplacements(control) },
    { spec, remove, olderThanMs },
  );

async function namesIn({ spec }: TestDataset): Promise<string[]> {
  const names: string[] = [];
  for await (const page of setting.ports.store.list(BUCKET, `${spec.lake.prefix}/`)) {
    names.push(...page.map(({ name }) => name));
  }
  return names;
}

test('what is sealed otherwise may go; what may be the only copy, an open intent’s, and foreign files stay', async () => {
  const dataset = await openDataset(setting, { partitions: 1, rotate: { records: 10 } });
  await dataset.writer.commit(Array.from({ length: 40 }, (_, id) => row(0, id)));
  await dataset.land();
  const { prefix } = dataset.spec.lake;
  const { topicId = '' } = (await setting.ports.topicAdmin.describe(dataset.spec.topic.name)) ?? {};
  const next = (await dataset.next())[0] ?? 0;
  const named = (start: number, end: number, id = topicId) => objectName(prefix, id, 0, start, end, 'parquet');

  // An intent that is voided, and one that is open; both with their object there.
  const facts = { dataset: dataset.dataset, topicId, topic: dataset.spec.topic.name, claimedBy: 'test', logStart: 0 };
  const claim = await setting.ports.manifest.claim({ ...facts, partition: 0, generation: 5, token: randomUUID() });
  if (!claim) throw new Error('the claim was refused');
  const intend = (end: number) =>
    setting.ports.manifest.intend(claim, {
      ...{ start: next, end, reason: 'end', rows: 1, bytes: 1, inputSha256: 'ab', schemaVersion: 'v', deadLetters: 0 },
      ...{ encoder: encoderSettings({ format: 'parquet' }), objects: [{ name: named(next, end), rows: 1 }] },
    });
  await intend(next + 7);
  await setting.ports.manifest.void(claim, { start: next, attempt: 0 });
  await intend(next + 9);

  const gone = [named(5, 25)];
  const kept = [named(next, next + 7), named(next + 9, next + 20), named(0, 10, 'another-topic')].sort();
  const others = [named(next, next + 9), `${prefix}/${OWN_FOLDER}/note`];
  const foreign = [`${prefix}/_SUCCESS`, `${prefix}/topic=${topicId}/partition=0/5-25.parquet`].sort();
  for (const name of [...gone, ...kept, ...others, ...foreign]) {
    await setting.ports.store.putBytesIfAbsent(BUCKET, name, Buffer.from('x'));
  }
  const neighbour = `${prefix}_2/topic=${topicId}/partition=0/0000000000000000005-0000000000000000025.parquet`;
  await setting.ports.store.putBytesIfAbsent(BUCKET, neighbour, Buffer.from('another dataset'));

  const young = await orphansOf(dataset, true, HOUR_MS);
  expect(young).toMatchObject({ orphans: [], kept: [], deleted: 0 });
  const before = await namesIn(dataset);
  const look = await orphansOf(dataset);
  expect(look.orphans.map(({ name }) => name)).toEqual(gone);
  expect(look.kept.map(({ name }) => name).sort()).toEqual(kept);
  expect(look.foreign.map(({ name }) => name).sort()).toEqual(foreign);
  expect(look).toMatchObject({ named: 5, deleted: 0 });
  expect(await namesIn(dataset)).toEqual(before);

  const rows = await dataset.rows();
  expect(await orphansOf(dataset, true)).toMatchObject({ deleted: 1 });
  expect(await namesIn(dataset)).toEqual(before.filter((name) => !gone.includes(name)));
  expect(await dataset.rows()).toEqual(rows);
  expect(await setting.ports.store.head(BUCKET, neighbour)).not.toBeNull();
  expect(await orphansOf(dataset, true)).toMatchObject({ orphans: [], deleted: 0 });
  await dataset.writer.close();
});

test('an object over offsets that are marked lost stays: it may hold their rows', async () => {
  const dataset = await openDataset(setting, { partitions: 1, rotate: { records: 10 } });
  await dataset.writer.commit(Array.from({ length: 20 }, (_, id) => row(0, id)));
  await dataset.land();
  const { topicId = '' } = (await setting.ports.topicAdmin.describe(dataset.spec.topic.name)) ?? {};
  const name = objectName(dataset.spec.lake.prefix, topicId, 0, 3, 12, 'parquet');
  await setting.ports.store.putBytesIfAbsent(BUCKET, name, Buffer.from('x'));
  await setting.query(
    `INSERT INTO headrace.lost SELECT id, 5, 6, 'test' FROM headrace.manifest_partition WHERE dataset = $1`,
    [dataset.dataset],
  );
  expect(await orphansOf(dataset, true)).toMatchObject({ orphans: [], kept: [{ name }], deleted: 0 });
  await dataset.writer.close();
});

test('where the control database knows nothing of the dataset, nothing is an orphan', async () => {
  const dataset = await openDataset(setting, { partitions: 1 });
  const refused = orphansOf(dataset, true);
  await expect(refused).rejects.toMatchObject({ code: 'ManifestConflict' });
  await expect(refused).rejects.toThrow('headrace recover');
  await dataset.writer.close();
});
