/**
 * The warehouse's table read as hashes, together with its ledger, in one consistent snapshot: loads that run meanwhile move
 * both or neither, so what the ledger says is what the rows are. Rows are streamed and hashed here (row-hashes.ts).
 */
import type { PoolConnection } from 'mysql2';
import type {
  ViewRequest,
  WarehouseHashes,
  WarehouseRow,
  WarehouseSums,
  WarehouseView,
} from '../../activities/ports/verify.ts';
import type { Column, ColumnType } from '../../contracts/columns.ts';
import { type Fault, fault } from '../../contracts/errors.ts';
import type { MysqlSettings } from '../../contracts/settings.ts';
import { findTable } from './catalog.ts';
import { errorNumber } from './errors.ts';
import {
  checkOut,
  closeDatabase,
  type Database,
  flavourOf,
  openDatabase,
  readOnlySession,
  type Row,
  run,
  select,
  texts,
} from './pool.ts';
import { inUnicode } from '../../formats/mysql-text.ts';
import { requireColumns } from '../../formats/warehouse-words.ts';
import { streamOn } from './row-stream.ts';
import { addTo, ROWS_A_BLOCK, rowHasher } from './row-hashes.ts';
import { columnList, keyNames, keyOf, scopeSql } from './source.ts';
import { compareKey, keyColumns, quoteName, quoteTable, quoteText, rangeColumns } from './sql-text.ts';
import { NOT_THERE, ofTable, readLedger } from './warehouse-ledger.ts';
import { doing, warehouseFault } from './warehouse-session.ts';

const CONNECTIONS = 4;
/** A whole table is read in one statement, as fast as it is hashed. */
const STATEMENT_S = 24 * 60 * 60;

export function openMysqlWarehouseHashes(settings: MysqlSettings): WarehouseHashes {
  const database = openDatabase(settings, 'verify warehouse', 'WarehouseUnavailable', CONNECTIONS, (flavour) => [
    ...readOnlySession(flavour, STATEMENT_S),
    'SET SESSION TRANSACTION ISOLATION LEVEL REPEATABLE READ',
  ]);
  return { view: (request) => openView(database, request), close: () => closeDatabase(database) };
}

async function openView(database: Database, request: ViewRequest): Promise<WarehouseView | null> {
  const { name, table, scope } = request;
  const what = doing('verifying', name);
  const connection = await checkOut(database, what);
  let open = true;
  const letGo = (): void => {
    // Closed rather than handed back: that ends the transaction and a statement that still runs, whatever happened.
    if (open) connection.destroy();
    open = false;
  };
  const failed = (error: unknown): Fault => {
    letGo();
    const number = errorNumber(error);
    // No such column or function, a syntax error, a value that cannot be compared.
    const ofFilter =
      scope.where !== undefined && number !== undefined && [1054, 1064, 1305, 1630, 1292].includes(number);
    if (!ofFilter) return warehouseFault(error, what);
    const text = `${what}: the replay's filter (${scope.where ?? ''}) cannot be evaluated there; verify needs one that names only the table's own columns`;
    return fault('ConfigInvalid', text, error);
  };
  const columns = table.shape.columns.length;
  const inScope = `COALESCE((TRUE${scopeSql(table, scope)}), FALSE)`;
  const beyond = beyondSql(request);
  // The table under its source's name, so that a filter that is qualified with it means the same.
  const from = `FROM ${quoteTable(name)} AS ${quoteName(table.name.table)}`;
  const rowsOf = (): AsyncIterable<Row[]> =>
    blocks(connection, what, `SELECT ${columnList(table.shape.columns.map(inUnicode))}, ${inScope}, ${beyond} ${from}`);
  const flag = (row: Row, place: number): boolean => row[columns + place]?.toString() === '1';
  const guarded = async <T>(work: () => Promise<T>): Promise<T> => {
    try {
      return await work();
    } catch (error) {
      throw failed(error);
    }
  };
  return await guarded(async () => {
    await run(connection, 'START TRANSACTION WITH CONSISTENT SNAPSHOT, READ ONLY');
    const found = await findTable(connection, await flavourOf(connection), name);
    if (found === null) {
      letGo();
      return null;
    }
    requireColumns(what, table.shape.columns, found.columns, (column) => column.toLowerCase());
    const ledger = await readLedger(connection, name, request.topicId);
    const view: WarehouseView = {
      ledger,
      own: null,
      otherRows: await mayHoldOthers(connection, request),
      sums: (buckets) =>
        guarded(async () => {
          const result: WarehouseSums = { all: new Map(), inScope: new Map() };
          const whole = rowHasher(table.shape, buckets);
          const lake = lakeHasher(request);
          for await (const block of rowsOf()) {
            for (const row of block) {
              const bucket = whole.bucket(row);
              const hash = whole.hash(row);
              addTo(result.all, bucket, lake === null ? hash : lake(row));
              if (flag(row, 0) && !flag(row, 1)) addTo(result.inScope, bucket, hash);
            }
          }
          return result;
        }),
      rows: (wanted) =>
        guarded(async () => {
          const found: WarehouseRow[] = [];
          const whole = rowHasher(table.shape, wanted.buckets);
          const lake = lakeHasher(request);
          const numbers = new Set(wanted.numbers);
          for await (const block of rowsOf()) {
            for (const row of block) {
              if (!numbers.has(whole.bucket(row))) continue;
              const hash = whole.hash(row);
              found.push({
                key: whole.key(row),
                hash,
                lakeHash: lake === null ? hash : lake(row),
                values: whole.keyTexts(row),
                inScope: flag(row, 0),
                beyond: flag(row, 1),
              });
            }
          }
          return found;
        }),
      beyond: (after, limit) =>
        guarded(async () => {
          const keys = keyColumns(table.shape);
          const further = after === null ? '' : ` AND ${compareKey(keys, after, '>')}`;
          const names = keyNames(table).join(', ');
          const rows = await select(
            connection,
            `SELECT ${columnList(keys.map(inUnicode))}, COUNT(*) ${from} WHERE ${inScope} AND ${beyond}${further}
             GROUP BY ${names} ORDER BY ${names} LIMIT ${Math.trunc(limit)}`,
          );
          const hasher = rowHasher({ columns: keys, key: table.shape.key }, 1);
          return rows.map((row) => ({
            key: hasher.key(row),
            values: keyOf(table, row),
            copies: Number(row[keys.length]?.toString() ?? 0),
          }));
        }),
      close: () => {
        letGo();
        return Promise.resolve();
      },
    };
    return view;
  });

  function blocks(on: PoolConnection, doingWhat: string, sql: string): AsyncIterable<Row[]> {
    let block: Row[] = [];
    return streamOn(
      on,
      'WarehouseUnavailable',
      doingWhat,
      sql,
      {
        add: (row) => block.push(row) >= ROWS_A_BLOCK,
        take: () => {
          const full = block;
          block = [];
          return full.length === 0 ? null : full;
        },
      },
      true,
    );
  }
}

/** Null where the lake is compared by the source's own columns. */
function lakeHasher({ table, lakeShape }: ViewRequest): ((row: Row) => bigint) | null {
  const { columns } = table.shape;
  if (lakeShape.columns.length === columns.length) return null;
  const places = lakeShape.columns.map((column: Column) => columns.findIndex((each) => each.name === column.name));
  const hasher = rowHasher(lakeShape, 1);
  return (row) => hasher.hash(places.map((place) => row[place] ?? null));
}

async function mayHoldOthers(connection: PoolConnection, { name, topicId }: ViewRequest): Promise<boolean> {
  try {
    const [row] = await texts(
      connection,
      `SELECT COALESCE((SELECT held_rows FROM headrace.owner WHERE ${ofTable(name)}), 1)
           OR EXISTS (SELECT 1 FROM headrace.ledger WHERE ${ofTable(name)} AND topic_id <> ${quoteText(topicId)})`,
    );
    return row?.[0] !== '0';
  } catch (error) {
    if (NOT_THERE.includes(errorNumber(error) ?? 0)) return true;
    throw error;
  }
}

/** Above the upper key, where that means the same on both servers; else nothing is. */
function beyondSql({ table, upper }: ViewRequest): string {
  if (upper === null) return 'TRUE';
  const columns = rangeColumns(table);
  const portable = columns.every((column) => isOrderedAlike(column.type));
  return portable ? `COALESCE((${compareKey(columns, upper, '>')}), FALSE)` : 'FALSE';
}

/** Text is ordered by each database's own collation: those keys are asked of the source. */
function isOrderedAlike(type: ColumnType): boolean {
  return type.kind !== 'text' && type.kind !== 'char';
}
