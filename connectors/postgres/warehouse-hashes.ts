/**
 * The warehouse's table read as hashes, together with its ledger, in one REPEATABLE READ snapshot: loads that run meanwhile
 * move both or neither, so what the ledger says is what the rows are. (Chunked short statements were rejected here: with
 * loads every few minutes, no two of them would see the same table. The source is never read this way.)
 */
import type pg from 'pg';
import type { ViewRequest, WarehouseHashes, WarehouseSums, WarehouseView } from '../../activities/ports/verify.ts';
import type { ColumnType } from '../../contracts/columns.ts';
import { type Fault, fault } from '../../contracts/errors.ts';
import type { PostgresSettings } from '../../contracts/settings.ts';
import { quoteTable } from '../../formats/sql-names.ts';
import { openPool } from './pool.ts';
import {
  type SumRow,
  alias,
  at,
  bucketSql,
  inBuckets,
  keyColumns,
  keyJson,
  keyLiteral,
  rowHash,
} from './row-hashes.ts';
import { scopeSql } from './source.ts';
import { existing } from './warehouse-catalog.ts';
import { readLedger } from './warehouse-ledger.ts';
import { checkOut, doing, sqlState, warehouseFault } from './warehouse-session.ts';

const CONNECTIONS = 4;
const SESSION = ['default_transaction_read_only=on', 'jit=off'];

export function openWarehouseHashes(settings: PostgresSettings): WarehouseHashes {
  const pool = openPool(settings, 'verify warehouse', CONNECTIONS, SESSION);
  return { view: (request) => openView(pool, request), close: () => pool.end() };
}

async function openView(pool: pg.Pool, request: ViewRequest): Promise<WarehouseView | null> {
  const { name, table, scope } = request;
  const what = doing('verifying', name);
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
  const from = `FROM ${quoteTable(name)} AS ${alias(table)}`;
  const inScope = inScopeSql(request);
  try {
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
    const otherRows = !(ledgerThere === true && ownerThere === true) || (await mayHoldOthers(client, request));
    return {
      ledger,
      otherRows,
      sums: async (buckets) => {
        const bucket = bucketSql(table, buckets);
        try {
          // The scope is a group, not a FILTER beside the whole: each row is hashed once so, and workers share the scan.
          const { rows } = await client.query<SumRow & { in_scope: boolean }>(
            `SELECT ${bucket} AS bucket, ${inScope} AS in_scope, count(*) AS rows, sum(${rowHash(table)})::text AS sum
             ${from} GROUP BY 1, 2`,
          );
          const result: WarehouseSums = { all: new Map(), inScope: new Map() };
          for (const row of rows) {
            const [number, sum] = [Number(row.bucket), { rows: Number(row.rows), sum: BigInt(row.sum) }];
            const other = result.all.get(number) ?? { rows: 0, sum: 0n };
            result.all.set(number, { rows: other.rows + sum.rows, sum: other.sum + sum.sum });
            if (row.in_scope) result.inScope.set(number, sum);
          }
          return result;
        } catch (error) {
          throw failed(error);
        }
      },
      rows: async (wanted) => {
        const values = keyColumns(table).map((column) => `${at(table, column)}::text`);
        try {
          const { rows } = await client.query<{ key: string; hash: string; values: string[]; in_scope: boolean }>(
            `SELECT ${keyJson(table)} AS key, ${rowHash(table)} AS hash, ARRAY[${values.join(', ')}] AS values,
                    ${inScope} AS in_scope ${from} WHERE ${inBuckets(table, wanted, '$1')}`,
            [wanted.numbers],
          );
          return rows.map((row) => ({
            key: row.key,
            hash: BigInt(row.hash),
            values: row.values,
            inScope: row.in_scope,
          }));
        } catch (error) {
          throw failed(error);
        }
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

async function mayHoldOthers(client: pg.PoolClient, { name, topicId }: ViewRequest): Promise<boolean> {
  const { rows } = await client.query<{ others: boolean }>(
    `SELECT coalesce((SELECT held_rows FROM headrace.owner WHERE (table_schema, table_name) = ($1, $2)), true)
         OR EXISTS (SELECT FROM headrace.ledger WHERE (table_schema, table_name) = ($1, $2) AND topic_id <> $3) AS others`,
    [name.schema, name.table, topicId],
  );
  return rows[0]?.others ?? true;
}

/** The same predicate as the source's, and the upper key where "above" means the same on both servers. */
function inScopeSql({ table, scope, upper }: ViewRequest): string {
  const portable = keyColumns(table).every((column) => isOrderedAlike(column.type));
  const left = `(${keyColumns(table)
    .map((column) => at(table, column))
    .join(', ')})`;
  const below = upper === null ? ' AND false' : portable ? ` AND ${left} <= ${keyLiteral(table, upper)}` : '';
  return `coalesce(true${scopeSql(table, scope)}${below}, false)`;
}

/** Text is ordered by each database's own collation, an enum by its labels' places: those keys are asked of the source. */
function isOrderedAlike(type: ColumnType): boolean {
  return type.kind !== 'text' && type.kind !== 'char';
}
