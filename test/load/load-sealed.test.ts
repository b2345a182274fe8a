/** Loading on real services: what is sealed gets in once, in order, whoever else loads; what is damaged is named. */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { type LoadRound, loadSealed } from '../../activities/load-sealed.ts';
import { messageOf } from '../../contracts/errors.ts';
import type { LoadInput } from '../../contracts/temporal.ts';
import { type TestLake, idlePulse, openTestLake } from './test-lake.ts';

let lake: TestLake;
let qualified: string;

beforeEach(async () => {
  lake = await openTestLake({ table: 'sales' });
  qualified = `${lake.schema}.sales`;
  await lake.sales.query(
    `CREATE TABLE ${qualified} (id bigint PRIMARY KEY, name text, price numeric(12,2), at timestamptz, info json)`,
  );
  await lake.sales.query(
    `INSERT INTO ${qualified} SELECT i, CASE WHEN i % 7 = 0 THEN NULL WHEN i % 5 = 0 THEN '' ELSE 'n' || i END, i / 100.0,
     '1969-12-31 23:00:00Z'::timestamptz + i * interval '1 minute', '{"a": 1.0}' FROM generate_series(-20, 179) i`,
  );
});
afterEach(async () => {
  await lake.close();
});

async function load(
  more: Partial<LoadInput> & { batchRows?: number; returnAfterMs?: number } = {},
): Promise<LoadRound> {
  const { batchRows = 60, returnAfterMs = 20_000, ...input } = more;
  const request = { spec: lake.spec, workflowId: 'test', returnAfterMs, ...input };
  return await loadSealed({ ...lake.loadPorts, batchRows }, request, idlePulse());
}

async function contents(side: 'sales' | 'warehouseSql', columns = 't.*'): Promise<unknown[]> {
  const { rows } = await lake[side].query<Record<string, unknown>>(`SELECT ${columns} FROM ${qualified} t ORDER BY id`);
  return rows;
}

it('brings every sealed row in once, several batches, and then nothing more', async () => {
  await lake.replay();
  await lake.land();
  const first = await load();
  expect(first).toMatchObject({ rows: 200, done: true });
  expect(first.batches).toBeGreaterThan(2);
  expect(await contents('warehouseSql')).toEqual(await contents('sales'));
  expect(await load()).toMatchObject({ rows: 0, cuts: 0, batches: 0, done: true });
  expect(Object.values(first.ledger)).toEqual(lake.state.ends);
  const { rows } = await lake.control.query(
    'SELECT sum(rows)::int AS rows, sum(cuts)::int AS cuts FROM headrace.load_batch WHERE pipeline = $1',
    [lake.spec.name],
  );
  expect(rows).toEqual([{ rows: 200, cuts: first.cuts }]);
});

it('is not done where its time was up before all was in; the next round goes on', async () => {
  await lake.replay();
  await lake.land();
  expect(await load({ returnAfterMs: -1 })).toMatchObject({ rows: 0, done: false });
  expect(await load()).toMatchObject({ rows: 200, done: true });
});

it('lets the last record a key win, within a batch and over batches', async () => {
  await lake.replay();
  await lake.sales.query(`UPDATE ${qualified} SET name = 'second' WHERE id % 2 = 0`);
  await lake.replay();
  await lake.land();
  await lake.sales.query(`UPDATE ${qualified} SET name = 'third', info = '{"a": 1.00}' WHERE id % 3 = 0`);
  await lake.replay();
  await lake.land(7);
  expect(await load({ batchRows: 1_000 })).toMatchObject({ rows: 600, done: true });
  expect(await contents('warehouseSql', 'id, name, info::text')).toEqual(
    await contents('sales', 'id, name, info::text'),
  );
});

it('shares the work among loaders side by side, each row loaded by one of them', async () => {
  await lake.replay();
  await lake.land(9);
  const rounds = await Promise.all([load({ batchRows: 20 }), load({ batchRows: 30 }), load({ batchRows: 50 })]);
  expect(rounds.reduce((sum, round) => sum + round.rows, 0)).toBe(200);
  expect(await contents('warehouseSql')).toEqual(await contents('sales'));
});

it('goes on inside a cut that straddles the ledger, after the manifest was restored and landed anew', async () => {
  await lake.replay();
  await lake.land();
  expect((await load()).rows).toBe(200);
  // The restored manifest knows the first cut of each partition only; what follows is landed again, in other cuts.
  await lake.control.query(
    `WITH p AS (SELECT id FROM headrace.manifest_partition WHERE dataset = $1),
          gone AS (DELETE FROM headrace.cut WHERE partition_id IN (SELECT id FROM p) AND start_offset > 0)
     UPDATE headrace.manifest_partition m SET next = (SELECT min(end_offset) FROM headrace.cut c
       WHERE c.partition_id = m.id AND start_offset = 0) WHERE id IN (SELECT id FROM p)`,
    [lake.dataset],
  );
  await lake.sales.query(`UPDATE ${qualified} SET name = 'later'`);
  await lake.replay();
  await lake.land(31);
  expect(await load()).toMatchObject({ rows: 200, done: true });
  expect(await contents('warehouseSql')).toEqual(await contents('sales'));
});

it('waits for ends that are not sealed yet, and returns when they are', async () => {
  const replayId = await lake.replay();
  const loading = load({ until: { replayId } });
  await new Promise((resolve) => setTimeout(resolve, 400));
  await lake.land();
  expect(await loading).toMatchObject({ rows: 200, done: true });
  const later = { topicId: lake.state.topicId, ends: { 0: 1_000_000 } };
  expect(await load({ until: later, returnAfterMs: 300 })).toMatchObject({ rows: 0, done: false });
});

it('fills a table anew that was dropped', async () => {
  await lake.replay();
  await lake.land();
  await load();
  await lake.warehouseSql.query(`DROP TABLE ${qualified}`);
  expect(await load()).toMatchObject({ rows: 200, done: true });
  expect(await contents('warehouseSql')).toEqual(await contents('sales'));
});

it('loads two schema versions in order; a column that the older one lacks is NULL there', async () => {
  await lake.replay();
  await lake.sales.query(`ALTER TABLE ${qualified} ADD COLUMN note text DEFAULT 'noted'`);
  await lake.sales.query(`INSERT INTO ${qualified} (id) VALUES (1000)`);
  await lake.sales.query(`DELETE FROM ${qualified} WHERE id > 100 AND id < 1000`);
  await lake.replay();
  await lake.land();
  expect(await load()).toMatchObject({ rows: 322, done: true });
  const { rows } = await lake.warehouseSql.query(
    `SELECT count(*) FILTER (WHERE note = 'noted')::int AS noted, count(*) FILTER (WHERE note IS NULL)::int AS without FROM ${qualified}`,
  );
  expect(rows).toEqual([{ noted: 122, without: 79 }]);
});

it('refuses a new column that the warehouse table lacks, says how to add it, and goes on once it is there', async () => {
  await lake.replay();
  await lake.land();
  await load();
  await lake.sales.query(`ALTER TABLE ${qualified} ADD COLUMN "no te" varchar(9) DEFAULT 'noted'`);
  await lake.replay();
  await lake.land();
  const refused = load();
  await expect(refused).rejects.toMatchObject({ code: 'TableUnsuited' });
  const message = await refused.then(
    () => '',
    (error: unknown) => messageOf(error),
  );
  const remedy = /ALTER TABLE .*/.exec(message)?.[0] ?? '';
  expect(remedy).toContain('ADD COLUMN "no te" character varying(9)');
  await lake.warehouseSql.query(remedy);
  expect(await load()).toMatchObject({ rows: 200, done: true });
  expect(await contents('warehouseSql')).toEqual(await contents('sales'));
});

it('loads a topic that was made anew after the one it replaced', async () => {
  await lake.replay();
  await lake.land();
  lake.recreateTopic();
  await lake.sales.query(`UPDATE ${qualified} SET name = 'new topic'`);
  await lake.replay();
  await lake.land();
  expect(await load()).toMatchObject({ rows: 400, done: true });
  expect(await contents('warehouseSql')).toEqual(await contents('sales'));
});

it('refuses a table of another pipeline, and leaves it as it is', async () => {
  await lake.replay();
  await lake.land();
  await load();
  const other = { ...lake.spec, name: 'another' };
  await expect(load({ spec: other })).rejects.toMatchObject({ code: 'TableOwned' });
});

it('steps over an accepted loss and no other hole', async () => {
  await lake.replay();
  await lake.land();
  const hole = await lake.control.query<{ id: string; start: string; finish: string; rows: string }>(
    `DELETE FROM headrace.cut WHERE (partition_id, start_offset) = (
       SELECT c.partition_id, min(c.start_offset) FROM headrace.cut c JOIN headrace.manifest_partition p ON p.id = c.partition_id
       WHERE p.dataset = $1 AND p.partition = 1 AND c.start_offset > 0 GROUP BY 1)
     RETURNING partition_id AS id, start_offset AS start, end_offset AS finish, rows`,
    [lake.dataset],
  );
  const [gone] = hole.rows;
  if (!gone) throw new Error('no cut was removed');
  await expect(load({ batchRows: 1_000 })).rejects.toMatchObject({ code: 'ManifestConflict' });
  const values = [gone.id, gone.start, gone.finish];
  await lake.control.query(`INSERT INTO headrace.lost VALUES ($1, $2, $3, 'a test')`, values);
  await expect(load({ batchRows: 1_000 })).rejects.toMatchObject({ code: 'ManifestConflict' });
  await lake.control.query('UPDATE headrace.lost SET accepted_at = now() WHERE partition_id = $1', [gone.id]);
  const round = await load({ batchRows: 1_000 });
  expect(round.done).toBe(true);
  expect(await contents('warehouseSql')).toHaveLength(200 - Number(gone.rows));
});

it('names an object that is gone or was changed, and loads nothing of it', async () => {
  await lake.replay();
  await lake.land(1_000);
  const [cut] = await lake.loads.sealedCuts(lake.dataset, lake.state.topicId, new Map([[0, 0]]), 1);
  const [other] = await lake.loads.sealedCuts(lake.dataset, lake.state.topicId, new Map([[1, 0]]), 1);
  const [name, otherName] = [cut?.objects[0]?.name ?? '', other?.objects[0]?.name ?? ''];
  const kept = join(lake.scratch, 'kept');
  await lake.store.download('lake', name, kept);
  await lake.remove(name);
  await expect(load()).rejects.toMatchObject({
    code: 'ManifestConflict',
    message: expect.stringContaining(name) as string,
  });
  const wrong = join(lake.scratch, 'wrong');
  await lake.store.download('lake', otherName, wrong);
  await lake.store.putIfAbsent('lake', name, wrong, {});
  await expect(load()).rejects.toMatchObject({ code: 'ManifestConflict' });
  await lake.remove(name);
  await writeFile(wrong, '');
  await lake.store.putIfAbsent('lake', name, kept, {});
  expect(await load()).toMatchObject({ rows: 200, done: true });
});
