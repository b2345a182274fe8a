/**
 * Which rows of a batch the warehouse's table refuses: each is tried alone, in a subtransaction of its own, and everything is
 * rolled back at the end. What was found to be good is then loaded as any other batch.
 *
 * About 20 microseconds a row, on the server; a batch is judged only after it was refused as a whole. (Rejected: keeping the
 * rows that were taken here. Their letters, in another database, must be stored first.)
 */
import { createReadStream } from 'node:fs';
import { pipeline } from 'node:stream/promises';
import type pg from 'pg';
import { from as copyFrom } from 'pg-copy-streams';
import type { RefusedRow, WarehouseTable } from '../../activities/ports/warehouse.ts';
import { quoteIdent, quoteTable } from '../../formats/sql-names.ts';
import { beginShort, doing, withClient } from './warehouse-session.ts';
import { conflictClause } from './warehouse-upsert.ts';

const JUDGED = 'pg_temp.headrace_judged';

export function judgeRows(
  pool: pg.Pool,
  table: WarehouseTable,
  csvPath: string,
  signal?: AbortSignal,
): Promise<RefusedRow[]> {
  return withClient(pool, doing('looking for the rows that are refused by', table.name), async (client) => {
    const texts = table.shape.columns.map((_, place) => `c${place} text`);
    await client.query(`DROP TABLE IF EXISTS ${JUDGED}`);
    await client.query(
      `CREATE TEMPORARY TABLE headrace_judged (${[...texts, 'row_partition int', 'row_offset bigint'].join(', ')})`,
    );
    const copy = client.query(copyFrom(`COPY ${JUDGED} FROM STDIN (FORMAT csv)`));
    await pipeline(createReadStream(csvPath), copy, { ...(signal && { signal }) });
    await beginShort(client);
    // What the table checks at COMMIT only would be refused there, after this has found nothing.
    await client.query('SET CONSTRAINTS ALL IMMEDIATE');
    await client.query(judgeFunction(table));
    const { rows } = await client.query<{ row_partition: number; row_offset: string; reason: string }>(
      'SELECT * FROM pg_temp.headrace_judge()',
    );
    await client.query('ROLLBACK');
    await client.query(`DROP TABLE ${JUDGED}`);
    return rows.map((row) => ({ partition: row.row_partition, offset: Number(row.row_offset), reason: row.reason }));
  });
}

/**
 * Values go through variables of the table's own row type: assigning text to them is what COPY does, too long a text included;
 * a cast would cut it off without a word.
 */
function judgeFunction(table: WarehouseTable): string {
  const { columns } = table.shape;
  const names = columns.map((column) => quoteIdent(column.name));
  const assigned = names.map((name, place) => `given.${name} := judged.c${place};`).join('\n        ');
  const insert =
    `INSERT INTO ${quoteTable(table.name)} AS t (${names.join(', ')}) OVERRIDING SYSTEM VALUE ` +
    `VALUES (${names.map((name) => `given.${name}`).join(', ')}) ${conflictClause(table)}`;
  return `
    CREATE FUNCTION pg_temp.headrace_judge() RETURNS TABLE (row_partition int, row_offset bigint, reason text)
    LANGUAGE plpgsql AS $headrace$
    #variable_conflict use_column
    DECLARE
      judged record;
      given ${quoteTable(table.name)}%ROWTYPE;
      said text;
    BEGIN
      FOR judged IN SELECT * FROM ${JUDGED} LOOP
        BEGIN
        ${assigned}
        ${insert};
        EXCEPTION WHEN data_exception OR integrity_constraint_violation OR with_check_option_violation OR raise_exception THEN
          GET STACKED DIAGNOSTICS said = MESSAGE_TEXT;
          RETURN QUERY SELECT judged.row_partition, judged.row_offset, said;
        END;
      END LOOP;
    END $headrace$`;
}
