/**
 * Merging small objects on real services: rows are loaded once whatever the ledger has passed, verify proves the lake as before,
 * of two at once one does it, and what a killed one leaves is nobody's data.
 */
import { afterEach, beforeEach, expect, it } from 'vitest';
import { compactLake, type CompactPorts } from '../../activities/compact-lake.ts';
import { findOrphans } from '../../activities/lake-orphans.ts';
import { lookAtLake } from '../../activities/lake-look.ts';
import { type LoadRound, loadSealed } from '../../activities/load-sealed.ts';
import { verifyReplay } from '../../activities/verify-replay.ts';
import { openRecoveryStore } from '../../connectors/postgres/recovery-store.ts';
import { openReplacements } from '../../connectors/postgres/replacement-store.ts';
import type { CompactReport } from '../../contracts/compact.ts';
import type { OrphansReport } from '../../contracts/recovery.ts';
import { runNode } from './run-node.ts';
import { type TestLake, idlePulse, openTestLake } from './test-lake.ts';

const MIB = 2 ** 20;
let lake: TestLake;
let qualified: string;

beforeEach(async () => {
  lake = await openTestLake({ table: 'sales', partitions: 2 });
  qualified = `${lake.schema}.sales`;
  await lake.sales.query(
    `CREATE TABLE ${qualified} (id bigint PRIMARY KEY, name text, price numeric(40,20), at timestamptz)`,
  );
  await lake.sales.query(
    `INSERT INTO ${qualified} SELECT i, CASE WHEN i % 7 = 0 THEN NULL WHEN i % 5 = 0 THEN '' ELSE 'n' || i END,
       i * 1234567890.12345678901234567890, '1969-12-31 23:00:00Z'::timestamptz + i * interval '1 minute'
     FROM generate_series(-20, 179) i`,
  );
});
afterEach(async () => {
  await lake.close();
});

const ports = (): CompactPorts => ({
  ...lake.loadPorts,
  manifest: lake.manifest,
  replacements: openReplacements(lake.control),
});

const compact = (
  targetBytes = MIB,
  more: Partial<CompactPorts> & { dryRun?: boolean } = {},
): Promise<CompactReport> => {
  const { dryRun = false, ...changed } = more;
  return compactLake(
    { ...ports(), ...changed },
    { spec: lake.spec, targetBytes, dryRun },
    new AbortController().signal,
  );
};

const orphans = (remove = false, olderThanMs = 0): Promise<OrphansReport> => {
  const stores = { recovery: openRecoveryStore(lake.control), replacements: openReplacements(lake.control) };
  return findOrphans({ store: lake.store, ...stores }, { spec: lake.spec, olderThanMs, remove });
};

const load = (batchRows = 60): Promise<LoadRound> =>
  loadSealed(
    { ...lake.loadPorts, batchRows },
    { spec: lake.spec, workflowId: 'test', returnAfterMs: 20_000 },
    idlePulse(),
  );

async function contents(side: 'sales' | 'warehouseSql'): Promise<unknown[]> {
  const { rows } = await lake[side].query<Record<string, unknown>>(`SELECT t.* FROM ${qualified} t ORDER BY id`);
  return rows;
}

async function expectVerified(replayId: string, rows = 200): Promise<void> {
  expect(await verifyReplay(lake.verifyPorts, { spec: lake.spec, replayId }, idlePulse())).toMatchObject({
    ...{ ok: true, missing: 0, extra: 0, different: 0, chunksUnequal: 0, lost: 0 },
    rows: { source: rows, replayed: rows, landed: rows, loaded: rows },
  });
}

/** By state. */
async function cuts(): Promise<Record<string, number>> {
  const { rows } = await lake.control.query<{ state: string; count: string }>(
    `SELECT c.state, count(*) FROM headrace.cut c JOIN headrace.manifest_partition p ON p.id = c.partition_id
     WHERE p.dataset = $1 GROUP BY 1`,
    [lake.dataset],
  );
  return Object.fromEntries(rows.map(({ state, count }) => [state, Number(count)]));
}

it('merges loaded, half loaded and new cuts; each row is loaded once, and verify proves it', async () => {
  await lake.replay();
  await lake.land(7);
  await load();
  await lake.sales.query(`UPDATE ${qualified} SET name = 'second' WHERE id % 2 = 0`);
  const replayId = await lake.replay();
  await lake.land(9);
  const before = await lookAtLake(lake.loads, lake.spec);

  const planned = await compact(MIB, { dryRun: true });
  expect(planned.groups.map(({ state }) => state)).toEqual(['planned', 'planned']);
  expect(await lookAtLake(lake.loads, lake.spec)).toEqual(before);

  const report = await compact();
  expect(report.groups).toMatchObject([
    { state: 'merged', objects: { after: 1 } },
    { state: 'merged', objects: { after: 1 } },
  ]);
  const look = await lookAtLake(lake.loads, lake.spec);
  expect(look).toMatchObject({ rows: before.rows, objects: [{}, {}] });
  expect(before.objects.length).toBe(report.objects);
  expect(look.partitions.map(({ start, end }) => [start, end])).toEqual(
    before.partitions.map(({ start, end }) => [start, end]),
  );

  expect(await load()).toMatchObject({ rows: 200, done: true });
  expect(await contents('warehouseSql')).toEqual(await contents('sales'));
  expect(await load()).toMatchObject({ rows: 0, cuts: 0 });
  await expectVerified(replayId);
  expect(await compact()).toMatchObject({ groups: [] });
});

it('lets readers of the old list go on: old objects stay for the time that orphans are given', async () => {
  const replayId = await lake.replay();
  await lake.land(7);
  const { objects } = await lookAtLake(lake.loads, lake.spec);
  await compact();
  const young = await orphans(true, 3_600_000);
  expect(young).toMatchObject({ orphans: [], deleted: 0, named: 2 });
  for (const { name } of objects) expect(await lake.store.head('lake', name)).not.toBeNull();
  const old = await orphans(true);
  expect(old.orphans.map(({ name }) => name).sort()).toEqual(objects.map(({ name }) => name).sort());
  expect(old).toMatchObject({ kept: [], named: 2, deleted: objects.length });
  expect(await load()).toMatchObject({ rows: 200 });
  await expectVerified(replayId);
});

it('removes nothing where the manifest is of before the merge and names what was removed since', async () => {
  await lake.replay();
  await lake.land(7);
  await compact();
  await orphans(true);
  // As a backup of the control database would bring it back.
  await lake.control.query(
    `WITH p AS (SELECT id FROM headrace.manifest_partition WHERE dataset = $1),
       gone AS (DELETE FROM headrace.cut WHERE partition_id IN (SELECT id FROM p) AND reason = 'compacted')
     UPDATE headrace.cut SET state = 'sealed', retired_at = NULL WHERE partition_id IN (SELECT id FROM p) AND state = 'replaced'`,
    [lake.dataset],
  );
  const look = await orphans(true);
  expect(look).toMatchObject({ orphans: [], deleted: 0 });
  expect(look.kept.map(({ why }) => why)).toEqual([
    expect.stringContaining('may be the only copy') as string,
    expect.stringContaining('may be the only copy') as string,
  ]);
});

it('of two at once one merges a group; the other says so and leaves nothing behind', async () => {
  const replayId = await lake.replay();
  await lake.land(7);
  const reports = await Promise.all([compact(), compact()]);
  const states = reports.flatMap(({ groups }) => groups.map(({ state, partition }) => `${partition} ${state}`));
  expect(states.filter((state) => state.endsWith('merged')).sort()).toEqual(['0 merged', '1 merged']);
  const { orphans: found, named } = await orphans();
  expect(found.every(({ why }) => why.startsWith('its cut was replaced'))).toBe(true);
  expect(named).toBe(2);
  await load();
  await expectVerified(replayId);
});

it('keeps to the target, and leaves alone what is large enough', async () => {
  await lake.replay();
  await lake.land(7);
  const { objects } = await lookAtLake(lake.loads, lake.spec);
  const largest = Math.max(...objects.map(({ bytes }) => bytes));
  const report = await compact(largest * 3);
  expect(report.groups.length).toBeGreaterThan(4);
  for (const { bytes } of report.groups) expect(bytes.before).toBeLessThanOrEqual(largest * 3);
  expect(await compact(largest)).toMatchObject({ groups: [] });
  expect(await load()).toMatchObject({ rows: 200 });
});

it('never merges cuts of two schema versions, nor of two formats', async () => {
  await lake.replay();
  await lake.land(7);
  lake.spec.lake.format = 'csv';
  await lake.replay();
  await lake.land(7);
  await lake.sales.query(`ALTER TABLE ${qualified} ADD COLUMN note text DEFAULT 'noted'`);
  const replayId = await lake.replay();
  await lake.land(7);
  const report = await compact();
  expect(report.groups.map(({ objects }) => objects.after)).toEqual([1, 1, 1, 1, 1, 1]);
  expect(await load(1_000)).toMatchObject({ rows: 600 });
  expect(await contents('warehouseSql')).toEqual(await contents('sales'));
  await expectVerified(replayId);
});

it.each(['encoded', 'begun', 'put', 'finished'] as const)(
  'killed when it has %s: nobody takes what it left for data, and the next one merges',
  async (step) => {
    const replayId = await lake.replay();
    await lake.land(7);
    const before = await lookAtLake(lake.loads, lake.spec);
    const child = await runNode('test/load/compact-child.ts', { spec: lake.spec, step, scratch: lake.scratch });
    expect(child).toMatchObject({ signal: 'SIGKILL', stderr: '' });
    const after = await lookAtLake(lake.loads, lake.spec);
    if (step === 'finished') expect(after.objects.length).toBeLessThan(before.objects.length);
    else expect(after).toEqual(before);
    expect(after.rows).toBe(before.rows);
    expect((await orphans(true, 3_600_000)).deleted).toBe(0);
    expect(await load()).toMatchObject({ rows: 200 });
    await expectVerified(replayId);

    await compact();
    expect((await lookAtLake(lake.loads, lake.spec)).objects.length).toBe(2);
    await orphans(true);
    expect(await orphans()).toMatchObject({ orphans: [], kept: [], named: 2 });
    expect((await cuts()).replacing).toBeUndefined();
    await expectVerified(replayId);
  },
);

it('an intent that was given up is refused at its end, however late it comes', async () => {
  const replayId = await lake.replay();
  await lake.land(7);
  const report = await compact(MIB, {
    onStep: async (step) => {
      if (step === 'put') await orphans(true);
    },
  });
  expect(report.groups.map(({ state }) => state)).toEqual(['overtaken', 'overtaken']);
  expect((await cuts()).replaced).toBeUndefined();
  expect(await orphans()).toMatchObject({ orphans: [], kept: [] });
  await load();
  await expectVerified(replayId);
});
