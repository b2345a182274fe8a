/**
 * The ledger: for each (table, topic id, partition) the offset up to which the table holds the lake, in the warehouse's own
 * server (database `headrace`), so that it changes, and is restored from a backup, together with the rows.
 */
import type { PoolConnection } from 'mysql2';
import type { LedgerStep } from '../../activities/ports/warehouse.ts';
import { countText } from '../../contracts/count-words.ts';
import type { TableName } from '../../contracts/columns.ts';
import { fault } from '../../contracts/errors.ts';
import type { PartitionEnds } from '../../contracts/replay.ts';
import { errorNumber } from './errors.ts';
import { run, texts } from './pool.ts';
import { quoteTable, quoteText } from './sql-text.ts';

const NAMES = 'CHARACTER SET utf8mb4 COLLATE utf8mb4_bin';

export const LEDGER_DATABASE = 'headrace';
/** By name; `held_rows`: the table had rows when it was first owned, so that a row no lake record explains may be the user's. */
export const LEDGER_DDL: Readonly<Record<'ledger' | 'owner', string>> = {
  ledger: `CREATE TABLE IF NOT EXISTS headrace.ledger (
  table_schema varchar(64) ${NAMES} NOT NULL,
  table_name   varchar(64) ${NAMES} NOT NULL,
  topic_id     varchar(64) ${NAMES} NOT NULL,
  partition_id int NOT NULL,
  next_offset  bigint NOT NULL,
  PRIMARY KEY (table_schema, table_name, topic_id, partition_id)
) ENGINE=InnoDB`,
  owner: `CREATE TABLE IF NOT EXISTS headrace.owner (
  table_schema varchar(64) ${NAMES} NOT NULL,
  table_name   varchar(64) ${NAMES} NOT NULL,
  pipeline     varchar(255) ${NAMES} NOT NULL,
  topic        varchar(255) ${NAMES} NOT NULL,
  held_rows    boolean NOT NULL,
  owned_at     datetime(6) NOT NULL DEFAULT CURRENT_TIMESTAMP(6),
  PRIMARY KEY (table_schema, table_name)
) ENGINE=InnoDB`,
};

/** No such table, or no such database. */
export const NOT_THERE = [1146, 1049];

export function ofTable({ schema, table }: TableName): string {
  return `table_schema = ${quoteText(schema)} AND table_name = ${quoteText(table)}`;
}

/** @returns next offset a partition; empty where the ledger does not exist yet */
export async function readLedger(
  connection: PoolConnection,
  name: TableName,
  topicId: string,
): Promise<ReadonlyMap<number, number>> {
  try {
    const rows = await texts(
      connection,
      `SELECT partition_id, next_offset FROM headrace.ledger WHERE ${ofTable(name)} AND topic_id = ${quoteText(topicId)}`,
    );
    return new Map(rows.map(([partition, next]) => [Number(partition), Number(next)]));
  } catch (error) {
    if (NOT_THERE.includes(errorNumber(error) ?? 0)) return new Map();
    throw error;
  }
}

/** Enters partitions at their first offset; those known keep their place. */
export async function startLedger(
  connection: PoolConnection,
  name: TableName,
  topicId: string,
  starts: PartitionEnds,
): Promise<void> {
  const rows = Object.entries(starts).map(
    ([partition, offset]) =>
      `(${[name.schema, name.table, topicId].map(quoteText).join(', ')}, ${Number(partition)}, ${Math.trunc(offset)})`,
  );
  if (rows.length === 0) return;
  await run(
    connection,
    `INSERT INTO headrace.ledger (table_schema, table_name, topic_id, partition_id, next_offset) VALUES ${rows.join(', ')}
     ON DUPLICATE KEY UPDATE next_offset = next_offset`,
  );
}

/**
 * The compare and set, inside the caller's transaction: exactly one row a step, or nothing at all. The rows are locked in
 * partition order first, so that of two loaders one waits.
 * @throws Fault LedgerMoved; the caller rolls back
 */
export async function moveLedger(
  connection: PoolConnection,
  name: TableName,
  topicId: string,
  steps: readonly LedgerStep[],
): Promise<void> {
  if (steps.length === 0) return;
  const where =
    `${ofTable(name)} AND topic_id = ${quoteText(topicId)} ` +
    `AND partition_id IN (${steps.map((step) => Math.trunc(step.partition)).join(', ')})`;
  const rows = await texts(
    connection,
    `SELECT partition_id, next_offset FROM headrace.ledger WHERE ${where} ORDER BY partition_id FOR UPDATE`,
  );
  const places = new Map(rows.map(([partition, next]) => [Number(partition), Number(next)]));
  const moved = steps.filter((step) => places.get(step.partition) !== step.start);
  if (moved.length > 0) {
    throw fault(
      'LedgerMoved',
      `the ledger of ${quoteTable(name)} is not where this load began for ${moved.length} of ${countText(steps.length, 'partition')}: ` +
        'another load was there first; nothing was changed, the next round reads the ledger again',
    );
  }
  const ends = steps.map((step) => `WHEN ${Math.trunc(step.partition)} THEN ${Math.trunc(step.end)}`);
  await run(
    connection,
    `UPDATE headrace.ledger SET next_offset = CASE partition_id ${ends.join(' ')} ELSE next_offset END WHERE ${where}`,
  );
}
