/** What progress says of a replay's rows in the lake and in the warehouse: they are its own, whatever else arrives meanwhile. */
import { afterEach, beforeEach, expect, it } from 'vitest';
import { loadSealed } from '../../activities/load-sealed.ts';
import { openInspectStore } from '../../connectors/postgres/inspect-store.ts';
import { type TestLake, idlePulse, openTestLake } from './test-lake.ts';

const ROWS = 200;
let lake: TestLake;

beforeEach(async () => {
  lake = await openTestLake({ table: 'sales' });
  const qualified = `${lake.schema}.sales`;
  await lake.sales.query(`CREATE TABLE ${qualified} (id int PRIMARY KEY, name text)`);
  await lake.sales.query(`INSERT INTO ${qualified} SELECT i, 'n' || i FROM generate_series(1, ${ROWS}) i`);
});
afterEach(async () => {
  await lake.close();
});

async function load(): Promise<void> {
  await loadSealed(lake.loadPorts, { spec: lake.spec, workflowId: 'test', returnAfterMs: 20_000 }, idlePulse());
}

async function arrived(replayId: string) {
  const counts = await openInspectStore(lake.control).hopCounts(replayId);
  return counts && { replayed: counts.replayed, landed: counts.landed, loaded: counts.loaded };
}

/** Lands the log as it was when it had these ends. */
async function landTo(ends: readonly number[], cutRecords?: number): Promise<void> {
  const { log, ends: all } = lake.state;
  lake.state.log = log.map((records, partition) => records.filter(({ offset }) => offset < (ends[partition] ?? 0)));
  lake.state.ends = [...ends];
  await lake.land(cutRecords);
  Object.assign(lake.state, { log, ends: all });
}

async function twoReplays() {
  const first = await lake.replay();
  const ends = [...lake.state.ends];
  return { first, ends, second: await lake.replay() };
}

it('counts no row of a replay that was published before, and is still being landed and loaded', async () => {
  const { first, ends, second } = await twoReplays();
  await landTo(ends);
  await load();
  expect(await arrived(first)).toEqual({ replayed: ROWS, landed: ROWS, loaded: ROWS });
  expect(await arrived(second)).toEqual({ replayed: ROWS, landed: 0, loaded: 0 });
  await lake.land();
  expect(await arrived(second)).toEqual({ replayed: ROWS, landed: ROWS, loaded: 0 });
  expect(await arrived(first)).toEqual({ replayed: ROWS, landed: ROWS, loaded: ROWS });
  await load();
  expect(await arrived(second)).toEqual({ replayed: ROWS, landed: ROWS, loaded: ROWS });
});

it('takes its share of cuts that hold rows of both', async () => {
  const { first, second } = await twoReplays();
  await lake.land(1_000);
  await load();
  for (const replayId of [first, second]) {
    const { landed, loaded } = (await arrived(replayId)) ?? { landed: 0, loaded: 0 };
    expect(loaded).toBe(landed);
    expect(landed).toBeGreaterThanOrEqual(ROWS);
    // A marker a chunk and partition, of which nobody knows how many are in the share.
    expect(landed).toBeLessThanOrEqual(ROWS + 15);
  }
});

it('counts none of a replay that was abandoned, of which no end is known', async () => {
  const { first, ends, second } = await twoReplays();
  await lake.control.query('DELETE FROM headrace.replay_end WHERE replay_id = $1', [first]);
  await lake.control.query(`UPDATE headrace.replay SET state = 'abandoned', published_at = NULL WHERE replay_id = $1`, [
    first,
  ]);
  await landTo(ends);
  await load();
  expect(await arrived(second)).toEqual({ replayed: ROWS, landed: 0, loaded: 0 });
  await lake.land();
  await load();
  expect(await arrived(second)).toEqual({ replayed: ROWS, landed: ROWS, loaded: ROWS });
});

it('has nothing to count before the first row is in the topic', async () => {
  const { second } = await twoReplays();
  await lake.control.query('DELETE FROM headrace.lane_transaction WHERE replay_id = $1', [second]);
  await lake.control.query(`UPDATE headrace.replay SET state = 'planned', published_at = NULL WHERE replay_id = $1`, [
    second,
  ]);
  await lake.land();
  await load();
  expect(await arrived(second)).toEqual({ replayed: 0, landed: 0, loaded: 0 });
});

it('counts loads that were noted before they told how far they came', async () => {
  const replayId = await lake.replay();
  await lake.land();
  await load();
  await lake.control.query('UPDATE headrace.load_batch SET topic_id = NULL, ends = NULL WHERE pipeline = $1', [
    lake.spec.name,
  ]);
  expect(await arrived(replayId)).toEqual({ replayed: ROWS, landed: ROWS, loaded: ROWS });
});

it('counts chunks that are over, not those that are begun', async () => {
  const replayId = await lake.replay();
  const chunks = async () => (await openInspectStore(lake.control).hopCounts(replayId))?.chunks;
  const transactions = (sql: string) => lake.control.query(`${sql} AND replay_id = $1`, [replayId]);
  expect(await chunks()).toMatchObject({ found: 5, done: 5, reached: 5 });
  await lake.control.query(
    `UPDATE headrace.replay SET state = 'publishing', published_at = NULL WHERE replay_id = $1`,
    [replayId],
  );
  await transactions('UPDATE headrace.lane_transaction SET chunk_done = false WHERE chunk = 4');
  expect(await chunks()).toMatchObject({ found: 5, done: 4, reached: 5 });
  // In one lane, and a chunk of it had no row.
  await lake.control.query('UPDATE headrace.replay SET lane_modulus = 1 WHERE replay_id = $1', [replayId]);
  await transactions('UPDATE headrace.lane_transaction SET lane = 0, seq = chunk + 1 WHERE true');
  await transactions('DELETE FROM headrace.lane_transaction WHERE chunk = 2');
  expect(await chunks()).toMatchObject({ found: 5, done: 4, reached: 5 });
});
