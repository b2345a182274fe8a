/**
 * The source port on PostgreSQL: key ranges through the key's index, read by COPY. Sessions are read-only; no transaction
 * outlives a call (a COPY's own ends with its stream).
 */
import pg from 'pg';
import { to as copyTo } from 'pg-copy-streams';
import type { CopyRange, CopyStream, Source, SourceTable } from '../../activities/ports/source.ts';
import type { Key } from '../../contracts/columns.ts';
import { fault, messageOf } from '../../contracts/errors.ts';
import type { ReplayScope } from '../../contracts/replay.ts';
import type { PostgresSettings } from '../../contracts/settings.ts';
import { quoteIdent, quoteTable } from '../../formats/sql-names.ts';
import { describeTable } from './describe-table.ts';
import { postgresFault } from './errors.ts';
import { isOneOf, rangeColumns } from './key-sql.ts';
import { indexOf, estimateOf } from './window-look.ts';
import { openPool, query } from './pool.ts';

/** Lanes side by side, and the planner. */
const CONNECTIONS = 16;

export function openPostgresSource(settings: PostgresSettings): Source {
  const pool = openPool(settings, 'replay', CONNECTIONS, ['default_transaction_read_only=on']);
  const ask = <Row extends pg.QueryResultRow>(doing: string, sql: string, values: readonly unknown[] = []) =>
    query<Row>(pool, 'SourceUnavailable', doing, sql, values);

  const explain = async (sql: string): Promise<void> => {
    const oneStatement = { text: `EXPLAIN ${sql}`, queryMode: 'extended' };
    await pool.query(oneStatement);
  };

  return {
    describe: (name, key, eventTime, columns) => describeTable(pool, name, key, eventTime, columns),

    async snapshot() {
      const rows = await ask<{ snapshot: string }>(
        'reading the snapshot',
        'SELECT pg_current_snapshot()::text AS snapshot',
      );
      return rows[0]?.snapshot ?? '';
    },

    async checkScope(table, scope) {
      const condition = scopeSql(table, scope);
      if (condition === '') return;
      try {
        const from = `FROM ${quoteTable(table.name)}`;
        // Where no parenthesis is open, a filter that closes ours (`a) OR (b`, to leave the chunk's range) is a syntax error.
        // The extended protocol takes one statement only.
        if (scope.where !== undefined) {
          await explain(`SELECT CASE WHEN ${scope.where}\n THEN 1 END ${from}`);
        }
        await explain(`SELECT 1 ${from} WHERE true${condition}`);
      } catch (error) {
        const mapped = postgresFault(error, 'SourceUnavailable', 'checking the window and the filter');
        if (mapped.retry && mapped.code !== 'Unexpected') throw mapped;
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
      const rows = await ask<{ key: string[] }>(
        `reading a key of ${quoteTable(table.name)}`,
        `SELECT ${keyArray(table)} AS key FROM ${quoteTable(table.name)}
         WHERE true${rangeSql(table, range.after, range.upTo)}${scopeSql(table, range.scope)}
         ORDER BY ${orderSql(table, from === 'last')} OFFSET ${String(skip)} LIMIT 1`,
      );
      return rows[0]?.key ?? null;
    },

    async windowBounds(table, window) {
      // Materialized: the planner would look for the first row along the key, past every row before the window.
      const names = rangeColumns(table).map((column) => quoteIdent(column.name));
      const edge = (last: boolean): string =>
        `(SELECT ${keyArray(table)} FROM w ORDER BY ${orderSql(table, last)} LIMIT 1)`;
      const [row] = await ask<{ first: string[] | null; last: string[] | null }>(
        `reading the window's keys of ${quoteTable(table.name)}`,
        `WITH w AS MATERIALIZED (SELECT ${names.join(', ')} FROM ${quoteTable(table.name)} WHERE true${scopeSql(table, window)})
         SELECT ${edge(false)} AS first, ${edge(true)} AS last`,
      );
      return row?.first && row.last ? { first: row.first, last: row.last } : null;
    },

    async lookAtWindow(table, scope) {
      const sql = `SELECT 1 FROM ${quoteTable(table.name)} WHERE true${scopeSql(table, scope)}`;
      return { rows: await estimateOf(pool, sql), index: await indexOf(pool, table) };
    },

    async chunkEnd(table, after, upper, rows, keys) {
      const among = keys ? ` AND ${isOneOf(table, keys)}` : '';
      const range = `FROM ${quoteTable(table.name)} WHERE true${rangeSql(table, after, upper)}${among}`;
      const doing = `finding a chunk of ${quoteTable(table.name)}`;
      const order = orderSql(table, false);
      const end = await ask<{ key: string[] }>(
        doing,
        `SELECT ${keyArray(table)} AS key ${range} ORDER BY ${order} OFFSET ${String(rows - 1)} LIMIT 1`,
      );
      if (end[0]) return end[0].key;
      const left = await ask(doing, `SELECT 1 ${range} LIMIT 1`);
      return left.length > 0 ? upper : null;
    },

    async countNullEventTime(table, scope = {}) {
      if (table.eventTime === undefined) return 0;
      const column = table.shape.columns.find((each) => each.name === table.eventTime);
      if (column && !column.nullable) return 0;
      const rows = await ask<{ count: string }>(
        `counting rows without an event time in ${quoteTable(table.name)}`,
        `SELECT count(*) AS count FROM ${quoteTable(table.name)} WHERE ${quoteIdent(table.eventTime)} IS NULL${scopeSql(table, scope)}`,
      );
      return Number(rows[0]?.count ?? 0);
    },

    copy: (table, range) => openCopy(pool, table, range),

    async close() {
      await pool.end();
    },
  };
}

async function openCopy(pool: pg.Pool, table: SourceTable, range: CopyRange): Promise<CopyStream> {
  const doing = `reading ${quoteTable(table.name)}`;
  const columns = table.shape.columns.map((column) => quoteIdent(column.name)).join(', ');
  const limit = range.limit === undefined ? '' : ` LIMIT ${String(Math.trunc(range.limit))}`;
  const select =
    `SELECT ${columns} FROM ${quoteTable(table.name)} WHERE true` +
    `${rangeSql(table, range.after, range.upTo)}${scopeSql(table, range.scope)} ORDER BY ${orderSql(table, false)}${limit}`;
  let client: pg.PoolClient;
  try {
    client = await pool.connect();
  } catch (error) {
    throw postgresFault(error, 'SourceUnavailable', doing);
  }
  let released = false;
  // A statement cut short leaves the protocol in its middle: the connection is closed, which ends it on the server too.
  const release = (broken: boolean): void => {
    if (!released) client.release(broken);
    released = true;
  };
  const stream = client.query(copyTo(`COPY (${select}) TO STDOUT`));
  return {
    async *[Symbol.asyncIterator]() {
      try {
        for await (const chunk of stream as AsyncIterable<Buffer>) yield chunk;
        release(false);
      } catch (error) {
        throw postgresFault(error, 'SourceUnavailable', doing);
      } finally {
        release(true);
      }
    },
    cancel() {
      release(true);
      return Promise.resolve();
    },
  };
}

function orderSql(table: SourceTable, backwards: boolean): string {
  return rangeColumns(table)
    .map(({ name }) => `${quoteIdent(name)}${backwards ? ' DESC' : ''}`)
    .join(', ');
}

/** The key as a text[]: printed by the session's fixed settings, and read back by a cast. */
function keyArray(table: SourceTable): string {
  return `ARRAY[${rangeColumns(table)
    .map(({ name }) => `${quoteIdent(name)}::text`)
    .join(', ')}]`;
}

/**
 * (after, upTo] as row comparisons, which PostgreSQL answers from the index. Values are literals: COPY binds none. A column
 * that may be NULL is the event time: without it a row has no place in this order, nor is it true of any comparison.
 */
function rangeSql(table: SourceTable, after: Key | null, upTo: Key | null): string {
  const columns = rangeColumns(table);
  const row = (values: readonly string[]) => `(${values.join(', ')})`;
  const literals = (key: Key) =>
    row(
      columns.map((column, place) => {
        const value = key[place];
        if (value === undefined)
          throw fault('Unexpected', `the key ${key.join(', ')} does not fit ${quoteTable(table.name)}`);
        return `${pg.escapeLiteral(value)}::${column.sqlType}`;
      }),
    );
  const left = row(columns.map(({ name }) => quoteIdent(name)));
  const known = columns.filter(({ nullable }) => nullable).map(({ name }) => ` AND ${quoteIdent(name)} IS NOT NULL`);
  return [
    ...(after === null ? [] : [` AND ${left} > ${literals(after)}`]),
    ...(upTo === null ? [] : [` AND ${left} <= ${literals(upTo)}`]),
    ...known,
  ].join('');
}

/** Window and filter. The filter is the operator's own SQL, evaluated in a read-only session. */
export function scopeSql(table: SourceTable, scope: ReplayScope): string {
  let sql = '';
  if (scope.from !== undefined || scope.to !== undefined) {
    if (table.eventTime === undefined)
      throw fault('ConfigInvalid', 'a window needs source.eventTime in the pipeline file');
    const column = quoteIdent(table.eventTime);
    if (scope.from !== undefined) sql += ` AND ${column} >= ${pg.escapeLiteral(scope.from)}`;
    if (scope.to !== undefined) sql += ` AND ${column} < ${pg.escapeLiteral(scope.to)}`;
  }
  // On a line of its own, so that a comment in the filter cannot swallow the parenthesis.
  if (scope.where !== undefined) sql += ` AND (${scope.where}\n)`;
  if (scope.keys !== undefined) sql += ` AND ${isOneOf(table, scope.keys)}`;
  return sql;
}
