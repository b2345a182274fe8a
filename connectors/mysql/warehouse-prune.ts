/** Deletes rows by their keys while no load can come in: its transaction waits for the ledger's rows. */
import type { WarehouseTable } from '../../activities/ports/warehouse.ts';
import type { Key } from '../../contracts/columns.ts';
import { type Database, run, texts } from './pool.ts';
import { isOneOf, keyColumns, quoteTable, quoteText } from './sql-text.ts';
import { ofTable } from './warehouse-ledger.ts';
import { doing, inShortTransaction, withWarehouse } from './warehouse-session.ts';

/** @returns rows deleted */
export function pruneRows(
  database: Database,
  table: WarehouseTable,
  topicId: string,
  keys: readonly Key[],
  stillGone: (keys: readonly Key[]) => Promise<readonly Key[]>,
): Promise<number> {
  return withWarehouse(database, doing('pruning', table.name), (connection) =>
    inShortTransaction(connection, async () => {
      const ledger = `${ofTable(table.name)} AND topic_id = ${quoteText(topicId)}`;
      await texts(connection, `SELECT 1 FROM headrace.ledger WHERE ${ledger} ORDER BY partition_id FOR UPDATE`);
      const gone = isOneOf(keyColumns(table.shape), await stillGone(keys));
      return (await run(connection, `DELETE FROM ${quoteTable(table.name)} WHERE ${gone}`)).affectedRows;
    }),
  );
}
