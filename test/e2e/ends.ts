/**
 * Both ends and all between, read for themselves: source and warehouse by SQL, the topic by a read_committed consumer, the
 * lake by the manifest's objects through DuckDB. No counter, no report and no workflow state is asked.
 *
 * A row of newSales' table is one line of text wherever it is read, so that ends are compared as bags of lines.
 */
import { DuckDBInstance } from '@duckdb/node-api';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { expect } from 'vitest';
import { openTopicAdmin } from '../../connectors/kafka/admin.ts';
import { openReaderWith } from '../../connectors/kafka/reader.ts';
import { datasetOf, type PipelineSpec } from '../../contracts/pipeline.ts';
import { required, unique } from '../replay/setting.ts';
import type { TestPipeline } from './sales-pipeline.ts';
import type { Services } from './services.ts';
import { askWarehouse } from './warehouse-side.ts';
import { recordDetails } from '../../formats/record-batch-in.ts';

export interface TopicRecord {
  partition: number;
  offset: number;
  key: string;
  value: string;
}

/** Committed records of the whole topic. */
export async function readTopic(topic: string): Promise<TopicRecord[]> {
  const kafka = { brokers: required('HEADRACE_KAFKA_BROKERS').split(',') };
  const admin = openTopicAdmin(kafka);
  const facts = await admin.describe(topic);
  if (!facts) throw new Error(`there is no topic ${topic}`);
  const ends = await admin.highWatermarks(topic, facts.partitions);
  await admin.close();
  const from = new Map(Object.keys(ends).map((partition) => [Number(partition), 0]));
  const reader = await openReaderWith(kafka)({ topic, group: unique('ends'), from });
  const found: TopicRecord[] = [];
  try {
    while ([...reader.positions()].some(([partition, at]) => at < (ends[partition] ?? 0))) {
      for (const record of await reader.read(1_000, 500)) {
        const { partition, offset } = record;
        const { key, value } = recordDetails(record);
        found.push({ partition, offset, key: String(key), value: String(value) });
      }
    }
  } finally {
    await reader.close();
  }
  return found;
}

export interface LakeObject {
  name: string;
  rows: number;
}

/** Objects of the sealed cuts: what the lake holds, by its manifest. */
export async function sealedObjects({ control }: Services, spec: PipelineSpec): Promise<LakeObject[]> {
  const { rows } = await control.query<{ name: string; rows: string }>(
    `SELECT object->>'name' AS name, object->>'rows' AS rows
       FROM headrace.cut JOIN headrace.manifest_partition m ON m.id = partition_id, jsonb_array_elements(objects) object
      WHERE dataset = $1 AND state = 'sealed' ORDER BY name`,
    [datasetOf(spec.lake)],
  );
  return rows.map(({ name, rows: count }) => ({ name, rows: Number(count) }));
}

/** Runs DuckDB queries over the sealed objects, in which `$FILES` stands for their list. */
export async function queryObjects(
  services: Services,
  spec: PipelineSpec,
  ...queries: string[]
): Promise<Record<string, unknown>[][]> {
  const folder = mkdtempSync(join(services.folder, 'lake-'));
  const instance = await DuckDBInstance.create(':memory:', { threads: '2' });
  const connection = await instance.connect();
  try {
    const paths: string[] = [];
    for (const { name } of await sealedObjects(services, spec)) {
      const path = join(folder, encodeURIComponent(name));
      writeFileSync(path, await services.getObject(spec.lake.bucket, name));
      paths.push(`'${path}'`);
    }
    await connection.run(`SET TimeZone = 'UTC'`);
    const results: Record<string, unknown>[][] = [];
    for (const query of queries) {
      const read = await connection.runAndReadAll(query.replaceAll('$FILES', `[${paths.join(', ')}]`));
      results.push(read.getRowObjectsJS());
    }
    return results;
  } finally {
    connection.closeSync();
    instance.closeSync();
    rmSync(folder, { recursive: true });
  }
}

const READ_PARQUET = 'read_parquet($FILES, filename = true)';
/** Every value of a CSV is text; an empty field is NULL unless it is quoted. */
const READ_CSV = `read_csv($FILES, filename = true, all_varchar = true, header = true, delim = ',', quote = '"',
  escape = '"', nullstr = '', allow_quoted_nulls = false, max_line_size = 1000000)`;

/** Columns of the lake's rows. Every object is checked to hold as many as the manifest says. */
export async function queryLake(
  services: Services,
  spec: PipelineSpec,
  columns: string,
): Promise<Record<string, unknown>[]> {
  if ((await sealedObjects(services, spec)).length === 0) return []; // DuckDB reads no list of no files
  const lake = spec.lake.format === 'csv' ? READ_CSV : READ_PARQUET;
  const [counts = [], rows = []] = await queryObjects(
    services,
    spec,
    `SELECT filename, count(*)::INT AS rows FROM ${lake} GROUP BY ALL`,
    `SELECT ${columns} FROM ${lake}`,
  );
  const nameOf = (path: unknown): string => decodeURIComponent(basename(String(path)));
  const found = counts.map(({ filename, rows: count }) => [nameOf(filename), Number(count)] as const);
  const told = (await sealedObjects(services, spec)).map(({ name, rows: count }) => [name, count] as const);
  expect(new Map(found)).toEqual(new Map(told));
  return rows;
}

interface Sale {
  id: number;
  name: string;
  amount: number | string;
}

const SQL_LINE = `id || '|' || name || '|' || amount::float8`;

/** @param where of the rows wanted */
export async function sourceLines({ sales }: Services, { spec }: TestPipeline, where = 'true'): Promise<string[]> {
  return await lines(sales, `${spec.source.table.schema}.${spec.source.table.table}`, where);
}

export async function warehouseLines(services: Services, { spec }: TestPipeline): Promise<string[]> {
  return await askWarehouse(services, spec, {
    postgres: (table) => `SELECT ${SQL_LINE} FROM ${table}`,
    mysql: (table) => `SELECT CONCAT(id, '|', name, '|', CAST(amount AS double)) FROM ${table}`,
  });
}

async function lines(pool: Services['sales'], table: string, where: string): Promise<string[]> {
  const { rows } = await pool.query<{ line: string }>(`SELECT ${SQL_LINE} AS line FROM ${table} WHERE ${where}`);
  return rows.map(({ line }) => line);
}

/** How often each line is there. */
export function tally(lines: readonly string[]): Map<string, number> {
  const counts = new Map<string, number>();
  for (const line of lines) counts.set(line, (counts.get(line) ?? 0) + 1);
  return counts;
}

const TOLD = 5;

/** Compares bags of lines; tells how many differ, and a few of them. */
export function expectSameLines(what: string, found: readonly string[], wanted: readonly string[], times = 1): void {
  const [here, there] = [tally(found), tally(wanted)];
  const missing = [...there].filter(([line, count]) => (here.get(line) ?? 0) < count * times);
  const surplus = [...here].filter(([line, count]) => count > (there.get(line) ?? 0) * times);
  const told = {
    what,
    rows: found.length,
    missing: missing.length,
    surplus: surplus.length,
    few: [...missing.slice(0, TOLD), ...surplus.slice(0, TOLD)],
  };
  expect(told).toEqual({ what, rows: wanted.length * times, missing: 0, surplus: 0, few: [] });
}

/** Every row of the source once a replay in the topic and in the lake, record for record, and once in the warehouse. */
export async function expectExactlyOnce(services: Services, pipeline: TestPipeline, replays = 1): Promise<void> {
  const source = await sourceLines(services, pipeline);
  const records = await readTopic(pipeline.spec.topic.name);
  const published = records.map(({ value }) => {
    const { id, name, amount } = JSON.parse(value) as Sale;
    return `${id}|${name}|${Number(amount)}`;
  });
  expectSameLines('topic', published, source, replays);

  const landed = await queryLake(
    services,
    pipeline.spec,
    `id::VARCHAR || '|' || name || '|' AS line, amount::DOUBLE AS amount,
     _partition::VARCHAR || ':' || _offset::VARCHAR AS place`,
  );
  const landedLines = landed.map(({ line, amount }) => `${String(line)}${Number(amount)}`);
  expectSameLines('lake', landedLines, source, replays);
  const places = landed.map(({ place }) => String(place));
  expectSameLines(
    'offsets of the lake',
    places,
    records.map(({ partition, offset }) => `${partition}:${offset}`),
  );

  expectSameLines('warehouse', await warehouseLines(services, pipeline), source);
}
