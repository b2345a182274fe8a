/**
 * An answer that never comes is noticed. A statement may rightly take minutes, so no time limit of the client's can tell; the
 * server can: asked over another connection, it says that it waits for us. Where it says so twice in a row, of the same wait,
 * and no byte went either way in between, the connection is closed: what waits on it fails, and is tried again.
 *
 * A server that cannot be asked, or does not know the session (a pooler's number for it), is waited for as before.
 */
import { Socket } from 'node:net';
import type pg from 'pg';

const LOOK_EVERY_MS = 10_000;

/** Idle in whatever way, or in the middle of a COPY to it. Since when, so that two waits are told apart. */
const WAITS_FOR_US = `SELECT state_change::text AS since FROM pg_stat_activity
  WHERE pid = $1 AND (state LIKE 'idle%' OR (wait_event_type, wait_event) = ('Client', 'ClientRead'))`;

/**
 * @param pool whose clients are watched while they are checked out; between statements of theirs nothing is asked
 * @param openLooks makes the pool that the server is asked through, at the first need; it must give its connections up when idle
 * @param everyMs between two looks
 */
export function watchAnswers(pool: pg.Pool, openLooks: () => pg.Pool, everyMs = LOOK_EVERY_MS): void {
  const timers = new Map<pg.PoolClient, NodeJS.Timeout>();
  let looks: pg.Pool | undefined;
  const lookAt = async (client: pg.PoolClient): Promise<string | null> => {
    if (!isWaiting(client)) return null;
    looks ??= openLooks();
    const { rows } = await looks.query<{ since: string }>(WAITS_FOR_US, [processOf(client)]);
    const { stream } = client.connection;
    const bytes = stream instanceof Socket ? `${stream.bytesRead} bytes read, ${stream.bytesWritten} written` : '';
    return rows[0] && isWaiting(client) ? `${rows[0].since}, ${bytes}` : null;
  };
  pool.on('acquire', (client: pg.PoolClient) => {
    let before: string | null = null;
    let looking = false;
    const look = async (): Promise<void> => {
      if (looking) return;
      looking = true;
      const now = await lookAt(client).catch(() => null);
      looking = false;
      if (!timers.has(client)) return;
      if (now !== null && now === before)
        client.connection.stream.destroy(new Error('the answer to a statement was lost'));
      before = now;
    };
    timers.set(client, setInterval(() => void look(), everyMs).unref());
  });
  pool.on('release', (_error: Error, client: pg.PoolClient) => {
    clearInterval(timers.get(client));
    timers.delete(client);
  });
}

/**
 * A statement has been sent and is not over (the driver's own state, which its types leave out), and we take what comes: a
 * COPY that is read slowly may have been sent whole long ago.
 */
function isWaiting(client: pg.PoolClient): boolean {
  const { stream } = client.connection;
  const isRead = !stream.isPaused() && stream.readableLength === 0;
  return isRead && 'readyForQuery' in client && client.readyForQuery === false;
}

const processOf = (client: pg.PoolClient): unknown => ('processID' in client ? client.processID : null);
