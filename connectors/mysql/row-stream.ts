/**
 * A statement's rows as they come, with back-pressure down to the server: while nobody takes a block of rows the connection is
 * paused, the socket fills, and the server waits. Memory is a few blocks, whatever the table's size.
 *
 * mysql2 hands out a row as an array of views of its packet (`rowsAsArray`, `typeCast: false`: both documented options); the
 * packets themselves cannot be reached by anything documented. Its `stream()` was passed over: an entry of a queue and two
 * events a row.
 */
import type { PoolConnection } from 'mysql2';
import type { CopyStream } from '../../activities/ports/source.ts';
import type { Column } from '../../contracts/columns.ts';
import { NEWLINE, TAB } from '../../formats/copy-text.ts';
import { type MysqlReader, mysqlReader } from '../../formats/mysql-text.ts';
import { createScratch, reserve } from '../../formats/scratch.ts';
import { awaitAnswer, cutOff } from './answer-watch.ts';
import { mysqlFault, type Unavailable } from './errors.ts';
import { checkOut, type Database, type Row } from './pool.ts';

const BLOCK_BYTES = 256 * 1024;
/** Blocks that wait to be taken before the connection is paused. */
const MOST_BLOCKS = 2;

export interface RowStream<T> extends AsyncIterable<T> {
  cancel(): Promise<void>;
}

/** The rows in COPY's text format. @param sql selects what `copyList` lists */
export async function streamCopy(
  database: Database,
  doing: string,
  sql: string,
  columns: readonly Column[],
): Promise<CopyStream> {
  const readers = columns.map(mysqlReader);
  const scratch = createScratch(BLOCK_BYTES * 2);
  return streamRows(database, doing, sql, {
    add: (row) => {
      addRow(readers, row);
      return scratch.at >= BLOCK_BYTES;
    },
    take: () => {
      const block = Buffer.from(scratch.bytes.subarray(0, scratch.at));
      scratch.at = 0;
      return block.length === 0 ? null : block;
    },
  });

  function addRow(all: readonly MysqlReader[], row: Row): void {
    for (let i = 0; i < all.length; i++) {
      if (i > 0) reserve(scratch, 1)[scratch.at++] = TAB;
      const value = row[i];
      if (value === null || value === undefined) {
        const bytes = reserve(scratch, 2);
        bytes[scratch.at++] = 0x5c;
        bytes[scratch.at++] = 0x4e;
      } else all[i]?.copy(scratch, value);
    }
    reserve(scratch, 1)[scratch.at++] = NEWLINE;
  }
}

interface Collector<T> {
  /** @returns whether a block is full */
  add(row: Row): boolean;
  /** The block so far; null where it is empty. */
  take(): T | null;
}

export async function streamRows<T>(
  database: Database,
  doing: string,
  sql: string,
  collector: Collector<T>,
): Promise<RowStream<T>> {
  return streamOn(await checkOut(database, doing), database.unavailable, doing, sql, collector);
}

/** On a connection that the stream hands back at its end; `keep` where the caller goes on with it. */
export function streamOn<T>(
  connection: PoolConnection,
  unavailable: Unavailable,
  doing: string,
  sql: string,
  collector: Collector<T>,
  keep = false,
): RowStream<T> {
  const state: { blocks: T[]; over: boolean; error: unknown; wake: () => void; released: boolean } = {
    blocks: [],
    over: false,
    error: undefined,
    wake: () => undefined,
    released: false,
  };
  // A statement cut short leaves the protocol in its middle: the connection is closed, which ends it on the server too.
  const release = (broken: boolean): void => {
    if (state.released) return;
    state.released = true;
    if (broken) cutOff(connection);
    else if (!keep) connection.release();
  };
  const store = (): void => {
    const block = collector.take();
    if (block !== null) state.blocks.push(block);
  };
  listen(connection, sql, {
    row: (row) => {
      if (state.released || state.error !== undefined) return;
      try {
        if (!collector.add(row)) return;
        store();
      } catch (error) {
        state.error = error;
      }
      if (state.blocks.length >= MOST_BLOCKS) connection.pause();
      state.wake();
    },
    end: (error) => {
      if (state.released) return;
      state.error ??= error;
      if (state.error === undefined) store();
      state.over = true;
      state.wake();
    },
  });
  return {
    async *[Symbol.asyncIterator]() {
      try {
        for (;;) {
          const block = state.blocks.shift();
          if (block !== undefined) {
            if (state.blocks.length === 0) connection.resume();
            yield block;
          } else if (state.error !== undefined) throw mysqlFault(state.error, unavailable, doing);
          else if (state.over || state.released) break;
          else await new Promise<void>((resolve) => (state.wake = resolve));
        }
        release(false);
      } catch (error) {
        throw mysqlFault(error, unavailable, doing);
      } finally {
        release(true);
      }
    },
    cancel() {
      release(true);
      state.over = true;
      state.wake();
      return Promise.resolve();
    },
  };
}

function listen(
  connection: PoolConnection,
  sql: string,
  { row, end }: { row: (row: Row) => void; end: (error: unknown) => void },
): void {
  const answered = awaitAnswer(connection, end);
  const query = connection.query({ sql });
  query.on('result', (found: unknown) => {
    if (Array.isArray(found)) row(found as Row);
  });
  query.on('error', (error: unknown) => {
    answered();
    end(error);
  });
  query.on('end', () => {
    answered();
    end(undefined);
  });
}
