/**
 * Batch after batch of one topic id, from the ledger's place on. Guarantees that a batch that ran ahead is let go whenever
 * the one before it did not get in: it began where that one would have ended.
 *
 * While a batch is in its transaction (PostgreSQL's processor time), the next one is fetched, exported and copied to a
 * second session's staging table (DuckDB's and Node's). A batch of a million rows has nothing to overlap with; hence
 * batches of about 250,000.
 */
import { isFault } from '../contracts/errors.ts';
import { datasetOf } from '../contracts/pipeline.ts';
import type { LoadGoal, LoadInput } from '../contracts/temporal.ts';
import type { AfterLoadPorts } from './after-load.ts';
import type { LoadBatch } from './load-batch.ts';
import { type Place, after, nextBatch, reached } from './load-places.ts';
import { type Prepared, prepareBatch } from './load-prepare.ts';
import { prepareWithoutRefused, type RefusedPorts } from './load-refused.ts';
import type { LoadStore } from './ports/load-store.ts';
import type { VerifyStore } from './ports/verify.ts';
import type { OpenWarehouse, Warehouse, WarehouseTable } from './ports/warehouse.ts';
import type { Pulse } from './pulse.ts';
import { ownerOf, warehouseTable } from './warehouse-table.ts';

export interface LoadPorts extends Omit<RefusedPorts, 'warehouse'> {
  loads: LoadStore;
  /** What replays published: mode `replace` takes whole ones only. */
  verify: VerifyStore;
  openWarehouse: OpenWarehouse;
  replacements: AfterLoadPorts['replacements'];
  /** Until what gave way is removed; default: an hour. */
  graceMs?: number;
  /** Rows a batch, about; at most a million. Default 250,000. */
  batchRows?: number;
}

export interface LoadTotals {
  /** Records brought in (of a key's several records in a batch only the last is written). */
  rows: number;
  cuts: number;
  batches: number;
  /** Dead letters stored. */
  letters: number;
}

export interface LoaderSetting {
  ports: LoadPorts;
  warehouse: Warehouse;
  request: LoadInput & { workflowId: string };
  pulse: Pulse;
  /** Counted up as batches get in. */
  totals: LoadTotals;
  /** Undefined: all that is sealed; null: an end that is not known yet. */
  goal: () => LoadGoal | null | undefined;
  /** No batch is begun after this says so. */
  timeIsUp: () => boolean;
}

const BATCH_ROWS = 250_000;
/** Of objects, compressed: several times as much in CSV. */
const BATCH_BYTES = 64 * 1024 * 1024;
/** A smaller batch is not begun while another runs or landing goes on: what is sealed meanwhile joins it… */
const WORTH_ROWS = 50_000;
/** …for no longer than this. */
const GATHER_MS = 1_000;

export function createLoader({ ports, warehouse, request, pulse, totals, goal, timeIsUp }: LoaderSetting) {
  const { spec } = request;
  const dataset = datasetOf(spec.lake);
  const target = spec.warehouse.table;
  const owner = ownerOf(spec);
  const skipExpired = request.skipExpired === true;
  const limits = { rows: ports.batchRows ?? BATCH_ROWS, bytes: BATCH_BYTES, skipExpired };
  const tables = new Map<string, WarehouseTable>();
  const started = new Set<string>();
  let gatheringSince = 0;

  async function ensureNewestTable(): Promise<void> {
    const shape = await ports.loads.newestSchema(dataset);
    if (shape) await warehouse.ensureTable(warehouseTable(spec, shape), owner);
  }

  /** The target as a schema version sees it; checked once a version. Columns that the version lacks are left alone. */
  async function tableFor(version: string): Promise<WarehouseTable> {
    const known = tables.get(version);
    if (known) return known;
    const table = warehouseTable(spec, await ports.loads.schema(dataset, version));
    await warehouse.ensureTable(table, owner);
    tables.set(version, table);
    return table;
  }

  /** Whether a batch is large enough to be begun now. */
  function isWorth(place: Place, batch: LoadBatch, ahead: boolean): boolean {
    if (batch.rows >= WORTH_ROWS) return true;
    const until = goal();
    if (until === undefined) return !ahead;
    if (until !== null && place.topicId === until.topicId && reached(after(place, batch), until.ends)) return true;
    if (gatheringSince === 0) gatheringSince = performance.now();
    return performance.now() - gatheringSince > GATHER_MS;
  }

  async function prepare(place: Place, ahead: boolean): Promise<Prepared | null> {
    if (timeIsUp()) return null;
    const batch = await nextBatch(ports.loads, dataset, place, limits);
    if (batch === null || !isWorth(place, batch, ahead)) return null;
    gatheringSince = 0;
    if (batch.schemaVersion === null) return { batch, read: 0, staged: null };
    const table = await tableFor(batch.schemaVersion);
    try {
      return await prepareBatch({ ...ports, warehouse }, spec.lake.bucket, table, batch, pulse.signal);
    } catch (error) {
      return await withoutRefused(place, batch, error);
    }
  }

  /** @throws `error`, unless it is that rows were refused */
  async function withoutRefused(place: Place, batch: LoadBatch, error: unknown): Promise<Prepared> {
    if (!isFault(error, 'RowsRefused') || batch.schemaVersion === null) throw error;
    const table = await tableFor(batch.schemaVersion);
    const request = { spec, topicId: place.topicId, table, batch };
    const { prepared, letters } = await prepareWithoutRefused({ ...ports, warehouse }, request, error, pulse.signal);
    totals.letters += letters;
    return prepared;
  }

  /** @returns false when another loader was there first */
  async function apply(place: Place, { batch, read, staged }: Prepared): Promise<boolean> {
    const began = performance.now();
    try {
      // Only now, when there is something to load: a dataset that is only looked at leaves no trace in the warehouse.
      if (!started.has(place.topicId))
        await warehouse.startLedger(target, place.topicId, Object.fromEntries(place.next));
      started.add(place.topicId);
      if (staged) await staged.apply(place.topicId, batch.steps);
      else await warehouse.advance(target, place.topicId, batch.steps);
    } catch (error) {
      if (isFault(error, 'LedgerMoved')) return false;
      throw error;
    } finally {
      await staged?.release();
    }
    totals.rows += read;
    totals.cuts += batch.cuts;
    totals.batches += 1;
    const seconds = (performance.now() - began) / 1000;
    const note = { pipeline: spec.name, workflowId: request.workflowId, cuts: batch.cuts, rows: read, seconds };
    await ports.loads.noteBatch({ ...note, topicId: place.topicId, steps: batch.steps });
    return true;
  }

  async function applyGood(place: Place, prepared: Prepared): Promise<boolean> {
    try {
      return await apply(place, prepared);
    } catch (error) {
      return await apply(place, await withoutRefused(place, prepared.batch, error));
    }
  }

  /** @returns whether the ledger moved, by us or by another loader */
  async function loadFrom(from: Place): Promise<boolean> {
    let place = from;
    let ready = await prepare(place, false);
    if (ready === null) return false;
    while (ready !== null) {
      const next = after(place, ready.batch);
      // It may fail while nobody awaits it: settled, its error is kept and not thrown into the void.
      const ahead = settle(prepare(next, true));
      const applied = await settle(applyGood(place, ready));
      const prepared = await ahead;
      const goOn = applied.ok && applied.value && prepared.ok && !pulse.signal.aborted;
      if (!goOn && prepared.ok) await prepared.value?.staged?.release();
      if (!applied.ok) throw applied.error;
      if (!applied.value) return true;
      if (!prepared.ok) throw prepared.error;
      pulse.throwIfCancelled();
      place = next;
      ready = prepared.value ?? (await prepare(place, false));
    }
    return true;
  }
  return { ensureNewestTable, loadFrom };
}

type Settled<T> = { ok: true; value: T } | { ok: false; error: unknown };

function settle<T>(work: Promise<T>): Promise<Settled<T>> {
  return work.then(
    (value) => ({ ok: true, value }),
    (error: unknown) => ({ ok: false, error }),
  );
}
