/**
 * Which rows of a batch the warehouse's table refuses: each is tried alone, in a subtransaction of its own, good ones stay in
 * for those that refer to them, and everything is rolled back at the end. What was found to be good is then loaded as any other
 * batch.
 *
 * The load's one INSERT has its foreign keys checked at its end, whatever the rows' order. So rows that only such a constraint
 * refuses are tried again: once all together, which serves also those that refer to each other in a ring, then one by one, until
 * a pass clears none. Where a ring's batch has also a row whose parent is nowhere, the ring is refused with it; a redrive brings it.
 *
 * About 20 microseconds a row and pass, on the server; a batch is judged only after it was refused as a whole. (Rejected: keeping
 * the rows that were taken here. Their letters, in another database, must be stored first.)
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
/** No pass begins later: a long chain in an unlucky order has as many passes as rows, and STATEMENT_MS ends the whole. */
const PASSES = '3 minutes';

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
    await client.query(`ALTER TABLE ${JUDGED} ADD COLUMN refused text, ADD COLUMN waits boolean DEFAULT false`);
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
 *
 * A row waits where the constraint that refuses it is one that an INSERT checks at its end: a foreign key or a deferrable one.
 * Any other may depend on the order of rows, and a row cleared by a lucky one would be refused by the load. Passes go forth and
 * back in turn, since rows often come in the order of their key, or against it.
 */
function judgeFunction(table: WarehouseTable): string {
  const target = quoteTable(table.name);
  const names = table.shape.columns.map((column) => quoteIdent(column.name));
  const insert = `INSERT INTO ${target} AS t (${names.join(', ')}) OVERRIDING SYSTEM VALUE`;
  const tryOne = `
          ${names.map((name, place) => `given.${name} := judged.c${place};`).join('\n          ')}
          ${insert} VALUES (${names.map((name) => `given.${name}`).join(', ')}) ${conflictClause(table)};`;
  const refused = 'data_exception OR integrity_constraint_violation OR with_check_option_violation OR raise_exception';
  return `
    CREATE FUNCTION pg_temp.headrace_judge() RETURNS TABLE (row_partition int, row_offset bigint, reason text)
    LANGUAGE plpgsql AS $headrace$
    #variable_conflict use_column
    DECLARE
      judged record;
      given ${target}%ROWTYPE;
      all_waiting ${target}[] := '{}';
      said text;
      its_schema text;
      its_table text;
      its_name text;
      checked_at_end boolean;
      back boolean := true;
      cleared boolean;
    BEGIN
      FOR judged IN SELECT ctid AS place, * FROM ${JUDGED} LOOP
        BEGIN ${tryOne}
        EXCEPTION WHEN ${refused} THEN
          GET STACKED DIAGNOSTICS
            said = MESSAGE_TEXT, its_schema = SCHEMA_NAME, its_table = TABLE_NAME, its_name = CONSTRAINT_NAME;
          checked_at_end := EXISTS (
            SELECT FROM pg_constraint WHERE conname = its_name AND (contype = 'f' OR condeferrable)
              AND conrelid = to_regclass(format('%I.%I', its_schema, its_table)));
          UPDATE ${JUDGED} SET refused = said, waits = checked_at_end WHERE ctid = judged.place;
          IF checked_at_end THEN all_waiting := array_append(all_waiting, given); END IF;
        END;
      END LOOP;
      BEGIN
        ${insert} SELECT ${names.join(', ')} FROM unnest(all_waiting) ${conflictClause(table)};
        UPDATE ${JUDGED} SET refused = NULL, waits = false WHERE waits;
      EXCEPTION WHEN ${refused} THEN
        LOOP
          cleared := false;
          FOR judged IN EXECUTE
            'SELECT ctid AS place, * FROM ${JUDGED} WHERE waits ORDER BY ctid' || CASE WHEN back THEN ' DESC' ELSE '' END
          LOOP
            BEGIN ${tryOne}
              UPDATE ${JUDGED} SET refused = NULL, waits = false WHERE ctid = judged.place;
              cleared := true;
            EXCEPTION WHEN ${refused} THEN
            END;
          END LOOP;
          EXIT WHEN NOT cleared OR clock_timestamp() > now() + interval '${PASSES}';
          back := NOT back;
        END LOOP;
      END;
      RETURN QUERY SELECT row_partition, row_offset, refused FROM ${JUDGED} WHERE refused IS NOT NULL;
    END $headrace$`;
}
