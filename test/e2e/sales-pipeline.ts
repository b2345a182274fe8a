/** A table of plain rows, so many that a hop takes its time, and a pipeline file for it. Hostile values have a test of their own. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { loadPipeline } from '../../workers/config/index.ts';
import type { LoadMode, PipelineSpec } from '../../contracts/pipeline.ts';
import { unique } from '../replay/setting.ts';
import type { Services } from './services.ts';

export interface TestPipeline {
  /** Of the pipeline file. */
  file: string;
  name: string;
  spec: PipelineSpec;
}

export interface PipelineChanges {
  /** Of the source; default: sales. */
  connection?: string;
  /** Of the warehouse; default: warehouse. */
  to?: string;
  table?: string;
  key?: readonly string[];
  chunkRows?: number;
  lanes?: number;
  partitions?: number;
  format?: 'parquet' | 'csv';
  rotate?: { records?: number; age?: string };
  warehouseTable?: string;
  mode?: LoadMode;
  /** As a pipeline file says it. */
  afterLoad?: Readonly<Record<string, string>>;
  /** Further keys of `source`, and the section `replay`. */
  source?: Readonly<Record<string, unknown>>;
  replay?: Readonly<Record<string, unknown>>;
}

/** Writes a pipeline file with names of this test's own. */
export function writePipeline(folder: string, name: string, changes: PipelineChanges = {}): TestPipeline {
  const { table = `public.${name}`, chunkRows = 10_000, lanes = 4, partitions = 4, format = 'parquet', key } = changes;
  const { connection = 'sales' } = changes;
  const { records = 5_000, age = '1s' } = changes.rotate ?? {};
  const pipeline = {
    name,
    source: { connection, table, chunkRows, lanes, ...(key === undefined ? {} : { key }), ...changes.source },
    ...(changes.replay === undefined ? {} : { replay: changes.replay }),
    topic: { name, partitions },
    lake: {
      ...{ bucket: 'lake', prefix: `whole/${name}`, format, rotate: { records, age } },
      ...(changes.afterLoad === undefined ? {} : { afterLoad: changes.afterLoad }),
    },
    warehouse: {
      connection: changes.to ?? 'warehouse',
      table: changes.warehouseTable ?? `mart.${name}`,
      mode: changes.mode ?? 'upsert',
    },
  };
  const file = join(folder, `${name}.yaml`);
  writeFileSync(file, JSON.stringify(pipeline, undefined, 2)); // JSON is YAML
  return { file, name, spec: loadPipeline(file) };
}

/** Makes `public.<name>` with rows 1 to `rows`, and its pipeline. */
export async function newSales(
  { sales, folder }: Services,
  rows: number,
  changes: PipelineChanges = {},
): Promise<TestPipeline> {
  const name = unique('whole');
  await sales.query(`CREATE TABLE ${name} (id bigint PRIMARY KEY, name text NOT NULL, amount numeric(12,2))`);
  await sales.query(
    `INSERT INTO ${name} SELECT i, 'row "' || i || '" é😀', (i % 100000) / 8.0 FROM generate_series(1, ${rows}) i`,
  );
  await sales.query(`ANALYZE ${name}`);
  return writePipeline(folder, name, changes);
}
