/**
 * Names and filters that try to become SQL, paths or ids of others, on real services from the pipeline file to the warehouse:
 * each works literally or is refused by name, and a table that is not named is never touched.
 */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type pg from 'pg';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { replayId } from '../../cli/common-options.ts';
import { openPostgresSource } from '../../connectors/postgres/source.ts';
import { isFault } from '../../contracts/errors.ts';
import type { RunReport } from '../../contracts/temporal.ts';
import { quoteIdent } from '../../formats/sql-names.ts';
import { loadPipeline } from '../../workers/config/index.ts';
import { documentOf, headrace, killAllWorkers, startWorkerProcess } from '../e2e/commands.ts';
import { openServices, type Services } from '../e2e/services.ts';
import { required, unique } from '../replay/setting.ts';

/** Each ends a string, an identifier, a statement or a path in some language on the way. */
const HOSTILE = [
  `a"; DROP TABLE victim; --`,
  `a'; DROP TABLE victim; --`,
  `a'); DROP TABLE victim; --`,
  `a") ; COPY victim TO PROGRAM 'touch pwned'; --`,
  `$1`,
  `$$; DROP TABLE victim; $$`,
  `%I %L %s`,
  String.raw`\'; DROP TABLE victim; --`,
  String.raw`a\nb\u0022`,
  `../../../etc/passwd`,
  `a/b?c#d`,
  '${HOME} `id` $(id)',
  `{"a":1}`,
  `--`,
  `/* a */`,
  `a\tb\nc`,
];
/** PostgreSQL cuts identifiers after 63 bytes; none here is that long. */
const [SCHEMA = '', TABLE = ''] = HOSTILE;
const ROWS = 40;

let services: Services;
let folder: string;
const victims = (): pg.Pool[] => [services.sales, services.warehouse, services.control];

beforeAll(async () => {
  services = await openServices();
  ({ folder } = services);
  for (const pool of victims()) await pool.query('CREATE TABLE victim AS SELECT 1 AS untouched');
  await services.sales.query(`CREATE SCHEMA ${quoteIdent(SCHEMA)}`);
});
afterAll(async () => {
  await killAllWorkers();
  for (const pool of victims()) await pool.query('DROP TABLE victim');
  for (const pool of [services.sales, services.warehouse])
    await pool.query(`DROP SCHEMA IF EXISTS ${quoteIdent(SCHEMA)} CASCADE`);
  await services.close();
});

async function expectVictims(): Promise<void> {
  for (const pool of victims()) expect((await pool.query('SELECT * FROM victim')).rows).toEqual([{ untouched: 1 }]);
}

const hostileTable = `${quoteIdent(SCHEMA)}.${quoteIdent(TABLE)}`;

test('schema, table, columns, key, type and values of hostile names go through every hop, as they are', async () => {
  const columns = HOSTILE.map((name) => `${quoteIdent(name)} text`).join(', ');
  const enumType = `${quoteIdent(SCHEMA)}.${quoteIdent(HOSTILE[2] ?? '')}`;
  await services.sales.query(
    `CREATE TYPE ${enumType} AS ENUM (${HOSTILE.map((_, i) => `$e$${HOSTILE[i] ?? ''}$e$`).join(', ')})`,
  );
  await services.sales.query(
    `CREATE TABLE ${hostileTable} (${columns}, "kind of" ${enumType}, "when; --" timestamptz NOT NULL, PRIMARY KEY (${quoteIdent(TABLE)}))`,
  );
  for (let row = 0; row < ROWS; row += 1) {
    const values = HOSTILE.map((name, i) =>
      name === TABLE ? `${String(row).padStart(3, '0')} ${name}` : (HOSTILE[(row + i) % HOSTILE.length] ?? ''),
    );
    const places = values.map((_, i) => `$${i + 1}`).join(', ');
    await services.sales.query(
      `INSERT INTO ${hostileTable} VALUES (${places}, $${values.length + 1}, '2026-01-01T00:00:00Z'::timestamptz + interval '1 hour' * ${row})`,
      [...values, HOSTILE[row % HOSTILE.length]],
    );
  }
  const name = unique('hostile');
  const file = join(folder, `${name}.yaml`);
  const pipeline = {
    name,
    source: { connection: 'sales', table: hostileTable, key: [TABLE], eventTime: 'when; --', chunkRows: 100 },
    topic: { name, partitions: 2 },
    lake: { bucket: 'lake', prefix: `hostile/a b.=-_ ${name}` },
    warehouse: { connection: 'warehouse', table: hostileTable },
  };
  writeFileSync(file, JSON.stringify(pipeline));
  await startWorkerProcess();
  const filter = ['--from', '2026-01-01', '--where', `${quoteIdent(TABLE)} <> 'a''; DROP TABLE victim; --'`];
  const report = await documentOf<RunReport>(headrace('run', file, '--json', ...filter));
  expect(report).toMatchObject({ ok: true, rows: { source: ROWS, replayed: ROWS, landed: ROWS, loaded: ROWS } });
  const all = async (pool: pg.Pool): Promise<unknown[]> =>
    (
      await pool.query<{ row: unknown }>(
        `SELECT to_jsonb(t) AS row FROM ${hostileTable} t ORDER BY ${quoteIdent(TABLE)}`,
      )
    ).rows;
  expect(await all(services.warehouse)).toEqual(await all(services.sales));
  expect((await headrace('lake', 'orphans', file, '--json')).code).toBe(0);
  expect((await headrace('status', file, '--json')).code).toBe(0);
  await expectVictims();
}, 240_000);

describe('a filter that is more than an expression is refused, and changes nothing', () => {
  test.each([
    `true); DROP TABLE victim; --`,
    `true; DROP TABLE victim`,
    `true) UNION SELECT 1 FROM victim --`,
    `EXISTS (WITH gone AS (DELETE FROM victim RETURNING 1) SELECT FROM gone)`,
    `(SELECT set_config('transaction_read_only', 'off', false)) = 'off' AND EXISTS (SELECT FROM nowhere)`,
    `lo_import('/etc/passwd') IS NULL`,
    `pg_read_file('/etc/passwd') IS NULL`,
    `"`,
    `'`,
    `/*`,
    `true --`,
  ])('%s', async (where) => {
    const source = openPostgresSource({ url: required('HEADRACE_CONNECTION_SALES') });
    const name = unique('filtered');
    await services.sales.query(`CREATE TABLE ${name} (id int PRIMARY KEY)`);
    try {
      const of = { schema: 'public', table: name };
      const { shape } = await source.describe(of);
      const outcome: unknown = await source.checkScope({ name: of, shape }, { where }).then(
        () => null,
        (error: unknown) => error,
      );
      // A comment at the end is an expression; all the others are refused, and for good.
      if (where !== 'true --') {
        expect(isFault(outcome)).toBe(true);
        expect(outcome).toMatchObject({ retry: false });
        expect((outcome as Error).message).toContain('filter');
      }
      await expectVictims();
    } finally {
      await source.close();
      await services.sales.query(`DROP TABLE ${name}`);
    }
  });
});

describe('names that become paths, ids or topics are refused where they are read', () => {
  const fine = {
    name: 'fine',
    source: { connection: 'sales', table: 'public.t' },
    topic: { name: 'fine' },
    lake: { bucket: 'lake', prefix: 'fine' },
    warehouse: { connection: 'warehouse', table: 'mart.t' },
  };
  const changed: [place: string, change: (value: string) => unknown][] = [
    ['name', (value) => ({ ...fine, name: value })],
    ['topic.name', (value) => ({ ...fine, topic: { name: value } })],
    ['lake.bucket', (value) => ({ ...fine, lake: { ...fine.lake, bucket: value } })],
    ['lake.prefix', (value) => ({ ...fine, lake: { ...fine.lake, prefix: value } })],
    ['source.connection', (value) => ({ ...fine, source: { ...fine.source, connection: value } })],
  ];
  test.each(changed)('%s', (place, change) => {
    const accepted = [...HOSTILE, '..', 'a/../b', '/', 'a//b', 'a\0b', 'land/x', 'a%2e%2e/b'].filter((value) => {
      const file = join(folder, 'named.yaml');
      // ${ would be a reference to a variable, which is refused before the name is.
      writeFileSync(file, JSON.stringify(change(value.replaceAll('${', '$${'))));
      try {
        loadPipeline(file);
        return true;
      } catch (error) {
        expect(isFault(error, 'ConfigInvalid')).toBe(true);
        expect((error as Error).message).toContain(place);
        return false;
      }
    });
    // A prefix is a path of its own, with blanks if one likes; a topic may begin with dashes.
    const literal: Record<string, string[]> = { 'lake.prefix': ['land/x'], 'topic.name': ['--'] };
    expect(accepted).toEqual(literal[place] ?? []);
  });

  test('a replay id', () => {
    for (const value of [...HOSTILE, '..', 'a/../b', 'a/0', '']) expect(() => replayId(value)).toThrow(/Allowed/);
  });
});
