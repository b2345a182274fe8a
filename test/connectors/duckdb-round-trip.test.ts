/** The whole way of a value, on hostile data: COPY → messages → cut → lake file → CSV → COPY, equal at the end; and one hash everywhere. */
import { createReadStream } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DuckDBInstance } from '@duckdb/node-api';
import type pg from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { LakeFile, LakeFiles } from '../../activities/ports/lake-files.ts';
import { openLakeFiles } from '../../connectors/duckdb/lake-files.ts';
import type { Column, TableShape } from '../../contracts/columns.ts';
import { extensionOf } from '../../contracts/manifest.ts';
import { writeOrigin } from '../../contracts/messages.ts';
import { postgresKeyHash, postgresKeyJson, postgresRowHash } from '../../formats/canonical-postgres.ts';
import { createCopyRows } from '../../formats/copy-rows.ts';
import { COMPRESSIONS, LAKE_FORMATS, type LakeLayout } from '../../contracts/pipeline.ts';
import { encoderSettings } from '../../formats/encoder-settings.ts';
import { bufferedRecord, createCutBuffer } from '../../formats/cut-buffer.ts';
import { quoteIdent } from '../../formats/sql-names.ts';
import {
  connect,
  copyIn,
  copyOut,
  createHostileTable,
  createTarget,
  disconnect,
  HOSTILE_ROWS,
} from '../formats/hostile-table.ts';

const SCHEMA = `round_trip_${process.pid}`;
const PARTITION = 5;
const CHUNKS = 3;
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

/** All other ways than each format's default. The hostile texts have both markers: 'NULL' and \\N. */
const OTHERS: readonly LakeLayout[] = [
  ...LAKE_FORMATS.flatMap((format) => COMPRESSIONS[format].slice(1).map((compression) => ({ format, compression }))),
  { format: 'csv', nullMarker: 'NULL' },
  { format: 'csv', nullMarker: '\\N', compression: 'gzip' },
];

/** @returns the file, and the sums of what went in */
async function encodeHostile(layout: LakeLayout): Promise<{ file: LakeFile; checksum: bigint }> {
  const copy = await copyOut(client, 'SELECT * FROM hostile ORDER BY id');
  const buffer = createCutBuffer(PARTITION);
  const rows = createCopyRows(shape, { partitions: 1 });
  let offset = 100;
  rows.push(copy, (_key, value) => {
    const chunk = (offset - 100) % CHUNKS;
    const origin = Buffer.from(writeOrigin({ schema: 's', chunk, replay: 'r' }));
    buffer.append(bufferedRecord(offset++, value, origin));
    return true;
  });
  rows.finish();
  const settings = encoderSettings(layout);
  const encoded = await lake.encode({ ...buffer.content(), ...shape, settings }, directory);
  expect(encoded.bad).toEqual([]);
  expect(encoded.rows).toBe(HOSTILE_ROWS);
  const path = encoded.files[0]?.path ?? '';
  expect(path.endsWith(`.${extensionOf(settings)}`)).toBe(true);
  const file = { path, form: settings, partition: PARTITION, fromOffset: 100, toOffset: offset };
  return { file, checksum: rows.sums().checksum };
}

async function expectEqual(files: readonly LakeFile[]): Promise<void> {
  await client.query('DROP TABLE IF EXISTS target');
  await createTarget(client, 'target', shape);
  const csv = join(directory, 'equal.csv');
  // The call's own format is of no account where each file says its own.
  const exported = await lake.exportForLoad(files, shape.columns, shape.key, 'parquet', csv);
  expect(exported).toEqual({ rows: HOSTILE_ROWS, read: HOSTILE_ROWS });
  await copyIn(client, 'target', createReadStream(csv));
  for (const { name } of shape.columns) {
    const x = quoteIdent(name);
    const { rows } = await client.query<{ source: string | null; target: string | null }>(
      `SELECT s.${x}::text AS source, t.${x}::text AS target FROM hostile s FULL JOIN target t USING (id)
       WHERE s.${x}::text COLLATE "C" IS DISTINCT FROM t.${x}::text COLLATE "C"`,
    );
    expect([name, rows]).toEqual([name, []]);
  }
  const { rows } = await client.query('SELECT count(*)::int AS n FROM target');
  expect(rows).toEqual([{ n: HOSTILE_ROWS }]);
}

it.each(OTHERS)('arrive equal by way of $format, $compression, NULL as $nullMarker', async (layout) => {
  const { file, checksum } = await encodeHostile(layout);
  await expectEqual([file]);
  const sums = await lake.sumsByChunk([file], shape.columns, 'parquet');
  expect([...sums.values()].reduce((sum, chunk) => sum + chunk.sum, 0n)).toBe(checksum);
});

describe.each(LAKE_FORMATS)('hostile rows by way of %s', (format) => {
  let file: LakeFile;
  let checksum: bigint;

  beforeAll(async () => {
    ({ file, checksum } = await encodeHostile({ format }));
  });

  it('arrive equal, every value of every row', () => expectEqual([file]));

  it('have one checksum in JavaScript, PostgreSQL and the lake', async () => {
    const byChunk = await lake.sumsByChunk([file], shape.columns, format);
    expect([...byChunk.keys()].sort()).toEqual(['r/0', 'r/1', 'r/2']);
    expect([...byChunk.values()].map((sum) => sum.rows)).toEqual([40, 40, 40]);
    expect([...byChunk.values()].reduce((sum, chunk) => sum + chunk.sum, 0n)).toBe(checksum);
    const { rows } = await client.query<{ sum: string }>(
      `SELECT sum(${postgresRowHash(shape.columns, 'h')}) FROM hostile h`,
    );
    expect(BigInt(rows[0]?.sum ?? 0)).toBe(checksum);
  });

  it('have PostgreSQL’s row hashes, key hashes and key texts, bucket by bucket', async () => {
    const buckets = 7;
    const keyColumns = shape.key.map((name) => shape.columns.find((column) => column.name === name) as Column);
    const { rows } = await client.query<{ key: string; hash: string; bucket: string }>(
      `SELECT ${postgresKeyJson(keyColumns, 'h')} AS key, ${postgresRowHash(shape.columns, 'h')} AS hash,
              ${postgresKeyHash(keyColumns, 'h')} % ${buckets} AS bucket FROM hostile h`,
    );
    const sums = await lake.sumsByBucket([file], shape.columns, shape.key, format, buckets);
    for (let bucket = 0; bucket < buckets; bucket++) {
      const expected = rows.filter((row) => Number(row.bucket) === bucket);
      expect(sums.get(bucket)?.rows ?? 0).toBe(expected.length);
      expect(sums.get(bucket)?.sum ?? 0n).toBe(expected.reduce((sum, row) => sum + BigInt(row.hash), 0n));
      const found = await lake.rowsOfBuckets([file], shape.columns, shape.key, format, buckets, [bucket]);
      const byKey = (a: { key: string }, b: { key: string }) => (a.key < b.key ? -1 : 1);
      expect(found.sort(byKey)).toEqual(expected.map(({ key, hash }) => ({ key, hash: BigInt(hash) })).sort(byKey));
    }
  });

  it('have the same sums by chunk and of the last rows when both are read at once, up to different offsets', async () => {
    const { columns, key } = shape;
    const total = async (of: LakeFile) => (await lake.sumsByBucket([of], columns, key, format, 1)).get(0);
    const chunks = await lake.sumsByChunk([file], columns, format);
    for (const toOffset of [file.toOffset, file.toOffset - 17, file.fromOffset + 1]) {
      const part = { ...file, toOffset };
      const both = await lake.sumsOfBoth([file], [part], columns, key, format);
      expect(both).toEqual({ chunks, last: await total(part) });
      expect(both.last.rows).toBe(toOffset - file.fromOffset);
    }
    expect(await lake.sumsOfBoth([file], [], columns, key, format)).toEqual({ chunks, last: { rows: 0, sum: 0n } });
    expect(await lake.sumsOfBoth([], [file], columns, key, format)).toEqual({
      chunks: new Map(),
      last: await total(file),
    });
  });

  it('leave out what is not in the offsets asked for', async () => {
    const csv = join(directory, `${format}-part.csv`);
    const part = { ...file, fromOffset: 110, toOffset: 113 };
    expect(await lake.exportForLoad([part], shape.columns, shape.key, format, csv)).toEqual({ rows: 3, read: 3 });
    const other = { ...file, partition: PARTITION + 1 };
    expect(await lake.exportForLoad([other], shape.columns, shape.key, format, csv)).toEqual({ rows: 0, read: 0 });
    expect(await lake.exportForLoad([], shape.columns, shape.key, format, csv)).toEqual({ rows: 0, read: 0 });
  });
});

/** A table of 50 columns has an overflow in nearly every row; a column alone shows what its typed values do. */
it('has PostgreSQL’s hashes for every column alone, typed and overflowing values', async () => {
  const id = shape.columns.find((column) => column.name === 'id') as Column;
  const overflowing: Record<string, number> = {};
  for (const column of shape.columns.filter((candidate) => candidate !== id)) {
    const columns = [id, column];
    const buffer = createCutBuffer(0);
    const rows = createCopyRows({ columns, key: ['id'] }, { partitions: 1 });
    let offset = 0;
    rows.push(
      await copyOut(client, `SELECT id, ${quoteIdent(column.name)} FROM hostile ORDER BY id`),
      (_key, value) => {
        buffer.append(bufferedRecord(offset++, value, null));
        return true;
      },
    );
    const settings = encoderSettings({ format: 'parquet' });
    const encoded = await lake.encode({ ...buffer.content(), columns, key: ['id'], settings }, directory);
    expect([column.name, encoded.bad]).toEqual([column.name, []]);
    const file = { path: encoded.files[0]?.path ?? '', partition: 0, fromOffset: 0, toOffset: offset };
    const found = await lake.rowsOfBuckets([file], columns, ['id'], 'parquet', 1, [0]);
    const { rows: expected } = await client.query<{ key: string; hash: string; text: string }>(
      `SELECT ${postgresKeyJson([id], 'h')} AS key, ${postgresRowHash(columns, 'h')} AS hash, h.${quoteIdent(column.name)}::text AS text
       FROM hostile h`,
    );
    const hashes = new Map(found.map(({ key, hash }) => [key, String(hash)]));
    const differ = expected.filter(({ key, hash }) => hashes.get(key) !== hash).map(({ text }) => text);
    expect([column.name, hashes.size, differ]).toEqual([column.name, HOSTILE_ROWS, []]);
    const counted = await countOverflows(file.path);
    if (counted > 0) overflowing[column.name] = counted;
  }
  // Only types with values that a typed column cannot hold; should another appear, its values have lost their type.
  expect(Object.keys(overflowing).sort()).toEqual([
    'a_date',
    'a_double',
    'a_int',
    'a_numeric_12_2',
    'a_real',
    'a_text',
    'a_time',
    'a_ts',
    'a_tstz',
    'c_date',
    'c_double',
    'c_numeric_12_2',
    'c_numeric_16_4',
    'c_numeric_38_10',
    'c_numeric_5_neg2',
    'c_real',
    'c_time',
    'c_ts',
    'c_ts3',
    'c_tstz',
  ]);
});

async function countOverflows(path: string): Promise<number> {
  const instance = await DuckDBInstance.create(':memory:');
  const connection = await instance.connect();
  const reader = await connection.runAndReadAll(`SELECT count(_overflow) FROM read_parquet('${path}')`);
  connection.closeSync();
  instance.closeSync();
  return Number(reader.getRowsJS()[0]?.[0]);
}
