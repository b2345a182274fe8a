/**
 * The warehouse port on MySQL and MariaDB. Composition only: what each operation guarantees stands in its own file. One
 * statement or one short transaction a call; only staged rows keep a connection, and they hold neither lock nor transaction.
 */
import type { Warehouse } from '../../activities/ports/warehouse.ts';
import type { MysqlSettings } from '../../contracts/settings.ts';
import { CSV_NULL } from './load-data.ts';
import { closeDatabase } from './pool.ts';
import { ensureLedger, ensureTable, planTable } from './warehouse-ensure.ts';
import { moveLedger, readLedger, startLedger } from './warehouse-ledger.ts';
import { doing, inShortTransaction, openWarehouseDatabase, withWarehouse } from './warehouse-session.ts';
import { judgeRows } from './warehouse-judge.ts';
import { pruneRows } from './warehouse-prune.ts';
import { stageRows } from './warehouse-stage.ts';

/** Two staged batches, a plan and a ledger reading for each of a few loaders in the process. */
const POOL_SIZE = 12;

/** @param settings of the warehouse's connection */
export function openMysqlWarehouse(settings: MysqlSettings): Warehouse {
  const database = openWarehouseDatabase(settings, POOL_SIZE);
  return {
    csvNull: CSV_NULL,
    planTable: (table, owner) => planTable(database, table, owner),
    ensureTable: (table, owner) => ensureTable(database, table, owner),
    ledger: (name, topicId) =>
      withWarehouse(database, doing('reading the ledger of', name), (connection) =>
        readLedger(connection, name, topicId),
      ),
    startLedger: async (name, topicId, starts) => {
      await ensureLedger(database, name);
      await withWarehouse(database, doing('starting the ledger of', name), (connection) =>
        startLedger(connection, name, topicId, starts),
      );
    },
    stage: (table, csvPath, signal) => stageRows(database, table, csvPath, signal),
    judge: (table, csvPath, signal) => judgeRows(database, table, csvPath, signal),
    advance: (name, topicId, steps) =>
      withWarehouse(database, doing('moving the ledger of', name), (connection) =>
        inShortTransaction(connection, () => moveLedger(connection, name, topicId, steps)),
      ),
    prune: (...request) => pruneRows(database, ...request),
    close: () => closeDatabase(database),
  };
}
