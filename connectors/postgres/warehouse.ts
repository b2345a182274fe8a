/**
 * The warehouse port on PostgreSQL. Composition only: what each operation guarantees stands in its own file.
 * One statement or one short transaction a call; only staged rows keep a connection, and they hold neither lock nor
 * transaction.
 */
import type { PostgresSettings } from '../../contracts/settings.ts';
import type { Warehouse } from '../../activities/ports/warehouse.ts';
import { openPool } from './pool.ts';
import { moveLedger, readLedger, startLedger } from './warehouse-ledger.ts';
import { ensureLedger, ensureTable, planTable } from './warehouse-ensure.ts';
import { judgeRows } from './warehouse-judge.ts';
import { pruneRows } from './warehouse-prune.ts';
import { stageRows } from './warehouse-stage.ts';
import { doing, withClient } from './warehouse-session.ts';

/** Two staged batches, a plan and a ledger reading for each of a few loaders in the process. */
const POOL_SIZE = 12;

/** @param settings of the warehouse's connection */
export function openPostgresWarehouse(settings: PostgresSettings): Warehouse {
  const pool = openPool(settings, 'warehouse', POOL_SIZE);
  return {
    csvNull: '',
    planTable: (table, owner) => planTable(pool, table, owner),
    ensureTable: (table, owner) => ensureTable(pool, table, owner),
    ledger: (name, topicId) => readLedger(pool, name, topicId),
    startLedger: async (name, topicId, starts) => {
      await ensureLedger(pool, name);
      await startLedger(pool, name, topicId, starts);
    },
    stage: (table, csvPath, signal) => stageRows(pool, table, csvPath, signal),
    judge: (table, csvPath, signal) => judgeRows(pool, table, csvPath, signal),
    advance: (name, topicId, steps) =>
      withClient(pool, doing('moving the ledger of', name), async (client) => {
        await client.query('BEGIN');
        await moveLedger(client, name, topicId, steps);
        await client.query('COMMIT');
      }),
    prune: (...request) => pruneRows(pool, ...request),
    close: () => pool.end(),
  };
}
