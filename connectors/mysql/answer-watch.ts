/**
 * An answer that never comes is noticed, as connectors/postgres/answer-watch.ts does it: the server is asked over another
 * connection, and where it says twice in a row that the session sleeps while we wait for it, the statement's answer is lost.
 */
import type { Connection, Pool } from 'mysql2';

const LOOK_EVERY_MS = 10_000;

const pools = new WeakMap<Connection, { pool: Pool; everyMs: number }>();

/**
 * @param pool that the server is asked through, about statements of this connection
 * @param everyMs between two looks
 */
export function watch(connection: Connection, pool: Pool, everyMs = LOOK_EVERY_MS): void {
  pools.set(connection, { pool, everyMs });
}

/**
 * To be called when a statement is sent.
 * @param lost called when its answer was lost; the connection is destroyed then
 * @returns to be called when the answer is there
 */
export function awaitAnswer(connection: Connection, lost: (error: Error) => void): () => void {
  const watched = pools.get(connection);
  if (watched === undefined) return () => undefined;
  const { pool, everyMs } = watched;
  let [sleeps, looking] = [0, false];
  const timer = setInterval(() => {
    if (looking) return;
    looking = true;
    const sql = `SELECT 1 FROM information_schema.processlist WHERE id = ${connection.threadId} AND command = 'Sleep'`;
    pool.query(sql, (error, rows) => {
      looking = false;
      sleeps = error === null && Array.isArray(rows) && rows.length > 0 ? sleeps + 1 : 0;
      if (sleeps < 2) return;
      clearInterval(timer);
      connection.destroy();
      lost(new Error('the answer to a statement was lost'));
    });
  }, everyMs).unref();
  return () => clearInterval(timer);
}
