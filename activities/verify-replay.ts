/**
 * Whether a replay arrived, answered by reading source, lake and warehouse, never counters. Changes nothing.
 *
 * First everything as one sum a side: where the three agree, as they nearly always do, that is the whole proof, and no key
 * is hashed (two PostgreSQL servers: verify-own-hash.ts). Where they do not, again by bucket, and only the buckets that differ are read
 * key by key. Memory is bounded by the number of buckets and by a group of differing ones, whatever the table's size.
 */
import type { Key } from '../contracts/columns.ts';
import { datasetOf } from '../contracts/pipeline.ts';
import { scopeText } from '../contracts/scope-words.ts';
import type { SkippedChunk, VerifyInput, VerifyReport } from '../contracts/temporal.ts';
import type { LakeFiles } from './ports/lake-files.ts';
import type { LoadStore } from './ports/load-store.ts';
import type { ObjectStore } from './ports/object-store.ts';
import type {
  DiscardedLetter,
  OpenSourceHashes,
  OpenWarehouseHashes,
  PublishedReplay,
  VerifyStore,
  WarehouseView,
} from './ports/verify.ts';
import type { Pulse } from './pulse.ts';
import { sourceTable } from './source-table.ts';
import { rowsOf } from './verify-buckets.ts';
import { judgeAppended } from './verify-append.ts';
import { compareLake } from './verify-chunks.ts';
import { type AllSums, type Scan, findBeyond, findKeys, sumAll, unequalBuckets } from './verify-differences.ts';
import { type KeyFindings, noFindings } from './verify-keys.ts';
import { takenForChanges } from './verify-living.ts';
import { sumByOwnHash } from './verify-own-hash.ts';
import { comparedShape } from './verify-shape.ts';

export interface VerifyPorts {
  verify: VerifyStore;
  loads: LoadStore;
  store: ObjectStore;
  lakeFiles: LakeFiles;
  openSourceHashes: OpenSourceHashes;
  openWarehouseHashes: OpenWarehouseHashes;
  /** Folder for temporary files. */
  scratch: string;
}

const BEAT_MS = 3_000;
const REASONS_MOST = 20;
/** What of the lake's records a table holds. */
const RECORDS = { upsert: 'last', append: 'all', replace: 'replay' } as const;

/**
 * @param extraKeys gets the keys of all extra rows
 * @throws Fault ReplayUnknown; TableUnsuited when a compared column is gone from the warehouse
 */
export async function verifyReplay(
  ports: VerifyPorts,
  input: VerifyInput,
  pulse: Pulse,
  extraKeys?: Key[],
): Promise<VerifyReport> {
  const began = performance.now();
  const beating = setInterval(() => pulse.beat({}), BEAT_MS);
  const over = new AbortController();
  let view: WarehouseView | null = null;
  try {
    const replay = await ports.verify.published(input.spec.name, input.replayId);
    const { source, warehouse, lake } = replay.spec;
    const table = sourceTable(replay, replay.shape);
    const { topicId, scope, upperKey: upper } = replay;
    const { mode } = warehouse;
    const compared = await comparedShape(ports.loads, replay);
    // A table that was replaced holds one replay's rows, which are of one version.
    const shape = mode === 'replace' ? replay.shape : compared.shape;
    const lakeShape = shape ?? replay.shape;
    view = await ports
      .openWarehouseHashes(warehouse.connection)
      .view({ name: warehouse.table, table, lakeShape, topicId, scope, upper });
    const discards = await ports.verify.discards(datasetOf(lake), replay.replayId);
    const opened = ports.openSourceHashes(source.connection);
    const scan: Scan = {
      discarded: new Set(discards.flatMap(({ key }) => (key === null ? [] : [key]))),
      store: ports.verify,
      hashes: input.living === true ? takenForChanges(opened, replay.sourceSnapshot) : opened,
      table,
      replay,
      // One scan's failure ends the others: nobody waits for them any more.
      signal: AbortSignal.any([pulse.signal, over.signal]),
      lake: {
        dataset: datasetOf(lake),
        bucket: lake.bucket,
        replay,
        ledger: view?.ledger ?? new Map(),
        shape,
        records: RECORDS[mode],
        ...(mode === 'append'
          ? { redriven: await ports.verify.redriven(datasetOf(lake), topicId, replay.replayId) }
          : {}),
        schemas: compared.schemas,
      },
      view,
      otherRows: shape === null || (mode !== 'replace' && (view?.otherRows ?? false)),
    };
    // Appended rows are held against the lake, and the lake's against the source: both by the canonical hash.
    const sums = (mode === 'append' ? null : await sumByOwnHash(ports, scan)) ?? (await sumAll(ports, scan, 1));
    // Rows of an object that is gone are not the warehouse's fault: what it holds is then judged by the source alone.
    scan.otherRows ||= sums.lake.missingObjects.length > 0 || sums.lake.anyExpired;
    const findings: KeyFindings = { ...noFindings(), ...(extraKeys ? { extraKeys } : {}) };
    if (mode === 'append') await judgeAppended(ports, scan, sums, findings);
    else {
      if (unequalBuckets(scan, sums).length > 0) await findKeys(ports, scan, sums, findings);
      await findBeyond(scan, findings);
    }
    const chunks = await compareLake(ports, replay, sums.lake.landed, sums.lake.expiredRows);
    const skips = await ports.verify.skips(replay.replayId);
    return report(replay, sums, { ...chunks, discards, skips }, findings, {
      load: await ports.verify.loadSeconds(replay.pipeline, replay.plannedAt),
      verify: (performance.now() - began) / 1000,
    });
  } finally {
    clearInterval(beating);
    over.abort();
    await view?.close();
  }
}

function report(
  replay: PublishedReplay,
  { lake, warehouse, source }: AllSums,
  chunks: Awaited<ReturnType<typeof compareLake>> & {
    discards: readonly DiscardedLetter[];
    skips: SkippedChunk[];
  },
  findings: KeyFindings,
  seconds: { load: number; verify: number },
): VerifyReport {
  const { mode } = replay.spec.warehouse;
  const scope = scopeText(replay.scope);
  const { discarded: exempt, extraKeys: _, ...counted } = findings;
  const { missing, extra, different, skipped } = counted;
  const discarded = chunks.discards.filter(({ key, ours }) => ours || (key !== null && exempt.has(key)));
  const wrong = missing + extra + different + skipped + chunks.lost + chunks.deadLetters + chunks.unequal.length;
  return {
    pipeline: replay.pipeline,
    ...(mode === 'upsert' ? {} : { mode }),
    ...(scope === null ? {} : { scope }),
    replayId: replay.replayId,
    rows: {
      source: rowsOf(source),
      replayed: rowsOf(chunks.published),
      landed: chunks.landed,
      loaded: rowsOf(mode === 'append' ? warehouse.all : warehouse.inScope),
    },
    ...counted,
    lost: chunks.lost,
    expired: chunks.expired,
    deadLetters: chunks.deadLetters,
    discarded: discarded.length,
    skips: chunks.skips,
    discardReasons: [...new Set(discarded.map(({ why }) => why))].slice(0, REASONS_MOST),
    objects: lake.objects,
    bytes: lake.bytes,
    chunksUnequal: chunks.unequal.length,
    seconds: {
      replay: (replay.publishedAt - replay.plannedAt) / 1000,
      land: Math.max(0, lake.lastSealedAt - Math.min(lake.firstOpenedAt, lake.lastSealedAt)) / 1000,
      ...seconds,
    },
    ok: wrong === 0 && lake.missingObjects.length === 0,
  };
}
