/** Deletes rows by their keys while no load can come in: its transaction waits for the ledger's rows. */
import type pg from 'pg';
import type { WarehouseTable } from '../../activities/ports/warehouse.ts';
import type { Key } from '../../contracts/columns.ts';
import { quoteTable } from '../../formats/sql-names.ts';
import { isOneOf } from './key-sql.ts';
import { beginShort, doing, withClient } from './warehouse-session.ts';

/** @returns rows deleted */
export function pruneRows(
  pool: pg.Pool,
  table: WarehouseTable,
  topicId: string,
  keys: readonly Key[],
  stillGone: (keys: readonly Key[]) => Promise<readonly Key[]>,
): Promise<number> {
  return withClient(pool, doing('pruning', table.name), async (client) => {
    await beginShort(client);
    await client.query(
      `SELECT 1 FROM headrace.ledger WHERE (table_schema, table_name, topic_id) = ($1, $2, $3) ORDER BY partition FOR UPDATE`,
      [table.name.schema, table.name.table, topicId],
    );
    const gone = await stillGone(keys);
    const deleted = await client.query(`DELETE FROM ${quoteTable(table.name)} WHERE ${isOneOf(table, gone)}`);
    await client.query('COMMIT');
    return deleted.rowCount ?? 0;
  });
}
