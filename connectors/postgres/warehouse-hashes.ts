/**
 * The warehouse's table read as hashes, together with its ledger, in one REPEATABLE READ snapshot: loads that run meanwhile
 * move both or neither, so what the ledger says is what the rows are. (Chunked short statements were rejected here: with
 * loads every few minutes, no two of them would see the same table. The source is never read this way.)
 */
import type pg from 'pg';
import type { SourceTable } from '../../activities/ports/source.ts';
import type { ViewRequest, WarehouseHashes, WarehouseSums, WarehouseView } from '../../activities/ports/verify.ts';
import type { Column, ColumnType, Key } from '../../contracts/columns.ts';
import { type Fault, fault } from '../../contracts/errors.ts';
import type { PostgresSettings } from '../../contracts/settings.ts';
import { quoteLiteral, quoteTable } from '../../formats/sql-names.ts';
import { requireColumns } from '../../formats/warehouse-words.ts';
import { sqlState } from './errors.ts';
import { ownHash } from './own-hash.ts';
import { openPool } from './pool.ts';
import { castSql, keyColumns, rangeColumns } from './key-sql.ts';
import { type SumRow, type TotalRow, alias, at, bucketSql, inBuckets, keyJson, rowHash } from './row-hashes.ts';
import { scopeSql } from './source.ts';
import { existing, findTable } from './warehouse-catalog.ts';
import { readLedger } from './warehouse-ledger.ts';
import { checkOut, doing, warehouseFault } from './warehouse-session.ts';

const CONNECTIONS = 4;
const SESSION = ['default_transaction_read_only=on', 'jit=off'];

export function openWarehouseHashes(settings: PostgresSettings): WarehouseHashes {
  const pool = openPool(settings, 'verify warehouse', CONNECTIONS, SESSION);
  return { view: (request) => openView(pool, request), close: () => pool.end() };
}

async function openView(pool: pg.Pool, request: ViewRequest): Promise<WarehouseView | null> {
  const { name, table, scope } = request;
  const lakeTable = { ...table, shape: request.lakeShape };
  const lakeHash = rowHash(lakeTable);
  const what = doing('verifying', name);
  const from = `FROM ${quoteTable(name)} AS ${alias(table)}`;
  const inScope = `coalesce(true${scopeSql(table, scope)}, false)`;
  const keyTexts = `ARRAY[${keyColumns(table)
    .map((column) => `${at(table, column)}::text`)
    .join(', ')}]`;
  const client = await checkOut(pool, what);
  let open = true;
  const letGo = (): void => {
    // Closed rather than handed back: that ends the transaction and a statement that still runs, whatever happened.
    if (open) client.release(true);
    open = false;
  };
  const failed = (error: unknown): Fault => {
    letGo();
    const state = sqlState(error);
    if (scope.where === undefined || state === undefined || !/^(42|22)/.test(state)) return warehouseFault(error, what);
    const text = `${what}: the replay's filter (${scope.where}) cannot be evaluated there; verify needs one that names only the table's own columns`;
    return fault('ConfigInvalid', text, error);
  };
  const ask = async <Row extends pg.QueryResultRow>(sql: string, parameters: readonly unknown[] = []) => {
    try {
      return (await client.query<Row>(sql, [...parameters])).rows;
    } catch (error) {
      throw failed(error);
    }
  };
  try {
    const found = await findTable(client, name);
    if (found) requireColumns(what, table.shape.columns, found.columns);
    // Before the snapshot's transaction, which a value that has no form would end.
    const beyond = await beyondSql(client, request);
    await client.query('BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY');
    const [there, ledgerThere, ownerThere] = await existing(client, [
      name,
      { schema: 'headrace', table: 'ledger' },
      { schema: 'headrace', table: 'owner' },
    ]);
    if (there !== true) {
      letGo();
      return null;
    }
    const ledger = ledgerThere === true ? await readLedger(client, name, request.topicId) : new Map<number, number>();
    const own = await ownHash(client, name, table.shape.columns, table.name.table);
    const otherRows = !(ledgerThere === true && ownerThere === true) || (await mayHoldOthers(client, request));
    return {
      ledger,
      otherRows,
      own: own && {
        name: own.name,
        sum: async () => {
          const rows = await ask<TotalRow & { compared: boolean }>(
            `SELECT ${inScope} AND NOT ${beyond} AS compared, count(*) AS rows, sum(${own.sql})::text AS sum ${from} GROUP BY 1`,
          );
          const [compared, others] = [rows.find((row) => row.compared), rows.find((row) => !row.compared)];
          return {
            rows: Number(compared?.rows ?? 0),
            sum: BigInt(compared?.sum ?? 0),
            others: Number(others?.rows ?? 0),
          };
        },
      },
      sums: async (buckets) => {
        // The scope is a group, not a FILTER beside the whole, so that each row is hashed once, and workers can share the
        // scan. Two sums of one expression are written as one: with a subquery in it, PostgreSQL does not see that.
        const hash = rowHash(table);
        const sum = `sum(${hash})::text`;
        const lakeSum = lakeHash === hash ? 'NULL' : `sum(${lakeHash})::text`;
        const rows = await ask<SumRow & { compared: boolean; lake_sum: string | null }>(
          `SELECT ${bucketSql(table, buckets)} AS bucket, ${inScope} AND NOT ${beyond} AS compared, count(*) AS rows,
                  ${sum} AS sum, ${lakeSum} AS lake_sum ${from} GROUP BY 1, 2`,
        );
        const result: WarehouseSums = { all: new Map(), inScope: new Map() };
        for (const row of rows) {
          const [number, sum] = [Number(row.bucket), { rows: Number(row.rows), sum: BigInt(row.sum) }];
          const other = result.all.get(number) ?? { rows: 0, sum: 0n };
          result.all.set(number, { rows: other.rows + sum.rows, sum: other.sum + BigInt(row.lake_sum ?? row.sum) });
          if (row.compared) result.inScope.set(number, sum);
        }
        return result;
      },
      rows: async (wanted) => {
        const rows = await ask<RowRow>(
          `SELECT ${keyJson(table)} AS key, ${rowHash(table)} AS hash, ${lakeHash} AS lake_hash, ${keyTexts} AS values,
                  ${inScope} AS in_scope, ${beyond} AS beyond ${from} WHERE ${inBuckets(table, wanted, '$1')}`,
          [wanted.numbers],
        );
        return rows.map(({ key, hash, lake_hash, values, in_scope, beyond }) => ({
          key,
          hash: BigInt(hash),
          lakeHash: BigInt(lake_hash),
          values,
          inScope: in_scope,
          beyond,
        }));
      },
      beyond: async (after, limit) => {
        const columns = keyColumns(table);
        const key = columns.map((column) => at(table, column)).join(', ');
        const further = after === null ? '' : ` AND (${key}) > ${values(columns, after)}`;
        return await ask<{ key: string; values: string[]; copies: number }>(
          `SELECT ${keyJson(table)} AS key, ${keyTexts} AS values, count(*)::int AS copies ${from}
           WHERE ${inScope} AND ${beyond}${further} GROUP BY ${key} ORDER BY ${key} LIMIT ${limit}`,
        );
      },
      close: () => {
        letGo();
        return Promise.resolve();
      },
    };
  } catch (error) {
    throw failed(error);
  }
}

interface RowRow {
  key: string;
  hash: string;
  lake_hash: string;
  values: string[];
  in_scope: boolean;
  beyond: boolean;
}

async function mayHoldOthers(client: pg.PoolClient, { name, topicId }: ViewRequest): Promise<boolean> {
  const { rows } = await client.query<{ others: boolean }>(
    `SELECT coalesce((SELECT held_rows FROM headrace.owner WHERE (table_schema, table_name) = ($1, $2)), true)
         OR EXISTS (SELECT FROM headrace.ledger WHERE (table_schema, table_name) = ($1, $2) AND topic_id <> $3) AS others`,
    [name.schema, name.table, topicId],
  );
  return rows[0]?.others ?? true;
}

/**
 * Above the upper key, where that means the same on both servers; else nothing is, and no difference hides: every row of the
 * scope is then compared, and those that no chunk of the source explains are asked of the source, in its own order
 * (SourceFinding.beyond). What it costs is that question, for each row that came after the replay. (Rejected where the upper
 * key has no form here: the bound of the largest key that has one. Chunks keep no such key, and the source's order may not be this server's.)
 */
async function beyondSql(client: pg.PoolClient, { table, upper }: ViewRequest): Promise<string> {
  if (upper === null) return 'true';
  const columns = rangeColumns(table);
  const portable = columns.every((column) => isOrderedAlike(column.type)) && (await hasForm(client, columns, upper));
  // A table that lost its primary key may hold NULLs: beyond nothing, so that they are judged with the rest.
  return portable ? `coalesce(${tuple(table, columns)} > ${values(columns, upper)}, false)` : 'false';
}

/** Whether the key can be a value here: a MySQL time of 30:00:00, or a date of zeros, cannot. Class 22: data exceptions. */
async function hasForm(client: pg.PoolClient, columns: readonly Column[], key: Key): Promise<boolean> {
  try {
    await client.query(`SELECT ${values(columns, key)}`);
    return true;
  } catch (error) {
    if (sqlState(error)?.startsWith('22') === true) return false;
    throw error;
  }
}

/** Values as wide as any column that fits: the warehouse's may be wider than the source's, and knows no enum of its. */
function values(columns: readonly Column[], key: Key): string {
  return `(${columns.map((column, place) => castSql(column, quoteLiteral(key[place] ?? ''))).join(', ')})`;
}

function tuple(table: SourceTable, columns: readonly Column[]): string {
  return `(${columns.map((column) => at(table, column)).join(', ')})`;
}

/** Text is ordered by each database's own collation, an enum by its labels' places: those keys are asked of the source. */
function isOrderedAlike(type: ColumnType): boolean {
  return type.kind !== 'text' && type.kind !== 'char';
}
