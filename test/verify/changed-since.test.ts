/** The proofs that a row was written after a snapshot, or before, on a real PostgreSQL: never for a row of the other side. */
import { afterAll, beforeAll, expect, it } from 'vitest';
import { changedSinceSql, seenBySql, standsAsSeenSql } from '../../connectors/postgres/changed-since.ts';
import { openDatabase, unique } from '../load/services.ts';

const pool = openDatabase('CONNECTION_SALES');
const schema = unique('cs');

beforeAll(async () => {
  await pool.query(`CREATE SCHEMA ${schema}; CREATE TABLE ${schema}.t (id int PRIMARY KEY, v int)`);
});
afterAll(async () => {
  await pool.query(`DROP SCHEMA ${schema} CASCADE`);
  await pool.end();
});

async function proven(by: (alias: string, snapshot: string) => string, snapshot: string): Promise<number[]> {
  const sql = `SELECT id FROM ${schema}.t WHERE ${by('t', '$1')} ORDER BY id`;
  return (await pool.query<{ id: number }>(sql, [snapshot])).rows.map(({ id }) => id);
}
const changed = (snapshot: string): Promise<number[]> => proven(changedSinceSql, snapshot);
const seen = (snapshot: string): Promise<number[]> => proven(seenBySql, snapshot);
async function snapshotNow(): Promise<string> {
  const { rows } = await pool.query<{ snapshot: string }>('SELECT pg_current_snapshot()::text AS snapshot');
  return rows[0]?.snapshot ?? '';
}

it('holds for what was inserted, updated or still running at the snapshot, frozen or not, and for nothing else', async () => {
  await pool.query(`INSERT INTO ${schema}.t VALUES (1, 0), (2, 0), (3, 0)`);
  const running = await pool.connect();
  await running.query('BEGIN');
  await running.query(`INSERT INTO ${schema}.t VALUES (4, 0)`);
  await pool.query(`INSERT INTO ${schema}.t VALUES (5, 0)`); // done, though its id is above the running one's
  const snapshot = await snapshotNow();
  await running.query('COMMIT');
  running.release();
  await pool.query(`UPDATE ${schema}.t SET v = 1 WHERE id = 2`);
  await pool.query(`INSERT INTO ${schema}.t VALUES (6, 0)`);
  // Row 5 is on neither side: it was there, but began after one that was not over.
  expect([await changed(snapshot), await seen(snapshot)]).toEqual([
    [2, 4, 6],
    [1, 3],
  ]);
  await pool.query(`VACUUM FREEZE ${schema}.t`);
  expect([await changed(snapshot), await seen(snapshot)]).toEqual([
    [2, 4, 6],
    [1, 3],
  ]);
  const now = await snapshotNow();
  expect([await changed(now), await seen(now)]).toEqual([[], [1, 2, 3, 4, 5, 6]]);
});

it('is not given for a subtransaction of a transaction that was running: doubt is no proof', async () => {
  const running = await pool.connect();
  await running.query(`BEGIN; SELECT pg_current_xact_id(); SAVEPOINT s; INSERT INTO ${schema}.t VALUES (7, 0)`);
  const other = await pool.connect();
  await other.query(`BEGIN; INSERT INTO ${schema}.t VALUES (8, 0)`); // so that the snapshot's end is above the savepoint's id
  await pool.query(`INSERT INTO ${schema}.t VALUES (10, 0)`);
  const snapshot = await snapshotNow();
  await running.query('COMMIT');
  await other.query('COMMIT');
  running.release();
  other.release();
  await pool.query(`DO $$ BEGIN INSERT INTO ${schema}.t VALUES (9, 0); EXCEPTION WHEN OTHERS THEN RAISE; END $$`);
  expect(await changed(snapshot)).toEqual([8, 9]);
  expect(await seen(snapshot)).toEqual([1, 2, 3, 4, 5, 6]);
});

it('says of no row that a snapshot saw it that is too old to be held against a row of 32 bits', async () => {
  const sql = (next: string): string =>
    seenBySql('t', '$1').replaceAll('pg_snapshot_xmax(pg_current_snapshot())', `'${next}'`);
  const asked = async (next: string): Promise<number> =>
    (await pool.query(`SELECT FROM ${schema}.t WHERE ${sql(next)}`, [now])).rowCount ?? 0;
  const now = await snapshotNow();
  const first = BigInt(now.split(':')[0] ?? '');
  expect(await asked(String(first + 2_000_000_000n))).toBeGreaterThan(0);
  expect(await asked(String(first + 2_000_000_001n))).toBe(0);
});

it('says of no row that a snapshot saw it that this server has yet to come to: it is of another one', async () => {
  const ahead = String(BigInt((await snapshotNow()).split(':')[1] ?? '') + 1_000_000n);
  expect(await seen(`${ahead}:${ahead}:`)).toEqual([]);
});

it.each([
  ['tables swapped by a rename', 'ALTER TABLE $.old RENAME TO aside; ALTER TABLE $.new RENAME TO old', 'old'],
  ['columns swapped by a rename', 'ALTER TABLE $.old RENAME a TO c; ALTER TABLE $.old RENAME b TO a', 'old'],
  ['a column dropped and added', 'ALTER TABLE $.old DROP a; ALTER TABLE $.old ADD a int DEFAULT 7', 'old'],
  ['a child attached', 'ALTER TABLE $.new INHERIT $.old', 'old'],
  ['a partition attached', 'ALTER TABLE $.whole ATTACH PARTITION $.new FOR VALUES FROM (9) TO (99)', 'whole'],
  ['schemas swapped by a rename', 'ALTER SCHEMA $ RENAME TO $_aside; ALTER SCHEMA $_two RENAME TO $', 'old'],
  ['row security', 'ALTER TABLE $.old ENABLE ROW LEVEL SECURITY', 'old'],
])('says that a table is the one that a snapshot saw, and not after %s', async (_, change, table) => {
  const own = unique('st');
  const sql = (text: string) => pool.query(text.replaceAll('$', own));
  const tables = (place: string): string =>
    `CREATE SCHEMA ${place}; CREATE TABLE ${place}.old (a int, b int); CREATE TABLE ${place}.new (a int, b int);
     CREATE TABLE ${place}.whole (a int, b int) PARTITION BY RANGE (a);
     CREATE TABLE ${place}.part PARTITION OF ${place}.whole FOR VALUES FROM (1) TO (9)`;
  await sql(`${tables('$')}; ${tables('$_two')}; INSERT INTO $.old VALUES (1, 2)`);
  const stands = async (snapshot: string): Promise<boolean | undefined> => {
    const asked = `SELECT ${standsAsSeenSql(`'${own}.${table}'`, `'${own}'`, '$1')} AS stands`;
    return (await pool.query<{ stands: boolean }>(asked, [snapshot])).rows[0]?.stands;
  };
  // A transaction of another test that runs takes the proof away: then once more.
  let snapshot = await snapshotNow();
  for (let attempt = 0; attempt < 200 && (await stands(snapshot)) !== true; attempt++) {
    await new Promise((resolve) => setTimeout(resolve, 100));
    snapshot = await snapshotNow();
  }
  await sql(`INSERT INTO $.old VALUES (3, 4)`);
  await pool.query(`VACUUM ANALYZE ${own}.old`);
  expect(await stands(snapshot)).toBe(true);
  await sql(change);
  expect(await stands(snapshot)).toBe(false);
  await sql('DROP SCHEMA $ CASCADE; DROP SCHEMA IF EXISTS $_two CASCADE; DROP SCHEMA IF EXISTS $_aside CASCADE');
});

it.each([
  // next transaction id, the row's 32 bits, the id that they stand for
  ['1000', '999', '999'],
  ['1000', '3', '3'],
  ['1000', '2', null], // frozen, as before PostgreSQL 9.4
  ['1000', '1', null],
  ['1000', '4294967290', null], // would lie before the first transaction
  ['4294967396', '99', '4294967395'], // 2^32 + 100: this epoch
  ['4294967396', '4294967290', '4294967290'], // the one before
  ['4294967396', '100', null], // the next id itself: not assigned, so 2^32 behind: a frozen left-over
  ['8589934692', '2147483747', null], // 2^31 and more behind: frozen
  ['8589934692', '2147483748', '6442451044'],
])('at next id %s, xmin %s stands for %s', async (next, xmin, expected) => {
  const sql = changedSinceSql('t', `$1`)
    .replaceAll('pg_snapshot_xmax(pg_current_snapshot())', `'${next}'`)
    .replaceAll('t.xmin', `'${xmin}'`);
  // A snapshot in which nothing is visible from the expected id on: the answer tells on which side the id was put.
  const ask = async (snapshot: string): Promise<boolean> =>
    (await pool.query<{ proven: boolean }>(`SELECT ${sql} AS proven`, [snapshot])).rows[0]?.proven ?? false;
  const id = BigInt(expected ?? 1_000_000);
  const from = `${id}:${id}:`;
  const behind = `${id + 1n}:${id + 1n}:`;
  expect([await ask(from), await ask(behind), await ask('3:3:')]).toEqual(
    expected === null ? [false, false, false] : [true, false, true],
  );
});
