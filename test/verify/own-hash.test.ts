/** The server's own row hash: equal where rows are, another where any value is, and absent where that cannot be relied on. */
import { afterAll, beforeAll, expect, it } from 'vitest';
import { ownHash } from '../../connectors/postgres/own-hash.ts';
import { openPostgresSource } from '../../connectors/postgres/source.ts';
import { database, openDatabase, unique } from '../load/services.ts';

const pool = openDatabase('CONNECTION_SALES');
const schema = unique('oh');
const source = openPostgresSource(database('CONNECTION_SALES'));

beforeAll(async () => {
  await pool.query(`CREATE SCHEMA ${schema}`);
  await pool.query(`CREATE TYPE ${schema}.mood AS ENUM ('low', 'high')`);
  await pool.query(
    `CREATE COLLATION ${schema}.any_case (provider = icu, locale = 'und-u-ks-level2', deterministic = false)`,
  );
});
afterAll(async () => {
  await source.close();
  await pool.query(`DROP SCHEMA ${schema} CASCADE`);
  await pool.end();
});

async function hashed(columns: string, ...rows: string[]): Promise<{ name: string; sum: string } | null> {
  const name = { schema, table: unique('t') };
  await pool.query(`CREATE TABLE ${schema}.${name.table} (${columns}, PRIMARY KEY (id))`);
  for (const row of rows) await pool.query(`INSERT INTO ${schema}.${name.table} VALUES (${row})`);
  const { shape } = await source.describe(name);
  const own = await ownHash(pool, name, shape.columns, name.table);
  if (!own) return null;
  const found = await pool.query<{ sum: string }>(`SELECT sum(${own.sql})::text AS sum FROM ${schema}.${name.table}`);
  return { name: own.name, sum: found.rows[0]?.sum ?? '' };
}

const ALL =
  'id bigint, a int, b smallint, c numeric, d numeric(8,2), e real, f double precision, g boolean, h text, i varchar(9), ' +
  'j char(4), k date, l time, m timestamp, n timestamptz, o uuid, p bytea';
const ROW = `1, 2, 3, 1.5, 2.50, 0.1, 'NaN', true, 'text', 'chars', 'ab', '2024-02-29', '12:34:56.789', 'infinity',
  '2024-02-29 12:00:00+02', 'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11', '\\x00ff'`;

it('is the same for equal rows, however they are written and in whatever order', async () => {
  const one = await hashed(ALL, ROW, ROW.replace(/^1/, '2'));
  const other = await hashed(
    ALL,
    ROW.replace(/^1/, '2').replace('1.5', '1.500'),
    ROW.replace(`12:00:00+02`, `10:00:00+00`),
  );
  expect(one?.sum).toMatch(/^-?\d+$/);
  expect(other).toEqual(one);
});

it.each([
  ['a value', ROW.replace('true', 'false')],
  ['a NULL', ROW.replace('true', 'NULL')],
  ['a microsecond', ROW.replace('.789', '.789001')],
  ['a byte', ROW.replace('00ff', '00fe')],
])('is another where %s is', async (_, changed) => {
  const one = await hashed(ALL, ROW);
  expect((await hashed(ALL, changed))?.sum).not.toBe(one?.sum);
});

it('sees two rows that swapped a value: a sum of hashes that are sums themselves would not', async () => {
  const one = await hashed('id int, a text', `1, 'x'`, `2, 'y'`);
  const other = await hashed('id int, a text', `1, 'y'`, `2, 'x'`);
  expect(other?.name).toBe(one?.name);
  expect(other?.sum).not.toBe(one?.sum);
});

it('tells a from A, whatever a collation says', async () => {
  const columns = `id int, a text COLLATE ${schema}.any_case`;
  expect((await hashed(columns, `1, 'a'`))?.sum).not.toBe((await hashed(columns, `1, 'A'`))?.sum);
});

it('takes columns of other types for another hash, but not other lengths of one', async () => {
  const name = async (columns: string): Promise<string | undefined> => (await hashed(columns))?.name;
  expect(await name('id bigint')).not.toBe(await name('id int'));
  expect(await name('id int, a varchar(3)')).not.toBe(await name('id int, a text'));
  expect(await name('id int, a varchar(3)')).toBe(await name('id int, a varchar(9)'));
  expect(await name('id int, a timestamp(3)')).toBe(await name('id int, a timestamp'));
  expect(await name('id int, a numeric(5,2)')).not.toBe(await name('id int, a numeric(9,4)'));
  expect(await name('id int, a numeric(5,2)')).not.toBe(await name('id int, a numeric'));
});

it.each(['json', 'jsonb', 'int[]', 'mood'])('is not there for %s', async (type) => {
  expect(await hashed(`id int, a ${type.replace('mood', `${schema}.mood`)}`)).toBeNull();
});
