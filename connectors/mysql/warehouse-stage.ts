/**
 * Rows on their way in: LOAD DATA LOCAL from a stream into a temporary table of the session, then, in one short transaction,
 * the ledger's compare and set and the upsert. A process that dies before the commit leaves nothing behind: the server drops
 * the temporary table with the session.
 *
 * A single warning of LOAD DATA refuses the whole batch (load-data.ts), and nothing of it was seen by anybody. CREATE and DROP TEMPORARY TABLE leave the
 * open transaction alone; TRUNCATE would commit it.
 */
import type { ResultSetHeader } from 'mysql2';
import type { StagedRows, WarehouseTable } from '../../activities/ports/warehouse.ts';
import { loadData, refuseWarnings } from './load-data.ts';
import { checkOut, type Database, flavourOf, run, statementLimit } from './pool.ts';
import { quoteName, quoteTable } from './sql-text.ts';
import { moveLedger } from './warehouse-ledger.ts';
import { REPLACE_S, STATEMENT_S, doing, inShortTransaction, warehouseFault } from './warehouse-session.ts';
import { deleteOthers, upsertStatement } from './warehouse-upsert.ts';

const STAGE = 'headrace_stage';

/** @param csvPath as LakeFiles.exportForLoad writes it, NULL as the word, columns in the shape's order, one row a key */
export async function stageRows(
  database: Database,
  table: WarehouseTable,
  csvPath: string,
  signal?: AbortSignal,
): Promise<StagedRows> {
  const what = doing('loading into', table.name);
  const connection = await checkOut(database, what);
  let open = true;
  const letGo = (broken: boolean): void => {
    if (!open) return;
    open = false;
    if (broken) connection.destroy();
    else connection.release();
  };
  const stage = quoteTable({ schema: table.name.schema, table: STAGE });
  const stop = (): void => letGo(true);
  signal?.addEventListener('abort', stop, { once: true });
  try {
    signal?.throwIfAborted();
    const columns = table.shape.columns.map((column) => quoteName(column.name)).join(', ');
    await run(connection, `DROP TEMPORARY TABLE IF EXISTS ${stage}`);
    // The target's own types, so that a value is read once, as the table will hold it.
    await run(
      connection,
      `CREATE TEMPORARY TABLE ${stage} ENGINE=InnoDB SELECT ${columns} FROM ${quoteTable(table.name)} LIMIT 0`,
    );
    const copyIn = async (path: string): Promise<number> => {
      const loaded = await loadData(connection, stage, table.shape.columns, [], path);
      await refuseWarnings(connection, loaded, what);
      return loaded.affectedRows;
    };
    const orLetGo = async <T>(work: () => Promise<T>): Promise<T> => {
      try {
        return await work();
      } catch (error) {
        letGo(true);
        throw warehouseFault(error, what);
      }
    };
    let rows = await copyIn(csvPath);
    return {
      get rows() {
        return rows;
      },
      add: (path) => orLetGo(async () => void (rows += await copyIn(path))),
      apply: (topicId, steps) =>
        orLetGo(() =>
          inShortTransaction(connection, async () => {
            await moveLedger(connection, table.name, topicId, steps);
            return { written: written(await run(connection, upsertStatement(stage, table))) };
          }),
        ),
      replace: (topicId, steps) =>
        orLetGo(async () => {
          // Before the transaction: without an index each of the target's rows would read all of the stage.
          await run(connection, `ALTER TABLE ${stage} ADD PRIMARY KEY (${table.shape.key.map(quoteName).join(', ')})`);
          const flavour = await flavourOf(connection);
          await run(connection, statementLimit(flavour, REPLACE_S));
          const done = await inShortTransaction(connection, async () => {
            await moveLedger(connection, table.name, topicId, steps);
            const gone = (await run(connection, deleteOthers(stage, table))).affectedRows;
            return { gone, written: written(await run(connection, upsertStatement(stage, table))) };
          });
          await run(connection, statementLimit(flavour, STATEMENT_S));
          return done;
        }),
      release: async () => {
        if (!open) return;
        const dropped = await run(connection, `DROP TEMPORARY TABLE IF EXISTS ${stage}`).then(
          () => true,
          () => false,
        );
        letGo(!dropped);
      },
    };
  } catch (error) {
    letGo(true);
    throw warehouseFault(error, what);
  } finally {
    signal?.removeEventListener('abort', stop);
  }
}

/** A row inserted counts once, a row changed twice, and once more among the duplicates. */
function written({ affectedRows, info }: ResultSetHeader): number {
  return affectedRows - Number(/Duplicates: (\d+)/.exec(info)?.[1] ?? 0);
}
