import type pg from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Column, TableShape } from '../../contracts/columns.ts';
import { postgresKeyHash, postgresKeyJson, postgresRowHash } from '../../formats/canonical-postgres.ts';
import { createCopyRows } from '../../formats/copy-rows.ts';
import { connect, copyOut, createHostileTable, describeTable, disconnect, HOSTILE_ROWS } from './hostile-table.ts';

const SCHEMA = `canonical_${process.pid}`;
let client: pg.Client;
let shape: TableShape;

beforeAll(async () => {
  client = await connect(SCHEMA);
  shape = await createHostileTable(client);
});
afterAll(() => disconnect(client, SCHEMA));

/** Hash and key of each row by JS, from COPY's text. */
async function byJs(of: TableShape, query: string): Promise<{ key: string; hash: bigint }[]> {
  const rows = createCopyRows(of, { partitions: 3 });
  const found: { key: string; hash: bigint }[] = [];
  let before = 0n;
  rows.push(await copyOut(client, query), (key) => {
    found.push({ key: key.toString(), hash: 0n });
    return false; // one at a time, so that the sum can be read between
  });
  for (let more = false; !more;) {
    let offered = 0;
    more = rows.resume((key) => {
      if (offered++ > 0) {
        found.push({ key: key.toString(), hash: 0n });
        return false;
      }
      return true;
    });
    const last = found[rows.sums().rows - 1];
    const total = rows.sums().checksum;
    if (last) last.hash = total - before;
    before = total;
  }
  rows.finish();
  return found;
}

/** Settings that would change what the server prints, were it asked to. */
const ODD_SETTINGS = `SET DateStyle = 'SQL, DMY'; SET TimeZone = 'Asia/Kathmandu'; SET extra_float_digits = 0;
  SET bytea_output = 'escape'; SET standard_conforming_strings = off; SET IntervalStyle = 'postgres_verbose'`;

describe('hashes in JS and in PostgreSQL', () => {
  it('are equal, column by column, whatever the session’s settings', async () => {
    for (const column of shape.columns) {
      const of: TableShape = {
        columns: [{ name: 'id', type: { kind: 'int64' }, nullable: false, sqlType: 'bigint' }, column],
        key: ['id'],
      };
      if (column.name === 'id') continue;
      const name = `"${column.name.replaceAll('"', '""')}"`;
      const expected = await byJs(of, `SELECT id, ${name} FROM hostile ORDER BY id`);
      await client.query(ODD_SETTINGS);
      const { rows } = await client.query<{ hash: string; text: string | null }>(
        `SELECT ${postgresRowHash(of.columns, 'h')} AS hash, h.${name}::text AS text FROM hostile h ORDER BY id`,
      );
      const differ = rows.filter((row, i) => BigInt(row.hash) !== expected[i]?.hash).map((row) => row.text);
      expect([column.name, differ]).toEqual([column.name, []]);
    }
  });

  it('are equal for whole rows, and key hashes for keys', async () => {
    const expected = await byJs(shape, 'SELECT * FROM hostile ORDER BY id');
    expect(expected).toHaveLength(HOSTILE_ROWS);
    const { rows } = await client.query<{ hash: string; key: string; key_hash: string }>(
      `SELECT ${postgresRowHash(shape.columns, 'h')} AS hash, ${postgresKeyJson(keyColumns(shape), 'h')} AS key,
              ${postgresKeyHash(keyColumns(shape), 'h')} AS key_hash FROM hostile h ORDER BY id`,
    );
    expect(rows.map((row) => ({ key: row.key, hash: BigInt(row.hash) }))).toEqual(expected);
    expect(new Set(rows.map((row) => row.key_hash)).size).toBe(HOSTILE_ROWS);
  });

  it('are equal for times about the edges of the range that SQL counts in doubles', async () => {
    const edges = ['2001-09-09 01:46:40+00', '2020-02-29 23:59:59.5+00', '2039-01-01 00:00:00+00'];
    const about = edges.flatMap((edge) => [
      `SELECT timestamptz '${edge}' + n * interval '1 microsecond' AS t FROM generate_series(-2000, 2000) n`,
      `SELECT timestamptz '${edge}' + n * interval '123456.789012 seconds' FROM generate_series(-2000, 2000) n`,
    ]);
    await client.query('DROP TABLE IF EXISTS times; CREATE TABLE times (n serial, t timestamptz, u timestamp)');
    await client.query(`INSERT INTO times (t, u) SELECT t, t AT TIME ZONE 'UTC' FROM (${about.join(' UNION ALL ')}) a`);
    const of = { ...(await describeTable(client, 'times', ['n'])), key: ['n'] };
    const expected = (await byJs(of, 'SELECT * FROM times ORDER BY n')).map((row) => row.hash);
    const { rows } = await client.query<{ hash: string }>(
      `SELECT ${postgresRowHash(of.columns, 'x')} AS hash FROM times x ORDER BY n`,
    );
    expect(rows).toHaveLength(3 * 2 * 4001);
    expect(rows.map((row) => BigInt(row.hash))).toEqual(expected);
  });
});

describe('keys', () => {
  it.each([
    ['numeric', [`1.0`, `1.00`, `100`, `-0.50`, `'NaN'`, `1e40`, `0.00`, `'Infinity'`]],
    ['numeric(12,2)', [`1`, `-0.5`, `'NaN'`]],
    ['bigint', ['9223372036854775807', `'-9223372036854775808'`, '999999999999999', '1000000000000000', '0']],
    ['char(4)', [`'a'`, `'b   '`, `''`]],
    ['text', [`'\t"\\'`, `E'\\x01\\x0b\\x1f'`, `''`, `'é😀'`]],
    ['double precision', [`'-0'`, `1.5`, `'NaN'`, `'-Infinity'`, `1e20`, `1e15`]],
    [
      'timestamptz',
      [
        `'2024-03-01 10:00:00.5+00'`,
        `'0044-03-15 10:00:00+00 BC'`,
        `'infinity'`,
        `'-infinity'`,
        `'12345-01-01 00:00:00+00'`,
      ],
    ],
    ['timestamp', [`'2024-03-01 10:00:00.5'`, `'0044-03-15 10:00:00 BC'`, `'-infinity'`]],
    ['date', [`'2024-03-01'`, `'0044-03-15 BC'`, `'infinity'`]],
    ['time', [`'10:00:00.5'`, `'24:00:00'`]],
    ['uuid', [`'A0EEBC99-9C0B-4EF8-BB6D-6BB9BD380A11'`]],
    ['boolean', [`true`, `false`]],
    ['bytea', [`'\\x00ff'`, `''`]],
  ])('of %s are the same bytes in the message and in SQL', async (type, values) => {
    await client.query(`DROP TABLE IF EXISTS keyed; CREATE TABLE keyed (n serial, k ${type} NOT NULL)`);
    await client.query(`SET standard_conforming_strings = on`);
    await client.query(`INSERT INTO keyed (k) VALUES ${values.map((value) => `(${value}::${type})`).join(', ')}`);
    const of = { ...(await describeTable(client, 'keyed', ['k'])), key: ['k'] };
    const expected = (await byJs(of, 'SELECT * FROM keyed ORDER BY n')).map((row) => row.key);
    await client.query(`SET DateStyle = 'SQL, DMY'; SET TimeZone = 'Asia/Kathmandu'; SET bytea_output = 'escape'`);
    const { rows } = await client.query<{ key: string }>(
      `SELECT ${postgresKeyJson(keyColumns(of), 't')} AS key FROM keyed t ORDER BY n`,
    );
    expect(rows.map((row) => row.key)).toEqual(expected);
  });
});

function keyColumns(of: TableShape): Column[] {
  return of.key.map((name) => of.columns.find((column) => column.name === name) as Column);
}
