/**
 * Which rows of a batch the warehouse's table refuses, and why; everything is rolled back. Values that do not fit are told by
 * LOAD DATA's warnings, which name the row; what the table's constraints refuse is found by halves: an INSERT of many rows
 * that succeeds clears all of them, one that fails is tried again as two. So a few bad rows in a million cost some forty
 * statements, not a million.
 */
import type { PoolConnection } from 'mysql2';
import type { RefusedRow, WarehouseTable } from '../../activities/ports/warehouse.ts';
import { fault, isFault, messageOf } from '../../contracts/errors.ts';
import { loadData } from './load-data.ts';
import { type Database, run, texts } from './pool.ts';
import { quoteName, quoteTable } from './sql-text.ts';
import { doing, warehouseFault, withWarehouse } from './warehouse-session.ts';
import { upsertStatement } from './warehouse-upsert.ts';

const JUDGED = 'headrace_judged';
/** The most that the server keeps of a statement. */
const WARNINGS_MOST = 65_535;

/** @param csvPath as exportForLoad writes it with the rows' places */
export function judgeRows(
  database: Database,
  table: WarehouseTable,
  csvPath: string,
  signal?: AbortSignal,
): Promise<RefusedRow[]> {
  return withWarehouse(database, doing('looking for the rows that are refused by', table.name), async (connection) => {
    const judged = quoteTable({ schema: table.name.schema, table: JUDGED });
    const columns = table.shape.columns.map((column) => quoteName(column.name)).join(', ');
    await run(connection, `DROP TEMPORARY TABLE IF EXISTS ${judged}`);
    await run(
      connection,
      `CREATE TEMPORARY TABLE ${judged} (headrace_row bigint AUTO_INCREMENT PRIMARY KEY, headrace_partition int, ` +
        `headrace_offset bigint, headrace_fits boolean NOT NULL DEFAULT TRUE) ENGINE=InnoDB ` +
        `SELECT ${columns} FROM ${quoteTable(table.name)} LIMIT 0`,
    );
    await run(connection, `SET SESSION max_error_count = ${WARNINGS_MOST}`);
    const places = ['headrace_partition', 'headrace_offset'];
    const loaded = await loadData(connection, judged, table.shape.columns, places, csvPath);
    const refused = await warnedRows(connection, table);
    if (refused.size > 0) {
      const rows = [...refused.keys()].join(', ');
      await run(connection, `UPDATE ${judged} SET headrace_fits = FALSE WHERE headrace_row IN (${rows})`);
    }
    await run(connection, 'START TRANSACTION');
    await insertHalves(connection, table, judged, [1, loaded.affectedRows], refused, signal);
    await run(connection, 'ROLLBACK');
    const found = await placesOf(connection, judged, refused);
    await run(connection, `DROP TEMPORARY TABLE IF EXISTS ${judged}`);
    return found;
  });
}

/** Reasons by row, as LOAD DATA counts them: from 1, in the file's order. */
async function warnedRows(connection: PoolConnection, table: WarehouseTable): Promise<Map<number, string>> {
  const [count] = await texts(connection, 'SELECT @@warning_count');
  const warnings = await texts(connection, `SHOW WARNINGS LIMIT ${WARNINGS_MOST}`);
  if (Number(count?.[0]) > WARNINGS_MOST) {
    throw fault(
      'TableUnsuited',
      `more than ${WARNINGS_MOST} values of one batch do not fit ${quoteTable(table.name)}, the first: ` +
        `${warnings[0]?.[2] ?? ''}; change the table so that it takes what the source holds`,
    );
  }
  const refused = new Map<number, string>();
  for (const [, , message] of warnings) {
    const row = / at row (\d+)/.exec(message ?? '')?.[1];
    if (row === undefined) throw fault('Unexpected', `LOAD DATA warned of no row: ${message ?? ''}`);
    if (!refused.has(Number(row))) refused.set(Number(row), (message ?? '').replace(/ at row \d+.*$/s, ''));
  }
  return refused;
}

async function insertHalves(
  connection: PoolConnection,
  table: WarehouseTable,
  judged: string,
  [from, to]: readonly [number, number],
  refused: Map<number, string>,
  signal: AbortSignal | undefined,
): Promise<void> {
  if (from > to) return;
  signal?.throwIfAborted();
  try {
    await run(connection, upsertStatement(judged, table, `headrace_fits AND headrace_row BETWEEN ${from} AND ${to}`));
  } catch (error) {
    const judgement = warehouseFault(error, 'judging rows');
    if (!isFault(judgement, 'RowsRefused')) throw error;
    if (from === to) {
      refused.set(from, messageOf(error));
      return;
    }
    const middle = Math.floor((from + to) / 2);
    await insertHalves(connection, table, judged, [from, middle], refused, signal);
    await insertHalves(connection, table, judged, [middle + 1, to], refused, signal);
  }
}

async function placesOf(
  connection: PoolConnection,
  judged: string,
  refused: ReadonlyMap<number, string>,
): Promise<RefusedRow[]> {
  if (refused.size === 0) return [];
  const rows = await texts(
    connection,
    `SELECT headrace_row, headrace_partition, headrace_offset FROM ${judged}
     WHERE headrace_row IN (${[...refused.keys()].join(', ')}) ORDER BY headrace_row`,
  );
  return rows.map(([row, partition, offset]) => ({
    partition: Number(partition),
    offset: Number(offset),
    reason: refused.get(Number(row)) ?? '',
  }));
}
