/**
 * Loaded objects are moved or expire, on real services: only what the ledger has, whole cuts only, whoever dies in between;
 * verify, orphans and the next loads know of it.
 */
import { afterEach, beforeEach, expect, it } from 'vitest';
import { compactLake } from '../../activities/compact-lake.ts';
import { findOrphans } from '../../activities/lake-orphans.ts';
import { lookAtLake } from '../../activities/lake-look.ts';
import { type LoadRound, loadSealed } from '../../activities/load-sealed.ts';
import { verifyReplay } from '../../activities/verify-replay.ts';
import { openRecoveryStore } from '../../connectors/postgres/recovery-store.ts';
import { openReplacements } from '../../connectors/postgres/replacement-store.ts';
import type { AfterLoad } from '../../contracts/pipeline.ts';
import type { LoadInput, VerifyReport } from '../../contracts/temporal.ts';
import { runNode } from './run-node.ts';
import { type TestLake, idlePulse, openTestLake } from './test-lake.ts';

const HOUR_MS = 3_600_000;
let lake: TestLake;
let qualified: string;

beforeEach(async () => {
  lake = await openTestLake({ table: 'sales', partitions: 2 });
  qualified = `${lake.schema}.sales`;
  await lake.sales.query(`CREATE TABLE ${qualified} (id bigint PRIMARY KEY, name text)`);
  await lake.sales.query(`INSERT INTO ${qualified} SELECT i, 'n' || i FROM generate_series(1, 200) i`);
});
afterEach(async () => {
  await lake.close();
});

const load = (afterLoad?: AfterLoad, graceMs = HOUR_MS, more: Partial<LoadInput> = {}): Promise<LoadRound> => {
  const spec = { ...lake.spec, lake: { ...lake.spec.lake, ...(afterLoad === undefined ? {} : { afterLoad }) } };
  return loadSealed(
    { ...lake.loadPorts, graceMs },
    { spec, workflowId: 'test', returnAfterMs: 20_000, ...more },
    idlePulse(),
  );
};
const MOVE: AfterLoad = { moveTo: 'Processed' };
const EXPIRE: AfterLoad = { expireAfterMs: 0 };

const verify = (): Promise<VerifyReport> => verifyReplay(lake.verifyPorts, { spec: lake.spec }, idlePulse());

async function names(prefix: string): Promise<string[]> {
  const found: string[] = [];
  for await (const page of lake.store.list('lake', prefix)) found.push(...page.map(({ name }) => name));
  return found;
}
const home = () => names(`${lake.spec.lake.prefix}/`);
const moved = () => names(`Processed/${lake.spec.lake.prefix}/`);
const manifestNames = async () => (await lookAtLake(lake.loads, lake.spec)).objects.map(({ name }) => name).sort();

const orphans = (remove: boolean, olderThanMs = 0) => {
  const stores = { recovery: openRecoveryStore(lake.control), replacements: openReplacements(lake.control) };
  return findOrphans({ store: lake.store, ...stores }, { spec: lake.spec, olderThanMs, remove });
};

const OK = {
  ok: true,
  rows: { source: 200, replayed: 200, landed: 200, loaded: 200 },
  missing: 0,
  different: 0,
  extra: 0,
};

it('moves what is loaded; the old objects stay an hour for readers of the old list', async () => {
  await lake.replay();
  await lake.land();
  const before = await home();
  expect(await load(MOVE)).toMatchObject({ rows: 200, done: true });
  const after = before.map((name) => `Processed/${name}`);
  expect(await manifestNames()).toEqual(after);
  expect(await moved()).toEqual(after);
  expect(await home()).toEqual(before);
  expect(await orphans(true, HOUR_MS)).toMatchObject({ deleted: 0, named: after.length });
  expect(await verify()).toMatchObject(OK);

  expect(await load(MOVE, 0)).toMatchObject({ rows: 0, done: true });
  expect(await home()).toEqual([]);
  expect(await orphans(true)).toMatchObject({ orphans: [], kept: [], named: after.length, deleted: 0 });
  expect(await verify()).toMatchObject(OK);
  // A table that is made anew is loaded from where the objects are now.
  await lake.warehouseSql.query(`DROP TABLE ${qualified}`);
  expect(await load(MOVE, 0)).toMatchObject({ rows: 200, done: true });
});

it('leaves alone what is not loaded', async () => {
  await lake.replay();
  await lake.land();
  await load();
  await lake.sales.query(`UPDATE ${qualified} SET name = 'again'`);
  await lake.replay();
  await lake.land();
  const before = await home();
  const until = { topicId: lake.state.topicId, ends: { 0: 1, 1: 1 } };
  await load(MOVE, 0, { until });
  const left = await home();
  expect(left.length).toBeGreaterThan(0);
  expect([...left, ...(await moved()).map((name) => name.replace('Processed/', ''))].sort()).toEqual(before);
  expect(await load(MOVE, 0)).toMatchObject({ rows: 200 });
  expect(await home()).toEqual([]);
  expect(await verify()).toMatchObject(OK);
});

it('leaves where it is what the store did not copy as it was, and moves it with the next load', async () => {
  await lake.replay();
  await lake.land();
  const before = await manifestNames();
  const { store } = lake.loadPorts;
  const [other = ''] = before;
  lake.loadPorts.store = {
    ...store,
    // Of all objects the first one's bytes and metadata.
    copy: (bucket, _from, to) => store.copy(bucket, other, to),
  };
  await load(MOVE);
  const still = (await manifestNames()).filter((name) => !name.startsWith('Processed/'));
  expect(still).toEqual(before.slice(1));
  expect(await moved()).toHaveLength(1);
  lake.loadPorts.store = store;
  await load(MOVE, 0);
  expect((await manifestNames()).every((name) => name.startsWith('Processed/'))).toBe(true);
  expect(await verify()).toMatchObject(OK);
});

it('moves once where two loads end at the same time', async () => {
  await lake.replay();
  await lake.land();
  await Promise.all([load(MOVE), load(MOVE), load(MOVE)]);
  expect(await moved()).toEqual(await manifestNames());
  expect(await orphans(false)).toMatchObject({ named: (await moved()).length, kept: [] });
  expect(await verify()).toMatchObject(OK);
});

it.each(['begun', 'copied', 'moved', 'removed'] as const)(
  'a move that is killed when it has %s is done by the next load, and leaves no second copy',
  async (step) => {
    await lake.replay();
    await lake.land();
    await load();
    const count = (await home()).length;
    const afterLoad = MOVE;
    const child = await runNode('test/load/after-load-child.ts', { spec: lake.spec, step, afterLoad });
    expect(child).toMatchObject({ signal: 'SIGKILL', stderr: '' });
    expect(await verify()).toMatchObject(OK);
    expect(await load(MOVE, 0)).toMatchObject({ rows: 0, done: true });
    expect(await home()).toEqual([]);
    expect(await moved()).toEqual(await manifestNames());
    expect(await moved()).toHaveLength(count);
    expect(await orphans(true)).toMatchObject({ orphans: [], kept: [], named: count });
    expect(await verify()).toMatchObject(OK);
  },
);

it('compacts what has been moved where it is', async () => {
  await lake.replay();
  await lake.land(7);
  await load(MOVE, 0);
  const { loadPorts, manifest, control } = lake;
  const ports = { ...loadPorts, manifest, replacements: openReplacements(control) };
  await compactLake(ports, { spec: lake.spec, targetBytes: 2 ** 20, dryRun: false }, new AbortController().signal);
  const merged = await manifestNames();
  expect(merged).toHaveLength(2);
  for (const name of merged) expect(name).toMatch(/^Processed\/test\/.*\.c[0-9a-f]{12}\.parquet$/);
  expect(await load(MOVE, 0)).toMatchObject({ rows: 0, done: true });
  expect(await manifestNames()).toEqual(merged);
  expect(await moved()).toEqual(merged);
  expect(await verify()).toMatchObject(OK);
});

it('expires what is loaded and old enough; verify counts it from the manifest, and nothing is loaded again', async () => {
  await lake.replay();
  await lake.land();
  expect(await load({ expireAfterMs: HOUR_MS }, 0)).toMatchObject({ rows: 200 });
  const before = await home();
  expect(before).toEqual(await manifestNames());

  expect(await load(EXPIRE)).toMatchObject({ rows: 0, done: true });
  expect(await home()).toEqual(before);
  expect(await lookAtLake(lake.loads, lake.spec)).toMatchObject({ objects: [], rows: 0 });
  expect(await orphans(true, HOUR_MS)).toMatchObject({ deleted: 0 });
  expect(await verify()).toMatchObject({ ...OK, expired: 200 });

  expect(await load(EXPIRE, 0)).toMatchObject({ rows: 0, done: true });
  expect(await home()).toEqual([]);
  expect(await orphans(true)).toMatchObject({ orphans: [], kept: [], deleted: 0 });
  expect(await verify()).toMatchObject({ ...OK, expired: 200 });

  await lake.sales.query(`UPDATE ${qualified} SET name = 'new' WHERE id % 2 = 0`);
  await lake.replay();
  await lake.land();
  expect(await load()).toMatchObject({ rows: 200, done: true });
  expect(await verify()).toMatchObject({ ...OK, expired: 0 });
  await lake.warehouseSql.query(`UPDATE ${qualified} SET name = 'spoilt' WHERE id = 7`);
  expect(await verify()).toMatchObject({ ok: false, different: 1 });
});

it('says so where a table made anew wants what has expired, and goes on without it when told to', async () => {
  await lake.replay();
  await lake.land();
  await load(EXPIRE, 0);
  await lake.warehouseSql.query(`DROP TABLE ${qualified}`);
  const refused = load();
  await expect(refused).rejects.toMatchObject({ code: 'ManifestConflict' });
  await expect(refused).rejects.toThrow(/have expired from the lake.*--skip-expired/);
  expect(await load(undefined, HOUR_MS, { skipExpired: true })).toMatchObject({ rows: 0, done: true });
  expect(await verify()).toMatchObject({ ok: false, missing: 200, expired: 200 });
  await lake.replay();
  await lake.land();
  expect(await load()).toMatchObject({ rows: 200 });
  expect(await verify()).toMatchObject(OK);
});

it.each(['expired', 'removed'] as const)('killed when it has %s, the next load goes on', async (step) => {
  await lake.replay();
  await lake.land();
  await load();
  const afterLoad = EXPIRE;
  const child = await runNode('test/load/after-load-child.ts', { spec: lake.spec, step, afterLoad });
  expect(child).toMatchObject({ signal: 'SIGKILL', stderr: '' });
  expect(await verify()).toMatchObject(OK);
  expect(await load(EXPIRE, 0)).toMatchObject({ rows: 0, done: true });
  expect(await home()).toEqual([]);
  expect(await verify()).toMatchObject({ ...OK, expired: 200 });
});
