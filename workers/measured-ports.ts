/**
 * Ports that count and log what goes through them, so that activities need not know of metrics. Counted is what is durable:
 * a transaction noted as in, a sealed cut, a batch in the ledger; an attempt that came to nothing counts nowhere.
 */
import type { LoadStore } from '../activities/ports/load-store.ts';
import type { Claim, Intent, Manifest } from '../activities/ports/manifest.ts';
import type { ObjectStore } from '../activities/ports/object-store.ts';
import type { Replays } from '../activities/ports/replays.ts';
import type { OpenLane } from '../activities/ports/topic.ts';
import type { Warehouse } from '../activities/ports/warehouse.ts';
import { scopeNow } from './activity-scope.ts';
import type { Metrics } from './metrics.ts';

/** Tells of an event with its fields; the running activity's scope is added to them. */
export type Tell = (message: string, fields: Readonly<Record<string, unknown>>) => void;

const pipeline = (): string => scopeNow()?.pipeline ?? '';

export function measuredReplays(replays: Replays, { rows, transactions }: Metrics, tell: Tell): Replays {
  return {
    ...replays,
    async done(...args) {
      await replays.done(...args);
      const [, lane, seq, progress, chunkDone] = args;
      rows.inc({ hop: 'replay', pipeline: pipeline() }, progress.rows);
      transactions.inc({ pipeline: pipeline() });
      tell('transaction is in', { lane, seq, chunk: progress.chunk, rows: progress.rows, chunkDone });
    },
  };
}

/** Bytes of keys and values, counted once their transaction is in. */
export function measuredLanes(openLane: OpenLane, { bytes }: Metrics): OpenLane {
  return async (request) => {
    const writer = await openLane(request);
    let sent = 0;
    return {
      ...writer,
      begin() {
        sent = 0;
        return writer.begin();
      },
      send(partition, key, value, chunk) {
        const taken = writer.send(partition, key, value, chunk);
        if (taken) sent += key.length + value.length;
        return taken;
      },
      async commit(...args) {
        await writer.commit(...args);
        bytes.inc({ hop: 'replay', pipeline: pipeline() }, sent);
      },
    };
  };
}

export function measuredManifest(manifest: Manifest, metrics: Metrics, tell: Tell): Manifest {
  /** Cuts that this process may seal, until it has. */
  const open = new Map<string, Intent>();
  const keyOf = ({ id }: Pick<Claim, 'id'>, { start, attempt }: { start: number; attempt: number }): string =>
    `${id}/${start}/${attempt}`;
  return {
    ...manifest,
    async claim(request) {
      const claim = await manifest.claim(request);
      if (claim?.open) open.set(keyOf(claim, claim.open), claim.open);
      return claim;
    },
    async intend(claim, intent) {
      const answer = await manifest.intend(claim, intent);
      if (answer.kind === 'opened') open.set(keyOf(claim, { start: intent.start, attempt: answer.attempt }), intent);
      return answer;
    },
    async sealEmpty(claim, intent) {
      const answer = await manifest.sealEmpty(claim, intent);
      if (answer.kind === 'opened') metrics.cutsSealed.inc({ pipeline: pipeline(), reason: intent.reason });
      return answer;
    },
    async seal(claim, cut) {
      const sealed = await manifest.seal(claim, cut);
      const intent = open.get(keyOf(claim, cut));
      open.delete(keyOf(claim, cut));
      if (!sealed || !intent) return sealed;
      const { rows, bytes, reason, start, end } = intent;
      metrics.rows.inc({ hop: 'land', pipeline: pipeline() }, rows);
      metrics.bytes.inc({ hop: 'land', pipeline: pipeline() }, bytes);
      metrics.cutsSealed.inc({ pipeline: pipeline(), reason });
      const partition = 'partition' in claim ? claim.partition : undefined;
      tell('cut sealed', { partition, cut: `${start}-${end}`, rows, bytes, reason });
      return sealed;
    },
    async void(claim, cut) {
      const voided = await manifest.void(claim, cut);
      open.delete(keyOf(claim, cut));
      return voided;
    },
    async addDeadLetters(where, letters) {
      await manifest.addDeadLetters(where, letters);
      metrics.deadLetters.inc({ hop: where.hop, pipeline: pipeline() }, letters.length);
      tell('dead letters', {
        partition: where.partition,
        hop: where.hop,
        letters: letters.length,
        reason: letters[0]?.reason,
      });
    },
  };
}

export function measuredLoads(loads: LoadStore, metrics: Metrics, tell: Tell): LoadStore {
  return {
    ...loads,
    async noteBatch(note) {
      await loads.noteBatch(note);
      metrics.rows.inc({ hop: 'load', pipeline: note.pipeline }, note.rows);
      metrics.cutsLoaded.inc({ pipeline: note.pipeline }, note.cuts);
      metrics.loadSeconds.inc({ pipeline: note.pipeline }, note.seconds);
      tell('batch loaded', { cuts: note.cuts, rows: note.rows, seconds: Number(note.seconds.toFixed(3)) });
    },
  };
}

/** Bytes that loading and verifying fetch; what landing stores is counted when it is sealed. */
export function measuredStore(store: ObjectStore, { bytes }: Metrics): ObjectStore {
  return {
    ...store,
    async download(...args) {
      const size = await store.download(...args);
      const hop = scopeNow()?.activity === 'loadSealed' ? 'load' : 'verify';
      bytes.inc({ hop, pipeline: pipeline() }, size);
      return size;
    },
  };
}

/** What was changed of a table that was there already is told, whoever changed it. */
export function toldWarehouse(warehouse: Warehouse, tell: Tell): Warehouse {
  return {
    ...warehouse,
    async ensureTable(...args) {
      const added = await warehouse.ensureTable(...args);
      for (const statement of added) tell('column added to the warehouse', { statement });
      return added;
    },
  };
}
