/**
 * An answer that never comes is noticed, as connectors/postgres/answer-watch.ts does it: the server is asked over another
 * connection, and where it says twice in a row that the session sleeps while we wait for it, and no byte came in between, the
 * statement's answer is lost.
 *
 * Each look has a connection of its own. One of the pool's was rejected: where a route is gone, those that lie idle there are
 * lost, too, and one whose statements all wait has none to give, so that the look would wait for ever with them.
 */
import { Socket } from 'node:net';
import type { Connection, PoolConnection } from 'mysql2';

const LOOK_EVERY_MS = 10_000;
const LOOK_WITHIN_MS = 5_000;

/** Opens a connection to the same server. */
export type OpenLook = () => Connection;

const watched = new WeakMap<Connection, { open: OpenLook; everyMs: number }>();

/**
 * @param open that the server is asked through, about statements of this connection
 * @param everyMs between two looks
 */
export function watch(connection: Connection, open: OpenLook, everyMs = LOOK_EVERY_MS): void {
  watched.set(connection, { open, everyMs });
}

/**
 * To be called when a statement is sent.
 * @param lost called when its answer was lost, and the connection is destroyed then; or when somebody closed the connection under
 *   the statement, of which the driver says nothing
 * @returns to be called when the answer is there
 */
export function awaitAnswer(connection: Connection, lost: (error: Error) => void): () => void {
  const found = watched.get(connection);
  if (found === undefined) return () => undefined;
  const { open, everyMs } = found;
  const stream = streamOf(connection);
  let before: number | null = null;
  let looking = false;
  let over = false;
  const look = async (): Promise<void> => {
    if (looking) return;
    if (stream?.writableEnded === true) return closed();
    looking = true;
    const sleeps = bytesRead(stream) !== null && (await isAsleep(open, connection.threadId));
    looking = false;
    if (over) return;
    const now = sleeps ? bytesRead(stream) : null;
    if (now === null || now !== before) {
      before = now;
      return;
    }
    stop();
    connection.destroy();
    lost(new Error('the answer to a statement was lost'));
  };
  const timer = setInterval(() => void look(), everyMs).unref();
  const stop = (): void => {
    over = true;
    clearInterval(timer);
    stream?.off('finish', closed);
  };
  const closed = (): void => {
    stop();
    lost(new Error('the connection was closed while a statement ran'));
  };
  stream?.once('finish', closed);
  return stop;
}

/** False where the server cannot be asked: it is waited for as before. */
function isAsleep(open: OpenLook, session: number): Promise<boolean> {
  const connection = open();
  connection.on('error', () => undefined);
  const sql = `SELECT 1 FROM information_schema.processlist WHERE id = ${session} AND command = 'Sleep'`;
  return new Promise((resolve) => {
    connection.query({ sql, timeout: LOOK_WITHIN_MS }, (error, rows) => {
      connection.destroy();
      resolve(error === null && Array.isArray(rows) && rows.length > 0);
    });
  });
}

/**
 * Null where it is not the server that is waited for: what it sent is not taken, as a reader of rows is slow, or the statement
 * itself is still on its way; its session sleeps in either.
 */
function bytesRead(stream: Socket | null): number | null {
  if (stream === null) return 0;
  const takes = !stream.isPaused() && stream.readableLength === 0 && stream.writableLength === 0;
  return takes ? stream.bytesRead : null;
}

/**
 * Closes at once. The driver's `destroy` ends its half of the socket only: to a server in the middle of its rows, which nobody
 * takes, that says nothing until its net_write_timeout, 600 s: it holds statement and snapshot till then (watched for 30 s).
 */
export function cutOff(connection: PoolConnection): void {
  connection.destroy();
  streamOf(connection)?.destroy();
}

/** The driver's own, which the types of a pool's connections leave out. */
export function streamOf(connection: Connection): Socket | null {
  return 'stream' in connection && connection.stream instanceof Socket ? connection.stream : null;
}
