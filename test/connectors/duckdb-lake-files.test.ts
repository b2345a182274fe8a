/** Lake files beyond single values: logical types, the last row a key, many files, printed floats, and what survives a fault. */
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DuckDBInstance } from '@duckdb/node-api';
import type pg from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { LakeFile, LakeFiles } from '../../activities/ports/lake-files.ts';
import { openLakeFiles } from '../../connectors/duckdb/lake-files.ts';
import type { Column, TableShape } from '../../contracts/columns.ts';
import { writeOrigin } from '../../contracts/messages.ts';
import { createCopyRows } from '../../formats/copy-rows.ts';
import { encoderSettings } from '../../formats/encoder-settings.ts';
import { bufferedRecord, createCutBuffer } from '../../formats/cut-buffer.ts';
import { jsonWriter } from '../../formats/json-values.ts';
import { lakeNameFaults } from '../../formats/lake-types.ts';
import { scanObject } from '../../formats/json-scan.ts';
import { postgresText } from '../../formats/postgres-text.ts';
import { createScratch } from '../../formats/scratch.ts';
import { connect, copyOut, createHostileTable, disconnect } from '../formats/hostile-table.ts';

const SCHEMA = `lake_files_${process.pid}`;
let client: pg.Client;
let shape: TableShape;
let directory: string;
let lake: LakeFiles & { close(): Promise<void> };

beforeAll(async () => {
  client = await connect(SCHEMA);
  shape = await createHostileTable(client);
  directory = await mkdtemp(join(tmpdir(), 'headrace-test-'));
  lake = await openLakeFiles({ scratch: directory });
});
afterAll(async () => {
  await lake.close();
  await rm(directory, { recursive: true });
  await disconnect(client, SCHEMA);
});

const id: Column = { name: 'id', type: { kind: 'decimal' }, nullable: false, sqlType: 'numeric' };
const v: Column = { name: 'v', type: { kind: 'text' }, nullable: true, sqlType: 'text' };

async function fileOf(
  columns: readonly Column[],
  values: string[],
  at: { partition: number; offset: number },
): Promise<LakeFile> {
  const buffer = createCutBuffer(at.partition);
  const origin = Buffer.from(writeOrigin({ schema: 's', chunk: 7, replay: 'r' }));
  values.forEach((value, i) => buffer.append(bufferedRecord(at.offset + i, Buffer.from(value), origin)));
  const input = { ...buffer.content(), columns, key: ['id'], settings: encoderSettings({ format: 'parquet' }) };
  const encoded = await lake.encode(input, directory);
  expect(encoded.bad).toEqual([]);
  return {
    path: encoded.files[0]?.path ?? '',
    partition: at.partition,
    fromOffset: at.offset,
    toOffset: at.offset + values.length,
  };
}

async function query(sql: string): Promise<unknown[]> {
  const instance = await DuckDBInstance.create(':memory:');
  const connection = await instance.connect();
  try {
    return (await connection.runAndReadAll(sql)).getRowObjectsJS();
  } finally {
    connection.closeSync();
    instance.closeSync();
  }
}

it('gives Parquet the logical types that other readers know', async () => {
  const rows = createCopyRows(shape, { partitions: 1 });
  const values: string[] = [];
  rows.push(await copyOut(client, 'SELECT * FROM hostile ORDER BY id LIMIT 5'), (_key, value) => {
    values.push(value.toString());
    return true;
  });
  const file = await fileOf(shape.columns, values, { partition: 0, offset: 0 });
  const schema = await query(
    `SELECT name, type, coalesce(logical_type, converted_type) AS logical_type FROM parquet_schema('${file.path}') WHERE num_children IS NULL AND name <> 'element'`,
  );
  const types = Object.fromEntries(
    (schema as { name: string; type: string; logical_type: string | null }[]).map((row) => [
      row.name,
      row.logical_type ?? row.type,
    ]),
  );
  expect(types).toMatchObject({
    c_int: expect.stringMatching(/32/) as string,
    c_bigint: expect.stringMatching(/64/) as string,
    c_numeric_12_2: expect.stringMatching(/Decimal.*scale=2.*precision=12/) as string,
    c_numeric_38_10: expect.stringMatching(/Decimal.*scale=10.*precision=38/) as string,
    c_numeric_50_10: expect.stringMatching(/UTF8/) as string,
    c_real: 'FLOAT',
    c_double: 'DOUBLE',
    c_text: expect.stringMatching(/UTF8/) as string,
    c_bool: 'BOOLEAN',
    c_date: expect.stringMatching(/DATE/) as string,
    c_time: expect.stringMatching(/Time.*isAdjustedToUTC=0.*MICRO/) as string,
    c_ts: expect.stringMatching(/Timestamp.*isAdjustedToUTC=0.*MICRO/) as string,
    c_tstz: expect.stringMatching(/Timestamp.*isAdjustedToUTC=1.*MICRO/) as string,
    c_uuid: expect.stringMatching(/UUID/) as string,
    c_bytea: 'BYTE_ARRAY',
    c_jsonb: expect.stringMatching(/UTF8/) as string,
    _partition: expect.stringMatching(/32/) as string,
    _offset: expect.stringMatching(/64/) as string,
  });
  const lineage = await query(`SELECT DISTINCT _replay, _chunk, _partition FROM read_parquet('${file.path}')`);
  expect(lineage).toEqual([{ _replay: 'r', _chunk: 7, _partition: 0 }]);
});

describe('the last row a key', () => {
  const row = (key: string, value: string) => `{"id":"${key}","v":"${value}"}`;
  it('is the one with the highest offset, over files, whatever they are named in order', async () => {
    const files = [
      await fileOf([id, v], [row('1', 'c'), row('NaN', 'd')], { partition: 0, offset: 10 }),
      await fileOf([id, v], [row('1.0', 'a'), row('NaN', 'b'), row('2', 'x'), row('1.00', 'b')], {
        partition: 0,
        offset: 0,
      }),
      await fileOf([id, v], [row('3', 'y'), row('3.000', 'z')], { partition: 1, offset: 0 }),
    ];
    const csv = join(directory, 'last.csv');
    expect(await lake.exportForLoad(files, [id, v], ['id'], 'parquet', csv)).toEqual({ rows: 4, read: 8 });
    expect((await readFile(csv, 'utf8')).trim().split('\n').sort()).toEqual(['1,c', '2,x', '3.000,z', 'NaN,d']);
    const sums = await lake.sumsByBucket(files, [id, v], ['id'], 'parquet', 3);
    expect([...sums.values()].reduce((rows, sum) => rows + sum.rows, 0)).toBe(4);
    expect(await lake.sumsOfBoth(files, files, [id, v], ['id'], 'parquet')).toEqual({
      chunks: await lake.sumsByChunk(files, [id, v], 'parquet'),
      last: { rows: 4, sum: [...sums.values()].reduce((sum, each) => sum + each.sum, 0n) },
    });
    // Up to offset 10 of partition 0, the older rows are the last.
    const older = files.map((file) =>
      file.partition === 0 ? { ...file, toOffset: Math.min(file.toOffset, 10) } : file,
    );
    expect(await lake.exportForLoad(older, [id, v], ['id'], 'parquet', csv)).toEqual({ rows: 4, read: 6 });
    expect((await readFile(csv, 'utf8')).trim().split('\n').sort()).toEqual(['1.00,b', '2,x', '3.000,z', 'NaN,b']);
  });

  it('is found among keys that only the overflow holds', async () => {
    const date: Column = { name: 'id', type: { kind: 'date' }, nullable: false, sqlType: 'date' };
    const values = ['infinity', '-infinity', '0044-03-15 BC', '2024-03-01', 'infinity', '2024-03-01'].map((key, i) =>
      row(key, String(i)),
    );
    const file = await fileOf([date, v], values, { partition: 0, offset: 0 });
    const csv = join(directory, 'overflow.csv');
    expect(await lake.exportForLoad([file], [date, v], ['id'], 'parquet', csv)).toEqual({ rows: 4, read: 6 });
    expect((await readFile(csv, 'utf8')).trim().split('\n').sort()).toEqual([
      '-infinity,1',
      '0044-03-15 BC,2',
      '2024-03-01,5',
      'infinity,4',
    ]);
    const found = await lake.rowsOfBuckets([file], [date, v], ['id'], 'parquet', 2, [0, 1]);
    expect(found.map((each) => each.key).sort()).toEqual([
      '{"id":"-infinity"}',
      '{"id":"0044-03-15 BC"}',
      '{"id":"2024-03-01"}',
      '{"id":"infinity"}',
    ]);
  });
});

it('the slow path reads every value back as PostgreSQL printed it', async () => {
  for (const column of shape.columns) {
    const { rows } = await client.query<{ text: string }>(
      `SELECT DISTINCT "${column.name.replaceAll('"', '""')}"::text AS text FROM hostile WHERE "${column.name.replaceAll('"', '""')}" IS NOT NULL`,
    );
    for (const { text } of column.type.kind === 'char' ? [] : rows) {
      const source = column.type.kind === 'boolean' ? text.slice(0, 1) : text;
      const out = createScratch(64);
      const bytes = Buffer.from(source);
      jsonWriter(column.type)(out, bytes, 0, bytes.length);
      const scanned = scanObject(`{"v":${out.bytes.toString('utf8', 0, out.at)}}`);
      const token = 'fields' in scanned ? scanned.fields.get('v') : undefined;
      expect([column.name, postgresText(column.type, column.sqlType, token ?? { kind: 'null' })]).toEqual([
        column.name,
        { text: source },
      ]);
    }
  }
});

it('floats of any size keep their type and their bits', async () => {
  const columns: Column[] = [
    { name: 'id', type: { kind: 'int32' }, nullable: false, sqlType: 'integer' },
    { name: 'd', type: { kind: 'float64' }, nullable: true, sqlType: 'double precision' },
    { name: 'r', type: { kind: 'float32' }, nullable: true, sqlType: 'real' },
  ];
  const copy = await copyOut(
    client,
    `SELECT n, CASE WHEN n % 2 = 0 THEN random() ELSE n END * 10::float8 ^ (n % 600 - 300),
            (CASE WHEN n % 2 = 0 THEN random() ELSE n % 100 END * 10::float8 ^ (n % 70 - 35))::real
     FROM generate_series(0, 5999) n`,
  );
  const values: string[] = [];
  createCopyRows({ columns, key: ['id'] }, { partitions: 1 }).push(copy, (_key, value) => {
    values.push(value.toString());
    return true;
  });
  const file = await fileOf(columns, values, { partition: 0, offset: 0 });
  const overflowing = await query(`SELECT count(_overflow)::INTEGER AS n FROM read_parquet('${file.path}')`);
  expect(overflowing).toEqual([{ n: 0 }]);
  const csv = join(directory, 'floats.csv');
  await lake.exportForLoad([file], columns, ['id'], 'parquet', csv);
  const loaded = (await readFile(csv, 'utf8')).replaceAll(',', '\t').trim().split('\n');
  const printed = copy.toString().trim().split('\n');
  const differ = loaded.filter((line, i) => line !== printed[i] && !equalFloats(line, printed[i] ?? ''));
  expect(differ).toEqual([]);
});

function equalFloats(a: string, b: string): boolean {
  const [, d, r] = a.split('\t').map(Number);
  const [, otherD, otherR] = b.split('\t').map(Number);
  return d === otherD && Math.fround(r ?? NaN) === Math.fround(otherR ?? NaN);
}

it('goes on after a fault that shuts DuckDB', async () => {
  const path = join(directory, 'broken.csv');
  const header = 'id,v,_replay,_chunk,_partition,_offset,_overflow\n';
  await writeFile(
    path,
    Buffer.concat([Buffer.from(`${header}1,`), Buffer.from([0xff, 0xfe]), Buffer.from(',r,0,0,0,\n')]),
  );
  const broken = { path, partition: 0, fromOffset: 0, toOffset: 1 };
  await expect(lake.exportForLoad([broken], [id, v], ['id'], 'csv', join(directory, 'x.csv'))).rejects.toThrow(
    /DuckDB/,
  );
  const file = await fileOf([id, v], ['{"id":"1","v":"after"}'], { partition: 0, offset: 0 });
  expect((await lake.exportForLoad([file], [id, v], ['id'], 'parquet', join(directory, 'x.csv'))).rows).toBe(1);
});

it('has no place for names that the lake or its readers take for others', () => {
  const named = (...names: string[]) => names.map((name) => ({ ...v, name }));
  expect(lakeNameFaults(named('id', 'Id2', 'v'))).toEqual([]);
  expect(lakeNameFaults(named('id', 'ID'))).toEqual([expect.stringMatching(/"id" and "ID" differ in case only/)]);
  expect(lakeNameFaults(named('_Offset', '_overflow'))).toHaveLength(2);
});
