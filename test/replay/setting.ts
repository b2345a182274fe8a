/** What the replay hop's tests share: real ports on the test stack, a table, a pipeline, and a reader of the topic. */
import pg from 'pg';
import { createReplayActivities, type ReplayPorts } from '../../activities/replay-activities.ts';
import { openReaderWith } from '../../connectors/kafka/reader.ts';
import { openTopicAdmin } from '../../connectors/kafka/admin.ts';
import { openLaneWith } from '../../connectors/kafka/lane-writer.ts';
import { openLetters } from '../../connectors/postgres/letter-store.ts';
import { openPool } from '../../connectors/postgres/pool.ts';
import { openReplays } from '../../connectors/postgres/replay-store.ts';
import { openPostgresSource } from '../../connectors/postgres/source.ts';
import { openPostgresWarehouse } from '../../connectors/postgres/warehouse.ts';
import { openObjectStore } from '../../connectors/s3/object-store.ts';
import type { PipelineSpec } from '../../contracts/pipeline.ts';
import { recordDetails } from '../../formats/record-batch-in.ts';
import type { PartitionEnds } from '../../contracts/replay.ts';

export function required(name: string): string {
  const value = process.env[name];
  if (value === undefined || value === '') throw new Error(`${name} is not set: run the tests with npm test`);
  return value;
}

export const NO_LIMITS = { rowsPerSecond: null, bytesPerSecond: null, paused: false };

let count = 0;
/** Unique in this run, fit for tables, topics and replay ids. */
export function unique(prefix: string): string {
  count += 1;
  return `${prefix}_${process.pid}_${Date.now().toString(36)}_${count}`;
}

export function openSetting() {
  const kafka = { brokers: required('HEADRACE_KAFKA_BROKERS').split(',') };
  const control = openPool({ url: required('HEADRACE_CONTROL_URL') }, 'test');
  const sales = new pg.Pool({ connectionString: required('HEADRACE_CONNECTION_SALES'), max: 2 });
  const source = openPostgresSource({ url: required('HEADRACE_CONNECTION_SALES') });
  const warehouse = openPostgresWarehouse({ url: required('HEADRACE_CONNECTION_WAREHOUSE') });
  const topics = openTopicAdmin(kafka);
  const store = openObjectStore({ endpoint: required('HEADRACE_S3_ENDPOINT'), region: 'us-east-1', pathStyle: true });
  const ports: ReplayPorts = {
    replays: openReplays(control),
    letters: openLetters(control),
    topics,
    store,
    openSource: () => source,
    openWarehouse: () => warehouse,
    openLane: openLaneWith(kafka),
    isWorkflowOpen: () => Promise.resolve(true),
  };
  const never = new AbortController().signal;
  const pulse = { beat: () => undefined, throwIfCancelled: () => undefined, signal: never };
  return {
    kafka,
    control,
    sales,
    topics,
    ports,
    pulse,
    activities: (changed: Partial<ReplayPorts> = {}) => createReplayActivities({ ...ports, ...changed }, () => pulse),
    /** Committed records of a topic as [key, value] texts, by partition, up to the ends. */
    async readAll(topic: string, ends: PartitionEnds): Promise<{ key: string; value: string; partition: number }[]> {
      const from = new Map(Object.keys(ends).map((partition) => [Number(partition), 0]));
      const reader = await openReaderWith(kafka)({ topic, group: unique('reader'), from });
      const found: { key: string; value: string; partition: number }[] = [];
      try {
        const behind = () => [...reader.positions()].some(([partition, at]) => at < (ends[partition] ?? 0));
        while (behind()) {
          for (const record of await reader.read(1_000, 500)) {
            const { key, value } = recordDetails(record);
            found.push({ key: String(key), value: String(value), partition: record.partition });
          }
        }
      } finally {
        await reader.close();
      }
      return found;
    },
    async close() {
      await Promise.all([source.close(), warehouse.close(), topics.close(), sales.end(), control.end()]);
      store.close();
    },
  };
}

export type Setting = ReturnType<typeof openSetting>;

/** A table `id bigint, name text` of so many rows, and a pipeline for it. */
export async function newPipeline({ sales }: Setting, rows: number, chunkRows = 100): Promise<PipelineSpec> {
  const table = unique('sales');
  await sales.query(`CREATE TABLE ${table} (id bigint PRIMARY KEY, name text)`);
  await sales.query(`INSERT INTO ${table} SELECT i, 'row ' || i FROM generate_series(1, ${rows}) i`);
  return {
    name: table,
    source: { connection: 'sales', table: { schema: 'public', table }, chunkRows, lanes: 2 },
    topic: { name: table, partitions: 3 },
    lake: {
      bucket: 'lake',
      prefix: `test/${table}`,
      format: 'parquet',
      rotate: { records: 1_000, bytes: 1 << 20, ageMs: 500 },
    },
    warehouse: { connection: 'warehouse', table: { schema: 'public', table }, mode: 'upsert' },
  };
}
