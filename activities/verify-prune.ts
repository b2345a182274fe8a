/**
 * `verify --prune`: rows of an upsert table that the source has no more are deleted, and no others. Which may be, verify finds;
 * whether each is gone, the source is asked again, without window and filter, while the ledger's rows are locked: no load can
 * bring a key back between the answer and the deletion. A batch is one short transaction; a crash leaves whole batches.
 */
import { fault } from '../contracts/errors.ts';
import type { Key } from '../contracts/columns.ts';
import type { VerifyInput } from '../contracts/temporal.ts';
import type { OpenWarehouse } from './ports/warehouse.ts';
import type { Pulse } from './pulse.ts';
import { sourceTable } from './source-table.ts';
import { type VerifyPorts, verifyReplay } from './verify-replay.ts';
import { warehouseTable } from './warehouse-table.ts';

export interface PrunePorts extends VerifyPorts {
  openWarehouse: OpenWarehouse;
}

/** Keys of one question and one transaction: milliseconds for which a load waits. */
const BATCH_KEYS = 1_000;

/**
 * @returns rows deleted
 * @throws Fault ConfigInvalid where the replay read a part of the table only, or the mode is not upsert
 */
export async function pruneExtra(ports: PrunePorts, input: VerifyInput, pulse: Pulse): Promise<{ pruned: number }> {
  const replay = await ports.verify.published(input.spec.name, input.replayId);
  const { source, warehouse } = replay.spec;
  const { replayId, shape, topicId, scope, upperKey, sourceSnapshot } = replay;
  if (warehouse.mode !== 'upsert')
    throw fault('ConfigInvalid', `verify --prune is for warehouse.mode upsert; this table's is ${warehouse.mode}`);
  if (Object.keys(scope).length > 0) {
    throw fault(
      'ConfigInvalid',
      `verify --prune needs a replay of the whole table; replay ${replayId} read a part of it: run the pipeline without window, ` +
        'filter and limit first',
    );
  }
  const extra: Key[] = [];
  await verifyReplay(ports, { ...input, replayId }, pulse, extra);
  const hashes = ports.openSourceHashes(source.connection);
  const table = sourceTable(replay, shape);
  const target = ports.openWarehouse(warehouse.connection);
  const stillGone = async (keys: readonly Key[]): Promise<Key[]> => {
    const found = await hashes.find(table, keys, upperKey, sourceSnapshot);
    return keys.filter((_, place) => found[place]?.exists === false);
  };
  let pruned = 0;
  for (let from = 0; from < extra.length; from += BATCH_KEYS) {
    pulse.throwIfCancelled();
    const keys = extra.slice(from, from + BATCH_KEYS);
    pruned += await target.prune(warehouseTable(replay.spec, shape), topicId, keys, stillGone);
    pulse.beat({ pruned });
  }
  return { pruned };
}
