/**
 * Loads what is sealed and not in the ledger, until that is enough. Two of these at once are safe, by the warehouse's
 * compare and set: the slower one finds the ledger moved, reads it again and goes on.
 */
import { datasetOf } from '../contracts/pipeline.ts';
import type { LoadGoal, LoadInput } from '../contracts/temporal.ts';
import { tendLoaded } from './after-load.ts';
import { type Place, reached, readPlaces } from './load-places.ts';
import { replaceTable } from './load-replace.ts';
import { type LoadPorts, type LoadTotals, createLoader } from './load-run.ts';
import type { Pulse } from './pulse.ts';

export interface LoadRequest extends LoadInput {
  /** For the note of each batch. */
  workflowId: string;
  /** Returns to the workflow after so long, so that it can show progress; waits for more rows no longer than this. */
  returnAfterMs: number;
}

export interface LoadRound extends LoadTotals {
  /** Ledger by partition, of the topic that was asked for, else of the newest. */
  ledger: Readonly<Record<number, number>>;
  /** `until` is reached; without it: nothing sealed was left. */
  done: boolean;
}

const POLL_MS = 250;
const BEAT_MS = 3_000;

/** @throws Fault; see the ports. LedgerMoved never leaves here. */
export async function loadSealed(ports: LoadPorts, request: LoadRequest, pulse: Pulse): Promise<LoadRound> {
  const { spec } = request;
  const warehouse = ports.openWarehouse(spec.warehouse.connection);
  const dataset = datasetOf(spec.lake);
  const totals = { rows: 0, cuts: 0, batches: 0, letters: 0 };
  const startedAt = performance.now();
  const timeIsUp = (): boolean => performance.now() - startedAt > request.returnAfterMs;
  // Timed, because one transaction may outlast the heartbeat's patience; statements have timeouts of their own.
  const beating = setInterval(() => pulse.beat({ rows: totals.rows }), BEAT_MS);
  try {
    let until = await readGoal(ports, request);
    const goal = (): LoadGoal | null | undefined => until;
    const loader = createLoader({ ports, warehouse, request, pulse, totals, goal, timeIsUp });
    // Before the ledger is read: a table that was dropped and is made anew starts with an empty ledger.
    await loader.ensureNewestTable();
    const loadAll = async (places: readonly Place[], satisfied: boolean): Promise<boolean> => {
      if (spec.warehouse.mode === 'replace')
        return timeIsUp() ? false : await replaceTable(ports, warehouse, request, pulse, totals, satisfied);
      if (satisfied) return false;
      let moved = false;
      for (const place of places) moved = (await loader.loadFrom(place)) || moved;
      return moved;
    };
    for (;;) {
      const places = await readPlaces(ports.loads, warehouse, dataset, spec.warehouse.table);
      const asked = until ? placeOf(places, until.topicId) : places.at(-1);
      const satisfied = until ? reached(asked, until.ends) : false;
      const moved = await loadAll(places, satisfied);
      // Nothing moved says nothing once the time is up: no batch was begun any more.
      const done = satisfied || (until === undefined && !moved && !timeIsUp());
      if (done || (timeIsUp() && !moved)) {
        // With time of its own: after a round that was all loading, too, and when there was nothing to load.
        const began = performance.now();
        const tended = await tendLoaded(ports, spec, places, () => {
          pulse.throwIfCancelled();
          return performance.now() - began > Math.max(request.returnAfterMs, 0);
        });
        return { ...totals, ledger: Object.fromEntries(asked?.next ?? []), done: done && tended };
      }
      // Once the time is up, one more turn reads the places that are reported; it finds nothing that it may begin.
      if (!moved) await pause(POLL_MS, pulse.signal);
      pulse.throwIfCancelled();
      until ??= await readGoal(ports, request);
    }
  } finally {
    clearInterval(beating);
  }
}

/** Undefined: all that is sealed; null: an end that is not known yet. */
async function readGoal(ports: LoadPorts, { until }: LoadRequest): Promise<LoadGoal | null | undefined> {
  return until && 'replayId' in until ? await ports.loads.replayGoal(until.replayId) : until;
}

function placeOf(places: readonly Place[], topicId: string): Place | undefined {
  return places.find((place) => place.topicId === topicId);
}

/** Ends early, without an error, when the signal is aborted. */
async function pause(ms: number, signal: AbortSignal): Promise<void> {
  await new Promise<void>((resolve) => {
    const done = (): void => {
      clearTimeout(timer);
      signal.removeEventListener('abort', done);
      resolve();
    };
    const timer = setTimeout(done, ms);
    signal.addEventListener('abort', done);
  });
}
