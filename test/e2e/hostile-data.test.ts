/**
 * What is in the source comes out of the warehouse equal, by way of Parquet and of CSV: every supported type with the values
 * that break pipelines, names that need quotes, and keys of every kind. The lake's files are read by DuckDB alone.
 */
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { PlanLook } from '../../contracts/inspect.ts';
import type { RunReport } from '../../contracts/temporal.ts';
import { quoteIdent } from '../../formats/sql-names.ts';
import { connect, createHostileTable, disconnect, HOSTILE_ROWS } from '../formats/hostile-table.ts';
import { required, unique } from '../replay/setting.ts';
import { documentOf, headrace, killAllWorkers, startWorkerProcess } from './commands.ts';
import { queryLake, queryObjects, readTopic } from './ends.ts';
import { type TestPipeline, writePipeline } from './sales-pipeline.ts';
import { openServices, type Services } from './services.ts';

const SCHEMA = `Odd "schema" ${process.pid} 😀`;
const TABLE = `${quoteIdent(SCHEMA)}."Odd ""Name"" of select.from"`;
/** Names of columns that need quotes, by the plain ones. */
const RENAMED = { c_int: 'select', c_text: 'a b, "c"', c_date: 'Datum 😀', a_text: 'Élan\\n', c_uuid: "it's" };
let services: Services;
let source: pg.Client;
let warehouse: pg.Client;
const landed = new Map<string, TestPipeline>();

beforeAll(async () => {
  services = await openServices();
  source = await connect(SCHEMA);
  await createHostileTable(source);
  await source.query(`ALTER TABLE hostile RENAME TO "Odd ""Name"" of select.from"`);
  for (const [plain, odd] of Object.entries(RENAMED)) {
    await source.query(`ALTER TABLE ${TABLE} RENAME COLUMN ${plain} TO ${quoteIdent(odd)}`);
  }
  warehouse = new pg.Client({ connectionString: required('HEADRACE_CONNECTION_WAREHOUSE') });
  await warehouse.connect();
  for (const client of [source, warehouse]) {
    await client.query(`SET TimeZone = 'UTC'; SET DateStyle = 'ISO, YMD'; SET extra_float_digits = 1`);
  }
  await startWorkerProcess();
});
afterAll(async () => {
  await killAllWorkers();
  await warehouse.end();
  await disconnect(source, SCHEMA);
  await services.close();
});

type Texts = Record<string, string | null>;

/** Every value as the database prints it, by the key's text. */
async function textsOf(client: pg.Client, table: string, columns: readonly string[], key: readonly string[]) {
  const values = columns.map((name) => `${quoteIdent(name)}::text AS ${quoteIdent(name)}`);
  const { rows } = await client.query<Texts>(`SELECT ${values.join(', ')} FROM ${table}`);
  const byKey = new Map(rows.map((row) => [JSON.stringify(key.map((name) => row[name])), row]));
  expect(byKey.size).toBe(rows.length);
  return byKey;
}

async function expectEqualAtBothEnds(table: string, target: string, { shape }: PlanLook): Promise<void> {
  const columns = shape.columns.map(({ name }) => name);
  const wanted = await textsOf(source, table, columns, shape.key);
  const found = await textsOf(warehouse, target, columns, shape.key);
  expect([...found.keys()].sort()).toEqual([...wanted.keys()].sort());
  for (const [key, row] of wanted) expect([key, found.get(key)]).toEqual([key, row]);
}

async function run({ file }: TestPipeline, rows: number): Promise<{ report: RunReport; plan: PlanLook }> {
  const plan = await documentOf<PlanLook>(headrace('plan', file, '--json'));
  const report = await documentOf<RunReport>(headrace('run', file, '--json'));
  expect(report).toMatchObject({
    rows: { source: rows, replayed: rows, landed: rows, loaded: rows },
    deadLetters: 0,
    ok: true,
  });
  return { report, plan };
}

describe.each(['parquet', 'csv'] as const)('every type and hostile value by way of %s', (format) => {
  const name = unique(format);
  const target = `mart."Odd ""${name}"" 😀"`;
  let plan: PlanLook;
  let pipeline: TestPipeline;

  test('arrives equal, value by value, under names that need quotes', async () => {
    pipeline = writePipeline(services.folder, name, { table: TABLE, warehouseTable: target, format, partitions: 3 });
    landed.set(format, pipeline);
    ({ plan } = await run(pipeline, HOSTILE_ROWS));
    await expectEqualAtBothEnds(TABLE, target, plan);
    const messages = await readTopic(name);
    const names = plan.shape.columns.map((column) => column.name);
    expect(messages).toHaveLength(HOSTILE_ROWS);
    for (const { value } of messages) expect(Object.keys(JSON.parse(value) as object)).toEqual(names);
  }, 60_000);

  test('is readable in the lake as it is: typed columns, and what they cannot hold beside them', async () => {
    // Kinds whose text is the same in DuckDB and in PostgreSQL.
    const comparable = plan.shape.columns
      .filter(({ type }) => /^(int|text|date|time|uuid|json|bool|decimal)/.test(type.kind) && type.kind !== 'boolean')
      .map((column) => column.name);
    const wanted = await textsOf(source, TABLE, comparable, plan.shape.key);
    const text = (column: string) => `replace(${quoteIdent(column)}::VARCHAR, '+00', '') AS ${quoteIdent(column)}`;
    const rows = await queryLake(services, pipeline.spec, `${comparable.map(text).join(', ')}, _overflow`);
    expect(rows).toHaveLength(HOSTILE_ROWS);
    let overflowed = 0;
    for (const row of rows) {
      const { _overflow, ...typed } = row as Texts;
      const beside = JSON.parse(_overflow ?? '{}') as Texts;
      const expected = wanted.get(JSON.stringify(plan.shape.key.map((column) => row[column])));
      for (const column of comparable) {
        const value = typed[column] ?? beside[column]?.replace('+00', '') ?? null;
        if (typed[column] === null && beside[column] !== undefined) overflowed += 1;
        expect([column, value]).toEqual([column, expected?.[column]?.replace('+00', '') ?? null]);
      }
    }
    expect(overflowed).toBeGreaterThan(0);
  });
});

/** A table with such a key, in the odd schema, of several chunks. */
async function keyed(columns: string, key: string, fill: string, format: 'parquet' | 'csv'): Promise<TestPipeline> {
  const name = unique('keyed');
  const table = `${quoteIdent(SCHEMA)}.${name}`;
  await source.query(`CREATE TABLE ${table} (${columns}, note text, PRIMARY KEY (${key}))`);
  await source.query(`INSERT INTO ${table} ${fill}`);
  return writePipeline(services.folder, name, { table, format, chunkRows: 100, partitions: 3 });
}

describe('keys', () => {
  const ends = (pipeline: TestPipeline) => [`${quoteIdent(SCHEMA)}.${pipeline.name}`, `mart.${pipeline.name}`] as const;

  test('of text, time and number together, the values of each hostile, over many chunks', async () => {
    const pipeline = await keyed(
      'code text, at timestamptz, n int',
      'code, at, n',
      `SELECT code, at, n, code || n FROM
         unnest(ARRAY['', ' ', 'a', 'A', 'a ', 'ä', 'ß', 'B', E'\\t', E'\\n', '\\', '\\N', '"', '''', ',', '[', '😀', 'NULL', '漢']) code,
         unnest(ARRAY['-infinity', 'infinity', '0044-03-15 BC', '1969-12-31 23:59:59.999999Z', '2024-03-31 01:30+01']::timestamptz[]) at,
         unnest(ARRAY[-2147483648, -1, 0, 10, 9, 2147483647]) n`,
      'parquet',
    );
    const { plan } = await run(pipeline, 19 * 5 * 6);
    expect(plan.shape.key).toEqual(['code', 'at', 'n']);
    await expectEqualAtBothEnds(...ends(pipeline), plan);
  }, 60_000);

  test('of uuids', async () => {
    const fill = `SELECT md5(i::text)::uuid, i FROM generate_series(1, 700) i`;
    const pipeline = await keyed('id uuid', 'id', fill, 'csv');
    const { plan } = await run(pipeline, 700);
    await expectEqualAtBothEnds(...ends(pipeline), plan);
  }, 60_000);

  test('of numerics, where 1.0 and 1.00 are one key', async () => {
    const fill = `SELECT n, n::text FROM (SELECT i / 8.0 FROM generate_series(-400, 400) i UNION ALL
      SELECT unnest(ARRAY['NaN', 'Infinity', '-Infinity', '1e40', '1e-30', '12345678901234567890.12345']::numeric[])) t(n)`;
    const pipeline = await keyed('n numeric', 'n', fill, 'parquet');
    const [table, target] = ends(pipeline);
    const { plan } = await run(pipeline, 807);
    await expectEqualAtBothEnds(table, target, plan);

    await source.query(`UPDATE ${table} SET n = 1.00, note = 'again' WHERE n = 1`);
    await source.query(`UPDATE ${table} SET n = 2.50000, note = 'again' WHERE n = 2.5`);
    await run(pipeline, 807);
    const { rows } = await warehouse.query<Texts>(
      `SELECT trim_scale(n)::text AS n, note FROM ${target} WHERE n IN (1, 2.5) ORDER BY ${target}.n`,
    );
    expect(rows).toEqual([
      { n: '1', note: 'again' },
      { n: '2.5', note: 'again' },
    ]);
    // Both forms of a key went to one partition: else the older could overtake the newer.
    const places = (await readTopic(pipeline.name))
      .map(({ value, partition }) => ({ n: Number((JSON.parse(value) as Texts).n), partition }))
      .filter(({ n }) => n === 1 || n === 2.5)
      .map(({ n, partition }) => `${n} in ${partition}`);
    expect(places).toHaveLength(4);
    expect(new Set(places).size).toBe(2);
  }, 60_000);
});

test('Parquet has the logical types: decimal, date, times with and without zone, uuid, lists', async () => {
  const pipeline = landed.get('parquet');
  if (!pipeline) throw new Error('nothing was landed as Parquet');
  const [fields = []] = await queryObjects(
    services,
    pipeline.spec,
    `SELECT DISTINCT name, type, split_part(logical_type, ', unit', 1) AS logical, converted_type AS converted,
            logical_type LIKE '%MICROS=MicroSeconds%' AS micros, num_children AS children
       FROM parquet_schema($FILES) WHERE name NOT IN ('list', 'element', 'duckdb_schema')`,
  );
  const typeOf = new Map(
    fields.map(({ name, type, logical, converted, micros, children }) => {
      const words = [type, logical ?? converted, micros === true ? 'micros' : null, children === null ? null : 'list'];
      return [
        name,
        words
          .filter((word) => word !== null)
          .map(String)
          .join(' '),
      ];
    }),
  );
  expect(Object.fromEntries(typeOf)).toMatchObject({
    id: 'INT64 INT_64',
    'key "part"': 'BYTE_ARRAY UTF8',
    c_bool: 'BOOLEAN',
    'c "smallint"': 'INT32 INT_16',
    select: 'INT32 INT_32',
    c_bigint: 'INT64 INT_64',
    c_real: 'FLOAT',
    c_double: 'DOUBLE',
    c_numeric_12_2: 'INT64 DecimalType(scale=2, precision=12)',
    c_numeric_38_10: 'FIXED_LEN_BYTE_ARRAY DecimalType(scale=10, precision=38)',
    'Datum 😀': 'INT32 DATE',
    c_time: 'INT64 TimeType(isAdjustedToUTC=0 micros',
    c_ts: 'INT64 TimestampType(isAdjustedToUTC=0 micros',
    c_tstz: 'INT64 TimestampType(isAdjustedToUTC=1 micros',
    "it's": 'FIXED_LEN_BYTE_ARRAY UUIDType()',
    c_bytea: 'BYTE_ARRAY',
    a_bigint: 'LIST list',
    _replay: 'BYTE_ARRAY UTF8',
    _chunk: 'INT32 INT_32',
    _partition: 'INT32 INT_32',
    _offset: 'INT64 INT_64',
  });
}, 60_000);
