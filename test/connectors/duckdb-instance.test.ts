/** Connections that are used again: none that met an error, and none of a database that was shut. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { DuckDBConnection } from '@duckdb/node-api';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { openDuckDb, rows, type DuckDb } from '../../connectors/duckdb/instance.ts';

let directory: string;
let duckdb: DuckDb;
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'headrace-test-'));
  duckdb = await openDuckDb({ threads: 1, memoryLimitMb: 128, tempDirectory: directory, keepConnections: true });
});
afterAll(async () => {
  duckdb.close();
  await rm(directory, { recursive: true });
});

const used = () => duckdb.withConnection((connection) => Promise.resolve(connection));
const zone = (connection: DuckDBConnection) => rows(connection, `SELECT current_setting('TimeZone')`);

it('a connection is used again, one at a time, until it meets an error', async () => {
  const first = await used();
  expect(await used()).toBe(first);
  const [one, other] = await Promise.all([
    duckdb.withConnection(async (connection) => {
      await zone(connection);
      return connection;
    }),
    used(),
  ]);
  expect(one).not.toBe(other);
  await expect(duckdb.withConnection((connection) => rows(connection, `SELECT error('no')`))).rejects.toThrow(/no/);
  const next = await used();
  expect([one, other]).not.toContain(next);
  expect(await duckdb.withConnection(zone)).toEqual([['UTC']]);
});

it('after a fault that shuts DuckDB, a new one takes its place', async () => {
  const path = join(directory, 'broken.csv');
  await writeFile(path, Buffer.concat([Buffer.from('id,v\n1,'), Buffer.from([0xff, 0xfe]), Buffer.from(',r\n')]));
  const query = `SELECT * FROM read_csv('${path}', header = true, auto_detect = false, columns = {id: 'VARCHAR', v: 'VARCHAR'})`;
  const kept = await used();
  await expect(duckdb.withConnection((connection) => rows(connection, query))).rejects.toThrow(/DuckDB/);
  await expect(rows(kept, 'SELECT 1')).rejects.toThrow();
  expect(await duckdb.withConnection(zone)).toEqual([['UTC']]);
});
