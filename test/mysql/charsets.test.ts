/**
 * Columns of character sets older than Unicode: what has characters comes out as they are, in keys too; bytes that have none are
 * refused by the column's name. MySQL itself sends `?` for each, which lost rows (a bound `?` is below every letter) and made
 * different values one.
 */
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Source, SourceTable } from '../../activities/ports/source.ts';
import { openSource } from '../../workers/databases.ts';
import { unique } from '../replay/setting.ts';
import { type Mariadb, startMariadb } from './services.ts';

let server: Mariadb;
let source: Source;
beforeAll(async () => {
  server = await startMariadb();
  source = openSource({ url: server.sales });
});
afterAll(async () => {
  await source.close();
  await server.admin.end();
});

async function make(columns: string, ...rows: string[]): Promise<SourceTable> {
  const name = { schema: 'sales', table: unique('charset') };
  await server.admin.query(`CREATE TABLE ${name.table} (${columns})`);
  for (const row of rows) await server.admin.query(`INSERT INTO ${name.table} VALUES (${row})`);
  return { name, shape: (await source.describe(name)).shape };
}

async function read(table: SourceTable, upTo: readonly string[]): Promise<string[]> {
  const parts: Buffer[] = [];
  for await (const part of await source.copy(table, { after: null, upTo, scope: {} })) parts.push(part);
  return Buffer.concat(parts).toString().split('\n').slice(0, -1);
}

test('what has characters comes out as they are, keys and NULL too', async () => {
  const columns =
    'k varchar(9) CHARACTER SET greek PRIMARY KEY, v varchar(9) CHARACTER SET gbk, l varchar(9) CHARACTER SET latin1';
  const table = await make(columns, `'αβ', '中文', 'é€'`, `'ω', NULL, ''`, `'A', '', 'ÿ'`);
  const upper = await source.upperKey(table);
  expect(upper).toEqual(['ω']);
  expect(await read(table, upper ?? [])).toEqual(['A\t\tÿ', 'αβ\t中文\té€', 'ω\t\\N\t']);
});

test.each([
  ['greek', "X'FF'", "X'D2'"],
  ['gbk', "X'AAA1'", "X'AAA2'"],
])('a value of %s that has no character is refused, and its column named', async (charset, one, other) => {
  const table = await make(
    `id int PRIMARY KEY, "odd 'name" varchar(9) CHARACTER SET ${charset}`.replaceAll('"', '`'),
    `1, 'a'`,
    `2, ${one}`,
    `3, ${other}`,
  );
  expect(await read(table, ['1'])).toEqual(['1\ta']);
  await expect(read(table, ['3'])).rejects.toMatchObject({
    code: 'TableUnsuited',
    message: expect.stringMatching(/column "odd 'name" .* holds a value with bytes that are no character/) as string,
  });
});

test('a key that has no character is refused where bounds are looked for', async () => {
  const table = await make('k varchar(9) CHARACTER SET greek PRIMARY KEY', `'a'`, `X'FF'`);
  await expect(source.upperKey(table)).rejects.toMatchObject({ code: 'TableUnsuited' });
});
