/**
 * Rows on their way in: COPY into a temporary table of the session, then, in one short transaction, the ledger's compare
 * and set and the upsert. A process that dies before the commit leaves nothing behind: the server drops the temporary
 * table with the session. A commit whose answer is lost is safe: the next attempt finds the ledger moved, or not.
 *
 * COPY straight into the target was rejected: it cannot upsert. Multi-row VALUES reach 97k rows/s, unnest 106k, COPY with
 * staging about 200k. The staging table has no index and is not analyzed: it is read once, from end to end. Nor do
 * larger temp_buffers help (64 MB: no difference), or sorting the file beforehand (saves the server 0.2 s, costs 0.35).
 */
import { createReadStream } from 'node:fs';
import { pipeline } from 'node:stream/promises';
import type pg from 'pg';
import { from as copyFrom } from 'pg-copy-streams';
import type { StagedRows, WarehouseTable } from '../../activities/ports/warehouse.ts';
import { quoteIdent, quoteTable } from '../../formats/sql-names.ts';
import { moveLedger } from './warehouse-ledger.ts';
import { REPLACE_MS, STAGE, beginShort, checkOut, doing, warehouseFault } from './warehouse-session.ts';
import { deleteOthers, writeStaged } from './warehouse-write.ts';

const READ_BYTES = 1024 * 1024;

/** @param csvPath COPY's csv format, columns in the shape's order, one row a key */
export async function stageRows(
  pool: pg.Pool,
  table: WarehouseTable,
  csvPath: string,
  signal?: AbortSignal,
): Promise<StagedRows> {
  const what = doing('loading into', table.name);
  const columns = table.shape.columns.map((column) => quoteIdent(column.name)).join(', ');
  const client = await checkOut(pool, what);
  let open = true;
  const letGo = (broken: boolean): void => {
    if (open) client.release(broken);
    open = false;
  };
  try {
    // The target's own types, so that COPY reads each value once, as the table will hold it.
    await client.query(`DROP TABLE IF EXISTS ${STAGE}`);
    await client.query(
      `CREATE TEMPORARY TABLE headrace_stage AS SELECT ${columns} FROM ${quoteTable(table.name)} WITH NO DATA`,
    );
    const copyIn = async (path: string, copySignal?: AbortSignal): Promise<number> => {
      const copy = client.query(copyFrom(`COPY ${STAGE} (${columns}) FROM STDIN (FORMAT csv)`));
      const file = createReadStream(path, { highWaterMark: READ_BYTES });
      await pipeline(file, copy, { ...(copySignal && { signal: copySignal }) });
      return copy.rowCount;
    };
    const orLetGo = async <T>(work: () => Promise<T>): Promise<T> => {
      try {
        return await work();
      } catch (error) {
        letGo(true);
        throw warehouseFault(error, what);
      }
    };
    let rows = await copyIn(csvPath, signal);
    return {
      get rows() {
        return rows;
      },
      add: (path, copySignal) => orLetGo(async () => void (rows += await copyIn(path, copySignal))),
      apply: (topicId, steps) =>
        orLetGo(async () => {
          await beginShort(client);
          await moveLedger(client, table.name, topicId, steps);
          const written = await writeStaged(client, table, rows);
          await client.query('COMMIT');
          return { written };
        }),
      replace: (topicId, steps) =>
        orLetGo(async () => {
          // Nothing analyzes a temporary table by itself, and a guess of its size may make the plan a nested loop.
          await client.query(`ANALYZE ${STAGE}`);
          await beginShort(client, REPLACE_MS);
          await moveLedger(client, table.name, topicId, steps);
          const gone = (await client.query(deleteOthers(table))).rowCount ?? 0;
          const written = await writeStaged(client, table, rows);
          await client.query('COMMIT');
          return { written, gone };
        }),
      release: async () => {
        if (!open) return;
        // The server keeps a temporary table's file as long as the session: a pool's session may be an hour.
        const dropped = await client.query(`DROP TABLE IF EXISTS ${STAGE}`).then(
          () => true,
          () => false,
        );
        letGo(!dropped);
      },
    };
  } catch (error) {
    letGo(true);
    throw warehouseFault(error, what);
  }
}
