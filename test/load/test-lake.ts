/**
 * A pipeline of the real parts without Kafka: the source's rows are read by COPY, encoded as messages, kept as a log of
 * partitions with offsets (and a gap behind each transaction, where Kafka has its marker), encoded as lake objects in the
 * real store, and sealed in the real manifest. What loading and verifying read is what the product writes.
 */
import { DeleteObjectCommand, S3Client } from '@aws-sdk/client-s3';
import { randomUUID } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createFindChunks } from '../../activities/find-chunks.ts';
import type { LoadPorts } from '../../activities/load-run.ts';
import { sourceTable } from '../../activities/source-table.ts';
import type { Claim } from '../../activities/ports/manifest.ts';
import type { PlannedReplay } from '../../activities/ports/replays.ts';
import type { Pulse } from '../../activities/pulse.ts';
import type { PrunePorts } from '../../activities/verify-prune.ts';
import { openLakeFiles } from '../../connectors/duckdb/lake-files.ts';
import { openLoadStore } from '../../connectors/postgres/load-store.ts';
import { openReaderWith } from '../../connectors/kafka/reader.ts';
import { openManifest } from '../../connectors/postgres/manifest-store.ts';
import { openPool } from '../../connectors/postgres/pool.ts';
import { openReplacements } from '../../connectors/postgres/replacement-store.ts';
import { openReplays } from '../../connectors/postgres/replay-store.ts';
import { openSourceHashes } from '../../connectors/postgres/row-hashes.ts';
import { openPostgresSource } from '../../connectors/postgres/source.ts';
import { openVerifyStore } from '../../connectors/postgres/verify-store.ts';
import { openWarehouseHashes } from '../../connectors/postgres/warehouse-hashes.ts';
import { openPostgresWarehouse } from '../../connectors/postgres/warehouse.ts';
import { openObjectStore } from '../../connectors/s3/object-store.ts';
import { objectName, type EncoderSettings } from '../../contracts/manifest.ts';
import { HEADER, LANE_MODULUS, readOrigin, writeOrigin } from '../../contracts/messages.ts';
import { type PipelineSpec, datasetOf } from '../../contracts/pipeline.ts';
import { type ReplayScope, laneOf } from '../../contracts/replay.ts';
import { createCopyRows } from '../../formats/copy-rows.ts';
import { bufferedRecord, createCutBuffer } from '../../formats/cut-buffer.ts';
import { schemaVersion } from '../../formats/schema-version.ts';
import { database, openDatabase, required, unique } from './services.ts';

interface LogRecord {
  offset: number;
  key: Buffer;
  value: Buffer;
  headers: Record<string, Buffer>[];
}

export const idlePulse = (): Pulse => ({
  beat: () => undefined,
  throwIfCancelled: () => undefined,
  signal: new AbortController().signal,
});

const BUCKET = 'lake';

const s3Access = () => ({
  accessKeyId: required('AWS_ACCESS_KEY_ID'),
  secretAccessKey: required('AWS_SECRET_ACCESS_KEY'),
});
const s3Place = () => ({ endpoint: required('HEADRACE_S3_ENDPOINT'), region: required('HEADRACE_S3_REGION') });

export function openTestStore(): ReturnType<typeof openObjectStore> {
  return openObjectStore({ ...s3Place(), ...s3Access(), pathStyle: true });
}

/** @param options.table name of the source's and the warehouse's table, in a schema of the test's own in each */
export async function openTestLake(options: {
  table: string;
  key?: string[];
  eventTime?: string;
  partitions?: number;
}) {
  const schema = unique('lake');
  const partitions = options.partitions ?? 3;
  const sales = openDatabase('CONNECTION_SALES');
  const warehouseSql = openDatabase('CONNECTION_WAREHOUSE');
  const control = openPool(database('CONTROL_URL'), 'test', 4);
  const scratch = await mkdtemp(join(tmpdir(), 'headrace-test-'));
  await sales.query(`CREATE SCHEMA ${schema}`);
  const spec: PipelineSpec = {
    name: schema,
    source: {
      connection: 'sales',
      table: { schema, table: options.table },
      ...(options.key ? { key: options.key } : {}),
      ...(options.eventTime ? { eventTime: options.eventTime } : {}),
      chunkRows: 40,
      lanes: 4,
    },
    topic: { name: schema, partitions },
    lake: {
      bucket: BUCKET,
      prefix: `test/${schema}`,
      format: 'parquet',
      rotate: { records: 25, bytes: 1e9, ageMs: 1e9 },
    },
    warehouse: { connection: 'warehouse', table: { schema, table: options.table }, mode: 'upsert' },
  };
  const dataset = datasetOf(spec.lake);
  const source = openPostgresSource(database('CONNECTION_SALES'));
  const store = openTestStore();
  const s3 = new S3Client({ ...s3Place(), forcePathStyle: true, credentials: s3Access() });
  const lakeFiles = await openLakeFiles({ scratch, threads: 2 });
  const warehouse = openPostgresWarehouse(database('CONNECTION_WAREHOUSE'));
  const sourceHashes = openSourceHashes(database('CONNECTION_SALES'));
  const warehouseHashes = openWarehouseHashes(database('CONNECTION_WAREHOUSE'));
  const replays = openReplays(control);
  const manifest = openManifest(control);
  const loads = openLoadStore(control);
  const findChunks = createFindChunks({ replays, openSource: () => source });
  const state = {
    topicId: unique('topic'),
    log: Array.from({ length: partitions }, (): LogRecord[] => []),
    /** High watermark a partition. */
    ends: Array.from({ length: partitions }, () => 0),
    seq: new Map<string, number>(),
  };

  const encoder = (): EncoderSettings => {
    const { format } = spec.lake;
    return { format, version: 1, compression: format === 'csv' ? 'none' : 'zstd', rowGroupRows: 100_000 };
  };

  async function publishChunk(replay: PlannedReplay, number: number): Promise<void> {
    const chunk = await replays.chunk(replay.replayId, number);
    if (!chunk) throw new Error(`no chunk ${number}`);
    const rows = createCopyRows(replay.shape, { partitions: replay.partitions });
    const touched = new Set<number>();
    const origin = writeOrigin({ schema: replay.schemaVersion, chunk: number, replay: replay.replayId });
    const headers = [{ [HEADER]: Buffer.from(origin) }];
    const range = { after: chunk.after, upTo: chunk.upTo, scope: replay.scope };
    for await (const bytes of await source.copy(sourceTable(replay, replay.shape), range)) {
      rows.push(bytes, (key, value, partition) => {
        touched.add(partition);
        const offset = state.ends[partition] ?? 0;
        state.ends[partition] = offset + 1;
        state.log[partition]?.push({ offset, key: Buffer.from(key), value: Buffer.from(value), headers });
        return true;
      });
    }
    rows.finish();
    for (const partition of touched) state.ends[partition] = (state.ends[partition] ?? 0) + 1; // the marker
    const { rows: count, checksum } = rows.sums();
    if (count === 0) return;
    const lane = laneOf(number, replay.laneModulus);
    const seq = (state.seq.get(`${replay.replayId}/${lane}`) ?? 0) + 1;
    state.seq.set(`${replay.replayId}/${lane}`, seq);
    await replays.begin(replay.replayId, lane, seq, number, chunk.after);
    const progress = {
      plan: replay.nonce,
      chunk: number,
      lastKey: chunk.upTo,
      rows: count,
      checksum: checksum.toString(),
    };
    await replays.done(replay.replayId, lane, seq, progress, true);
  }

  /** Plans and publishes a replay. @param order as one with a speed has it: an event time, and the key. @returns its id */
  async function replay(scope: ReplayScope = {}, order: readonly string[] | null = null): Promise<string> {
    const { table: name, key, eventTime } = spec.source;
    const { shape } = await source.describe(name, key, eventTime);
    const replayId = unique('r');
    const table = sourceTable({ spec, order }, shape);
    const version = schemaVersion(shape);
    await replays.saveSchema(dataset, version, shape);
    const sourceSnapshot = await source.snapshot();
    const upperKey = await source.upperKey(table);
    const bounds = { order, afterKey: null, upperKey };
    const planned = await replays.plan({
      replayId,
      nonce: 'test',
      pipeline: spec.name,
      workflowId: 'test',
      spec,
      scope,
      shape,
      schemaVersion: version,
      topicId: state.topicId,
      partitions,
      laneModulus: LANE_MODULUS,
      ...bounds,
      estimatedRows: 0,
      nullEventRows: 0,
      sourceSnapshot,
    });
    await replays.startPublishing(replayId);
    if (upperKey !== null) {
      const { known } = await findChunks({ replayId, atLeast: 1_000 });
      for (let chunk = 0; chunk < known; chunk++) await publishChunk(planned, chunk);
    }
    await replays.finishPublishing(replayId, Object.fromEntries(state.ends.entries()));
    return replayId;
  }

  async function sealCut(claim: Claim, start: number, end: number, records: readonly LogRecord[]): Promise<void> {
    const buffer = createCutBuffer(claim.partition);
    for (const record of records)
      buffer.append(bufferedRecord(record.offset, record.value, record.headers[0]?.[HEADER] ?? null));
    const version = buffer.schemaVersion();
    const objects: { name: string; rows: number }[] = [];
    let bytes = 0;
    if (version !== null) {
      const shape = await loads.schema(dataset, version);
      const encoded = await lakeFiles.encode({ ...buffer.content(), ...shape, settings: encoder() }, scratch);
      const [file] = encoded.files;
      if (file === undefined || encoded.bad.length > 0) throw new Error(`bad records: ${JSON.stringify(encoded.bad)}`);
      const name = objectName(spec.lake.prefix, state.topicId, claim.partition, start, end, spec.lake.format);
      await store.putIfAbsent(BUCKET, name, file.path, {});
      await rm(file.path);
      objects.push({ name, rows: encoded.rows });
      bytes = encoded.bytes;
    }
    const rows = objects[0]?.rows ?? 0;
    const intent = { start, end, reason: 'records', rows, bytes, objects, inputSha256: buffer.sha256() } as const;
    const rest = { encoder: encoder(), schemaVersion: version, deadLetters: 0 };
    const answer = await manifest.intend(claim, { ...intent, ...rest });
    if (answer.kind !== 'opened') throw new Error(`the cut was not opened: ${answer.kind}`);
    await manifest.seal(claim, { start, attempt: answer.attempt, end });
  }

  /** Lands what is in the log, in cuts of `cutRecords`. @returns cuts sealed */
  async function land(cutRecords = spec.lake.rotate.records): Promise<number> {
    let cuts = 0;
    for (let partition = 0; partition < partitions; partition++) {
      const claim = await manifest.claim({
        dataset,
        topicId: state.topicId,
        topic: spec.topic.name,
        partition,
        generation: 1,
        token: randomUUID(),
        claimedBy: 'test',
        logStart: 0,
      });
      if (!claim) throw new Error('the claim was refused');
      let at = claim.next;
      const end = state.ends[partition] ?? 0;
      while (at < end) {
        const from = at;
        const version = (record: LogRecord | undefined) => readOrigin(String(record?.headers[0]?.[HEADER]))?.schema;
        const rest = (state.log[partition] ?? []).filter((record) => record.offset >= from);
        const same = rest.findIndex((record) => version(record) !== version(rest[0]));
        const records = rest.slice(0, Math.min(cutRecords, same < 0 ? rest.length : same));
        const next = rest[records.length];
        const to = next ? next.offset : end;
        await sealCut(claim, from, to, records);
        at = to;
        cuts++;
      }
    }
    return cuts;
  }

  const shared = { store, lakeFiles, scratch };
  const loadPorts: LoadPorts = {
    ...shared,
    loads,
    verify: openVerifyStore(control),
    manifest,
    openReader: openReaderWith({ brokers: required('HEADRACE_KAFKA_BROKERS').split(',') }),
    openWarehouse: () => warehouse,
    replacements: openReplacements(control),
  };
  const verifyPorts: PrunePorts = {
    ...shared,
    loads,
    verify: openVerifyStore(control),
    openSourceHashes: () => sourceHashes,
    openWarehouseHashes: () => warehouseHashes,
    openWarehouse: () => warehouse,
  };

  return {
    spec,
    dataset,
    schema,
    state,
    sales,
    warehouseSql,
    control,
    store,
    scratch,
    lakeFiles,
    source,
    loads,
    replays,
    manifest,
    loadPorts,
    verifyPorts,
    replay,
    land,
    /** Removes an object behind Headrace's back. */
    async remove(name: string): Promise<void> {
      await s3.send(new DeleteObjectCommand({ Bucket: BUCKET, Key: name }));
    },
    /** The topic is made anew: another id, offsets from 0. */
    recreateTopic(): void {
      state.topicId = unique('topic');
      state.log = Array.from({ length: partitions }, () => []);
      state.ends = Array.from({ length: partitions }, () => 0);
    },
    async close(): Promise<void> {
      await Promise.all([source.close(), warehouse.close(), sourceHashes.close(), warehouseHashes.close()]);
      await lakeFiles.close();
      store.close();
      s3.destroy();
      await sales.query(`DROP SCHEMA ${schema} CASCADE`);
      await warehouseSql.query(`DROP SCHEMA IF EXISTS ${schema} CASCADE`);
      await Promise.all([sales.end(), warehouseSql.end(), control.end()]);
      await rm(scratch, { recursive: true, force: true });
    },
  };
}

export type TestLake = Awaited<ReturnType<typeof openTestLake>>;
