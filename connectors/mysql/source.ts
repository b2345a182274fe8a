/**
 * The source port on MySQL and MariaDB: key ranges through the key's index, rows streamed. Sessions are read-only and every
 * statement has its time; no transaction outlives a call.
 */
import type { CopyRange, Source, SourceTable } from '../../activities/ports/source.ts';
import type { Column, Key } from '../../contracts/columns.ts';
import { fault, messageOf } from '../../contracts/errors.ts';
import type { ReplayScope } from '../../contracts/replay.ts';
import type { MysqlSettings } from '../../contracts/settings.ts';
import { mysqlReader } from '../../formats/mysql-text.ts';
import { describeTable } from './describe-table.ts';
import { mysqlFault } from './errors.ts';
import { closeDatabase, openDatabase, readOnlySession, type Row, select, withConnection } from './pool.ts';
import { streamCopy } from './row-stream.ts';
import { compareKey, isOneOf, keyColumns, quoteName, quoteTable, quoteText, rangeColumns } from './sql-text.ts';
import { estimateOf, indexOf } from './window-look.ts';

/** Lanes side by side, and the planner. */
const CONNECTIONS = 16;
/** A chunk takes seconds; a filter that no index helps may read the whole table for it. */
const STATEMENT_S = 15 * 60;

export function openMysqlSource(settings: MysqlSettings): Source {
  const database = openDatabase(settings, 'replay', 'SourceUnavailable', CONNECTIONS, (flavour) =>
    readOnlySession(flavour, STATEMENT_S),
  );
  const ask = (doing: string, sql: string): Promise<Row[]> =>
    withConnection(database, doing, (connection) => select(connection, sql));

  return {
    describe: (name, key, eventTime, columns) => describeTable(database, name, key, eventTime, columns),

    // MySQL keeps no transaction's number in a row: nothing to compare a snapshot with.
    snapshot: () => Promise.resolve(''),

    async checkScope(table, scope) {
      const condition = scopeSql(table, scope);
      if (condition === '') return;
      const from = `FROM ${quoteTable(table.name)}`;
      try {
        // Where no parenthesis is open, a filter that closes ours (`a) OR (b`, to leave the chunk's range) is a syntax error.
        // A second statement is one too: the protocol's option for several is off.
        if (scope.where !== undefined) {
          await ask('checking the filter', `EXPLAIN SELECT CASE WHEN ${scope.where}\n THEN 1 END ${from}`);
        }
        await ask('checking the window and the filter', `EXPLAIN SELECT 1 ${from} WHERE TRUE${condition}`);
      } catch (error) {
        const mapped = mysqlFault(error, 'SourceUnavailable', 'checking the window and the filter');
        if (mapped.code === 'SourceUnavailable' || mapped.code === 'AccessDenied') throw mapped;
        throw fault(
          'ConfigInvalid',
          `the window or filter cannot be used on ${quoteTable(table.name)}: ${messageOf(error)}`,
          error,
        );
      }
    },

    async upperKey(table, keys) {
      return await this.keyAt(table, { after: null, upTo: null, scope: keys ? { keys } : {} }, 0, 'last');
    },

    async keyAt(table, range, skip, from = 'first') {
      const [row] = await ask(
        `reading a key of ${quoteTable(table.name)}`,
        `SELECT ${rangeList(table)} FROM ${quoteTable(table.name)}
         WHERE ${rangeSql(table, range.after, range.upTo)}${scopeSql(table, range.scope)}
         ORDER BY ${orderSql(table, from === 'last')} LIMIT 1 OFFSET ${String(skip)}`,
      );
      return row === undefined ? null : rangeKeyOf(table, row);
    },

    async windowBounds(table, window) {
      const index = await indexOf(database, table);
      // Forced: the optimizer would look for the first row along the key, past every row before the window.
      const forced = index === null ? '' : ` FORCE INDEX (${quoteName(index)})`;
      const edge = async (last: boolean): Promise<Key | null> => {
        const [row] = await ask(
          `reading the window's keys of ${quoteTable(table.name)}`,
          `SELECT ${rangeList(table)} FROM ${quoteTable(table.name)}${forced} WHERE TRUE${scopeSql(table, window)}
           ORDER BY ${orderSql(table, last)} LIMIT 1`,
        );
        return row === undefined ? null : rangeKeyOf(table, row);
      };
      const [first, last] = [await edge(false), await edge(true)];
      return first && last ? { first, last } : null;
    },

    async lookAtWindow(table, scope) {
      const sql = `SELECT 1 FROM ${quoteTable(table.name)} WHERE TRUE${scopeSql(table, scope)}`;
      return { rows: await estimateOf(database, sql), index: await indexOf(database, table) };
    },

    async chunkEnd(table, after, upper, rows, keys) {
      const range = `FROM ${quoteTable(table.name)} WHERE ${rangeSql(table, after, upper)}${among(table, keys)}`;
      const doing = `finding a chunk of ${quoteTable(table.name)}`;
      const [end] = await ask(
        doing,
        `SELECT ${rangeList(table)} ${range} ORDER BY ${orderSql(table, false)} LIMIT 1 OFFSET ${String(rows - 1)}`,
      );
      if (end !== undefined) return rangeKeyOf(table, end);
      const left = await ask(doing, `SELECT 1 ${range} LIMIT 1`);
      return left.length > 0 ? upper : null;
    },

    async countNullEventTime(table, scope = {}) {
      if (table.eventTime === undefined) return 0;
      const column = table.shape.columns.find((each) => each.name === table.eventTime);
      if (column && !column.nullable) return 0;
      const [row] = await ask(
        `counting rows without an event time in ${quoteTable(table.name)}`,
        `SELECT COUNT(*) FROM ${quoteTable(table.name)} WHERE ${quoteName(table.eventTime)} IS NULL${scopeSql(table, scope)}`,
      );
      return Number(row?.[0]?.toString() ?? 0);
    },

    copy: (table, range) =>
      streamCopy(database, `reading ${quoteTable(table.name)}`, rangeQuery(table, range), table.shape.columns),

    close: () => closeDatabase(database),
  };
}

/** Rows of a range in key order, columns as in the shape. */
export function rangeQuery(table: SourceTable, { after, upTo, scope, limit }: CopyRange): string {
  const most = limit === undefined ? '' : ` LIMIT ${String(Math.trunc(limit))}`;
  return (
    `SELECT ${columnList(table.shape.columns)} FROM ${quoteTable(table.name)} ` +
    `WHERE ${rangeSql(table, after, upTo)}${scopeSql(table, scope)} ORDER BY ${orderSql(table, false)}${most}`
  );
}

/** What formats/mysql-text.ts reads. */
export function columnList(columns: readonly Column[]): string {
  return columns.map((column) => mysqlReader(column).sql(quoteName(column.name))).join(', ');
}

export function keyList(table: SourceTable): string {
  return columnList(keyColumns(table.shape));
}

/** A key's values of a row that `keyList` selected, from the place `at` on. */
export function keyOf(table: SourceTable, row: Row, at = 0): Key {
  return valuesOf(keyColumns(table.shape), row, at);
}

function rangeKeyOf(table: SourceTable, row: Row): Key {
  return valuesOf(rangeColumns(table), row, 0);
}

function rangeList(table: SourceTable): string {
  return columnList(rangeColumns(table));
}

function orderSql(table: SourceTable, backwards: boolean): string {
  return rangeColumns(table)
    .map(({ name }) => `${quoteName(name)}${backwards ? ' DESC' : ''}`)
    .join(', ');
}

function valuesOf(columns: readonly Column[], row: Row, at: number): Key {
  return columns.map((column, place) => {
    const value = row[at + place];
    if (value === null || value === undefined)
      throw fault(
        'SourceChanged',
        `key column "${column.name}" holds a NULL; it was NOT NULL when the replay was planned`,
      );
    return mysqlReader(column).text(value);
  });
}

export function keyNames(table: SourceTable): string[] {
  return table.shape.key.map(quoteName);
}

/** A column that may be NULL is the event time: without it a row has no place in this order. */
function rangeSql(table: SourceTable, after: Key | null, upTo: Key | null): string {
  const columns = rangeColumns(table);
  const conditions = [
    ...(after === null ? [] : [compareKey(columns, after, '>')]),
    ...(upTo === null ? [] : [compareKey(columns, upTo, '<=')]),
    ...columns.filter(({ nullable }) => nullable).map(({ name }) => `${quoteName(name)} IS NOT NULL`),
  ];
  return conditions.length === 0 ? 'TRUE' : conditions.join(' AND ');
}

function among(table: SourceTable, keys: readonly Key[] | undefined): string {
  return keys === undefined ? '' : ` AND ${isOneOf(keyColumns(table.shape), keys)}`;
}

/** Window and filter. The filter is the operator's own SQL, evaluated in a read-only session. */
export function scopeSql(table: SourceTable, scope: ReplayScope): string {
  let sql = '';
  if (scope.from !== undefined || scope.to !== undefined) {
    if (table.eventTime === undefined)
      throw fault('ConfigInvalid', 'a window needs source.eventTime in the pipeline file');
    const column = quoteName(table.eventTime);
    if (scope.from !== undefined) sql += ` AND ${column} >= ${timeLiteral(scope.from)}`;
    if (scope.to !== undefined) sql += ` AND ${column} < ${timeLiteral(scope.to)}`;
  }
  // On a line of its own, so that a comment in the filter cannot swallow the parenthesis.
  if (scope.where !== undefined) sql += ` AND (${scope.where}\n)`;
  if (scope.keys !== undefined) sql += ` AND ${isOneOf(keyColumns(table.shape), scope.keys)}`;
  return sql;
}

/** A moment in UTC, as the session's time zone has it: MariaDB reads no offset, and takes a text it cannot read for no date. */
function timeLiteral(moment: string): string {
  const zoned = /(Z|[+-]\d\d(:?\d\d)?)$/i.test(moment) && moment.length > 10;
  if (!zoned) return quoteText(moment.replace('T', ' '));
  const parsed = new Date(moment.replace(' ', 'T'));
  if (Number.isNaN(parsed.getTime()))
    throw fault('ConfigInvalid', `${moment} is no time; write it as 2024-03-01T00:00:00Z`);
  const fraction = /\.(\d+)/.exec(moment)?.[1] ?? '';
  const seconds = parsed.toISOString().slice(0, 19).replace('T', ' ');
  return quoteText(fraction === '' ? seconds : `${seconds}.${fraction.slice(0, 6)}`);
}
