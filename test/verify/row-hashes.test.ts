/** Keys of every kind are found again in the source by what the warehouse prints; sums and rows of a range agree. */
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { SourceHashes } from '../../activities/ports/verify.ts';
import type { SourceTable } from '../../activities/ports/source.ts';
import { openSourceHashes } from '../../connectors/postgres/row-hashes.ts';
import { openPostgresSource } from '../../connectors/postgres/source.ts';
import { database, openDatabase, unique } from '../load/services.ts';

const pool = openDatabase('CONNECTION_SALES');
const schema = unique('rh');
const source = openPostgresSource(database('CONNECTION_SALES'));
let hashes: SourceHashes;

beforeAll(async () => {
  hashes = openSourceHashes(database('CONNECTION_SALES'));
  await pool.query(`CREATE SCHEMA ${schema}`);
  await pool.query(`CREATE TYPE ${schema}.mood AS ENUM ('z first', 'a second')`);
});
afterAll(async () => {
  await Promise.all([hashes.close(), source.close()]);
  await pool.query(`DROP SCHEMA ${schema} CASCADE`);
  await pool.end();
});

async function tableOf(type: string, ...values: string[]): Promise<SourceTable> {
  const name = { schema, table: unique('t') };
  await pool.query(
    `CREATE TABLE ${schema}.${name.table} (k ${type.replace('mood', `${schema}.mood`)} PRIMARY KEY, v int)`,
  );
  for (const value of values) await pool.query(`INSERT INTO ${schema}.${name.table} VALUES ($1, 1)`, [value]);
  return { name, shape: (await source.describe(name)).shape };
}

it.each([
  // type, a lower key, a higher key, one between that is not there, one above that is not there
  ['bigint', '-9', '9', '0', '99'],
  ['smallint', '-9', '9', '0', '70000'],
  ['numeric', '1.50', '12345678901234567890.5', '2', '1e30'],
  ['numeric(5,2)', '1.50', '9.99', '1.501', '1000000'],
  ['real', '-1.5', '3.4', '0', 'Infinity'],
  ['double precision', '-1.5', '1e300', '0', 'NaN'],
  ['boolean', 'false', 'false', 'false', 'true'],
  ['text', '', 'b\\"', 'a', 'c'],
  ['text COLLATE "und-x-icu"', 'a', 'c', 'B', 'D'],
  ['varchar(3)', 'aaa', 'bbb', 'aaaa', 'ccc'],
  ['char(3)', 'a', 'bb', 'aab', 'bbbb'],
  ['date', '0044-03-15 BC', '2024-03-01', '1969-12-31', 'infinity'],
  ['time', '00:00:00.000001', '23:59:59', '12:00:00', '24:00:00'],
  ['timestamp', '1969-12-31 23:59:59.999999', '2024-03-01 00:00:00', '2000-01-01 00:00:00', 'infinity'],
  ['timestamptz', '-infinity', '2024-03-01 00:00:00+00', '2000-01-01 00:00:00+00', '2024-03-01 00:00:00.000001+00'],
  [
    'uuid',
    'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11',
    'b0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11',
    'a1eebc99-9c0b-4ef8-bb6d-6bb9bd380a11',
    'c0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11',
  ],
  ['bytea', '\\x00', '\\x01ff', '\\x0102', '\\x02'],
])('%s', async (type, low, high, between, above) => {
  const table = await tableOf(type, ...new Set([low, high]));
  const keys = [low, high, between, above].map((key) => [key]);
  const found = await hashes.find(table, keys, [low], '3:3:');
  const [isThere, isNot] = [
    { exists: true, changedSince: true, beyond: false },
    { exists: false, changedSince: false, beyond: false },
  ];
  const same = low === high; // boolean has nothing between
  expect(found).toEqual([isThere, { ...isThere, beyond: !same }, same ? isThere : isNot, isNot]);
  expect(await hashes.find(table, keys, null, '3:3:')).toMatchObject([{ beyond: true }, { beyond: true }, {}, {}]);
});

it('an enum in its own order, and a label that it does not know', async () => {
  const table = await tableOf('mood', 'z first', 'a second');
  const found = await hashes.find(table, [['z first'], ['a second'], ['unknown']], ['z first'], '3:3:');
  expect(found.map(({ exists, beyond }) => [exists, beyond])).toEqual([
    [true, false],
    [true, true],
    [false, false],
  ]);
});

it('sums and rows of a range agree with each other, over buckets and at its ends', async () => {
  const table = await tableOf('int', ...Array.from({ length: 50 }, (_, i) => String(i)));
  const range = { chunk: 0, after: ['9'], upTo: ['39'], scope: { where: 'k <> 20 -- comment' } };
  const whole = await hashes.sumRange(table, range, 1);
  const parts = await hashes.sumRange(table, range, 7);
  expect(whole.get(0)?.rows).toBe(29);
  expect([...parts.values()].reduce((sum, each) => sum + each.sum, 0n)).toBe(whole.get(0)?.sum);
  for (const [bucket, expected] of parts) {
    const rows = await hashes.rowsOfRange(table, range, { buckets: 7, numbers: [bucket] }, '3:3:');
    expect(rows).toHaveLength(expected.rows);
    expect(rows.reduce((sum, row) => sum + row.hash, 0n)).toBe(expected.sum);
    expect(rows.every((row) => row.changedSince)).toBe(true);
  }
});
