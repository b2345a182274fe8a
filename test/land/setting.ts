/** What the landing hop's tests share: real ports on the test stack, a topic of their own, and ways to look at the lake. */
import { DuckDBInstance } from '@duckdb/node-api';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createLandActivities } from '../../activities/land-activities.ts';
import type { CopyLettersPorts } from '../../activities/copy-letters.ts';
import type { LandPorts, LandShare, LandShareReport } from '../../activities/land-ports.ts';
import type { Pulse } from '../../activities/pulse.ts';
import { openLakeFiles } from '../../connectors/duckdb/lake-files.ts';
import { openTopicAdmin } from '../../connectors/kafka/admin.ts';
import { openReaderWith } from '../../connectors/kafka/reader.ts';
import { openLaneWith } from '../../connectors/kafka/lane-writer.ts';
import { openLetters } from '../../connectors/postgres/letter-store.ts';
import { openManifest } from '../../connectors/postgres/manifest-store.ts';
import { openPool } from '../../connectors/postgres/pool.ts';
import { openObjectStore } from '../../connectors/s3/object-store.ts';
import type { Column } from '../../contracts/columns.ts';
import { datasetOf, type LakeLayout, type PipelineSpec, type Rotate } from '../../contracts/pipeline.ts';
import { schemaVersion } from '../../formats/schema-version.ts';
import { BUCKET, openKafka, required, unique } from './services.ts';
import { openWriter, type TopicWriter } from './topic-writer.ts';

/** The table that test records are rows of. */
export const COLUMNS: readonly Column[] = [
  { name: 'id', type: { kind: 'int64' }, nullable: false, sqlType: 'bigint' },
  { name: 'name', type: { kind: 'text' }, nullable: true, sqlType: 'text' },
];

/** Their fingerprint, as a replay would write it into headers. */
export const SCHEMA = schemaVersion({ columns: COLUMNS, key: ['id'] });

export interface Setting {
  ports: LandPorts & CopyLettersPorts;
  /** Plain SQL on the control database. */
  query: (sql: string, values: readonly unknown[]) => Promise<Record<string, unknown>[]>;
  close: () => Promise<void>;
}

export async function openSetting(): Promise<Setting> {
  const kafka = openKafka();
  const pool = openPool({ url: required('HEADRACE_CONTROL_URL') }, 'land test');
  const topicAdmin = openTopicAdmin(kafka);
  const scratch = await mkdtemp(join(tmpdir(), 'headrace-land-test-'));
  const store = openObjectStore({ endpoint: required('HEADRACE_S3_ENDPOINT'), region: 'us-east-1', pathStyle: true });
  const lakeFiles = await openLakeFiles({ scratch });
  return {
    ports: {
      letters: openLetters(pool),
      openLane: openLaneWith(kafka),
      manifest: openManifest(pool),
      openReader: openReaderWith(kafka),
      topicAdmin,
      store,
      lakeFiles,
      isWorkflowOpen: () => Promise.resolve(true),
      worker: { landMemoryBytes: 64 * 1024 * 1024, scratch, name: 'test' },
    },
    query: async (sql, values) => (await pool.query<Record<string, unknown>>(sql, [...values])).rows,
    async close() {
      await Promise.all([pool.end(), topicAdmin.close(), lakeFiles.close()]);
      store.close();
      await rm(scratch, { recursive: true, force: true });
    },
  };
}

/** A topic, a dataset for it, and its landing. */
export interface TestDataset {
  spec: PipelineSpec;
  dataset: string;
  /** The replay whose records the writer writes. */
  replay: string;
  writer: TopicWriter;
  /** Asks for all that the topic holds now and lands it; all partitions unless told otherwise. */
  land: (options?: LandOptions) => Promise<LandShareReport>;
  /** Lake rows by the manifest's objects, by partition and offset. */
  rows: () => Promise<LakeRow[]>;
  cuts: () => Promise<Record<string, unknown>[]>;
  next: () => Promise<Readonly<Record<number, number>>>;
}

export interface LandOptions {
  ports?: Partial<LandPorts>;
  /** Of one process, which it goes on in. */
  activities?: ReturnType<typeof createLandActivities>;
  pulse?: Pulse;
  share?: Partial<LandShare>;
  /** Absent: what the topic holds now. */
  ends?: Record<number, number>;
}

export interface LakeRow {
  partition: number;
  offset: number;
  id: number;
  name: string | null;
}

export const idlePulse = (): Pulse => ({
  beat: () => undefined,
  throwIfCancelled: () => undefined,
  signal: new AbortController().signal,
});

/** Plans a replay of the topic as it is now: records that name no such replay are not landed. */
export async function saveReplay(
  { ports, query }: Pick<Setting, 'ports' | 'query'>,
  spec: PipelineSpec,
  replayId: string,
): Promise<void> {
  const row = {
    ...{ replay_id: replayId, nonce: 'test', pipeline: spec.name, workflow_id: 'test', spec, scope: {} },
    ...{ columns: COLUMNS, key: ['id'], schema_version: SCHEMA, partitions: spec.topic.partitions, lane_modulus: 64 },
    ...{ null_event_rows: 0, estimated_rows: 0, source_snapshot: '1:1:', state: 'planned', planned_at: new Date() },
    topic_id: (await ports.topicAdmin.describe(spec.topic.name))?.topicId,
  };
  await query('INSERT INTO headrace.replay SELECT * FROM jsonb_populate_record(NULL::headrace.replay, $1)', [
    JSON.stringify(row),
  ]);
}

export async function openDataset(
  { ports, query }: Pick<Setting, 'ports' | 'query'>,
  options: { partitions?: number; rotate?: Partial<Rotate>; topic?: string; layout?: Partial<LakeLayout> } = {},
): Promise<TestDataset> {
  const { partitions = 2 } = options;
  const topic = options.topic ?? unique('land');
  const spec: PipelineSpec = {
    name: topic,
    source: { connection: 'sales', table: { schema: 'public', table: topic }, chunkRows: 1_000, lanes: 1 },
    topic: { name: topic, partitions },
    lake: {
      bucket: BUCKET,
      prefix: `test/${unique('land')}`,
      format: 'parquet',
      ...options.layout,
      rotate: { records: 1_000, bytes: 1 << 26, ageMs: 60_000, ...options.rotate },
    },
    warehouse: { connection: 'warehouse', table: { schema: 'public', table: topic }, mode: 'upsert' },
  };
  const dataset = datasetOf(spec.lake);
  await ports.topicAdmin.ensure(topic, partitions);
  await query('INSERT INTO headrace.schema_version (dataset, version, columns, key) VALUES ($1, $2, $3, $4)', [
    dataset,
    SCHEMA,
    JSON.stringify(COLUMNS),
    JSON.stringify(['id']),
  ]);
  const replay = unique('replay');
  await saveReplay({ ports, query }, spec, replay);
  const writer = await openWriter(topic, SCHEMA, replay);
  const all = Array.from({ length: partitions }, (_, partition) => partition);

  async function land(options: LandOptions = {}): Promise<LandShareReport> {
    const { ports: changed, pulse, share, ends } = options;
    const activities = options.activities ?? createLandActivities({ ...ports, ...changed }, () => pulse ?? idlePulse());
    const facts = await activities.describeLanding({ spec });
    const requestId = unique('request');
    await ports.manifest.saveRequest(dataset, { requestId, workflowId: 'test', topic, continuous: true });
    const wanted = ends ?? (await ports.topicAdmin.highWatermarks(topic, partitions));
    await ports.manifest.setEnds(dataset, { requestId, workflowId: 'test', topic }, facts.topicId, wanted);
    const { topicId, generation } = facts;
    return activities.landPartitions({
      ...{ spec, topicId, partitions: all, generation: generation + 1, acceptLoss: false, openSince: {} },
      ...share,
    });
  }

  return {
    spec,
    dataset,
    replay,
    writer,
    land,
    cuts: () =>
      query(
        `SELECT p.partition, c.start_offset::int AS start, c.end_offset::int AS end, c.state, c.reason, c.rows::int AS rows,
                c.dead_letters::int AS letters, c.objects
         FROM headrace.cut c JOIN headrace.manifest_partition p ON p.id = c.partition_id
         WHERE p.dataset = $1 ORDER BY 1, 2, c.attempt`,
        [dataset],
      ),
    async rows() {
      const cuts = await query(
        `SELECT c.objects FROM headrace.cut c JOIN headrace.manifest_partition p ON p.id = c.partition_id
         WHERE p.dataset = $1 AND c.state = 'sealed'`,
        [dataset],
      );
      const objects = cuts.flatMap((cut) => cut.objects as { name: string }[]);
      return readObjects(
        ports,
        objects.map(({ name }) => name),
      );
    },
    async next() {
      const facts = await ports.topicAdmin.describe(topic);
      return ports.manifest.positions(dataset, facts?.topicId ?? '');
    },
  };
}

async function readObjects({ store }: LandPorts, names: readonly string[]): Promise<LakeRow[]> {
  const directory = await mkdtemp(join(tmpdir(), 'headrace-land-look-'));
  const duckdb = await DuckDBInstance.create(':memory:');
  const connection = await duckdb.connect();
  try {
    const found: LakeRow[] = [];
    for (const [index, name] of names.entries()) {
      const path = join(directory, `${index}.parquet`);
      await store.download(BUCKET, name, path);
      const result = await connection.runAndReadAll(
        `SELECT _partition::int, _offset::int, id::int, name FROM read_parquet('${path}')`,
      );
      for (const [partition, offset, id, text] of result.getRowsJS()) {
        found.push({
          partition: Number(partition),
          offset: Number(offset),
          id: Number(id),
          name: text as string | null,
        });
      }
    }
    return found.sort((a, b) => a.partition - b.partition || a.offset - b.offset);
  } finally {
    connection.closeSync();
    duckdb.closeSync();
    await rm(directory, { recursive: true, force: true });
  }
}
