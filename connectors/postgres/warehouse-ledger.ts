/**
 * The ledger: for each (table, topic id, partition) the offset up to which the table holds the lake, in the warehouse
 * itself, so that it changes, and is restored from a backup, together with the rows. It moves by compare and set only.
 */
import type pg from 'pg';
import { countText } from '../../contracts/count-words.ts';
import type { TableName } from '../../contracts/columns.ts';
import { fault } from '../../contracts/errors.ts';
import type { PartitionEnds } from '../../contracts/replay.ts';
import type { LedgerStep } from '../../activities/ports/warehouse.ts';
import { quoteTable } from '../../formats/sql-names.ts';
import { sqlState } from './errors.ts';
import { doing, warehouseFault } from './warehouse-session.ts';

/**
 * Statements that make what is missing. `held_rows`: the table had rows when it was first owned, so a row that no lake
 * record explains may be the user's own (verify asks).
 */
export const LEDGER_DDL = [
  'CREATE SCHEMA headrace',
  `CREATE TABLE headrace.ledger (
  table_schema text NOT NULL,
  table_name   text NOT NULL,
  topic_id     text NOT NULL,
  partition    int NOT NULL,
  next_offset  bigint NOT NULL,
  PRIMARY KEY (table_schema, table_name, topic_id, partition)
)`,
  `CREATE TABLE headrace.owner (
  table_schema text NOT NULL,
  table_name   text NOT NULL,
  pipeline     text NOT NULL,
  topic        text NOT NULL,
  held_rows    boolean NOT NULL,
  owned_at     timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (table_schema, table_name)
)`,
] as const;

/** @returns next offset a partition; empty where the ledger does not exist yet */
export async function readLedger(
  client: pg.Pool | pg.PoolClient,
  name: TableName,
  topicId: string,
): Promise<ReadonlyMap<number, number>> {
  try {
    const { rows } = await client.query<{ partition: number; next: string }>(
      'SELECT partition, next_offset AS next FROM headrace.ledger WHERE (table_schema, table_name, topic_id) = ($1, $2, $3)',
      [name.schema, name.table, topicId],
    );
    return new Map(rows.map((row) => [row.partition, Number(row.next)]));
  } catch (error) {
    if (sqlState(error) === '42P01') return new Map();
    throw warehouseFault(error, doing('reading the ledger of', name));
  }
}

/** Enters partitions at their first offset; those known keep their place. */
export async function startLedger(
  pool: pg.Pool,
  name: TableName,
  topicId: string,
  starts: PartitionEnds,
): Promise<void> {
  const entries = Object.entries(starts);
  if (entries.length === 0) return;
  try {
    await pool.query(
      `INSERT INTO headrace.ledger (table_schema, table_name, topic_id, partition, next_offset)
       SELECT $1, $2, $3, p, n FROM unnest($4::int[], $5::bigint[]) AS s (p, n) ORDER BY p ON CONFLICT DO NOTHING`,
      [name.schema, name.table, topicId, entries.map(([p]) => Number(p)), entries.map(([, offset]) => offset)],
    );
  } catch (error) {
    throw warehouseFault(error, doing('starting the ledger of', name));
  }
}

/**
 * The compare and set, inside the caller's transaction: exactly one row a step, or nothing at all.
 * Rows are locked in partition order first: two loaders that took them in the order of an UPDATE's plan deadlock.
 * @throws Fault LedgerMoved; the caller rolls back
 */
export async function moveLedger(
  client: pg.PoolClient,
  name: TableName,
  topicId: string,
  steps: readonly LedgerStep[],
): Promise<void> {
  const table = [name.schema, name.table, topicId];
  const partitions = steps.map((step) => step.partition);
  await client.query(
    `SELECT 1 FROM headrace.ledger
     WHERE (table_schema, table_name, topic_id) = ($1, $2, $3) AND partition = ANY ($4::int[]) ORDER BY partition FOR UPDATE`,
    [...table, partitions],
  );
  const moved = await client.query(
    `UPDATE headrace.ledger AS l SET next_offset = s.finish
     FROM unnest($4::int[], $5::bigint[], $6::bigint[]) AS s (partition, start, finish)
     WHERE (l.table_schema, l.table_name, l.topic_id) = ($1, $2, $3)
       AND l.partition = s.partition AND l.next_offset = s.start`,
    [...table, partitions, steps.map((step) => step.start), steps.map((step) => step.end)],
  );
  if (moved.rowCount !== steps.length) {
    throw fault(
      'LedgerMoved',
      `the ledger of ${quoteTable(name)} is not where this load began for ${steps.length - (moved.rowCount ?? 0)} of ` +
        `${countText(steps.length, 'partition')}: another load was there first; nothing was changed, the next round reads the ledger again`,
    );
  }
}
