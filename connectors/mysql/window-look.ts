/** How MySQL would read a window: an index that begins with the event time, and the optimizer's guess of the rows. */
import type { SourceTable } from '../../activities/ports/source.ts';
import { type Database, flavourOf, texts, withConnection } from './pool.ts';
import { quoteText } from './sql-text.ts';

export async function indexOf(database: Database, { name, eventTime }: SourceTable): Promise<string | null> {
  if (eventTime === undefined) return null;
  const [row] = await withConnection(database, 'looking for an index of the event time', (connection) =>
    texts(
      connection,
      `SELECT index_name FROM information_schema.statistics WHERE table_schema = ${quoteText(name.schema)}
         AND table_name = ${quoteText(name.table)} AND column_name = ${quoteText(eventTime)} AND seq_in_index = 1
         AND index_type = 'BTREE' ORDER BY index_name LIMIT 1`,
    ),
  );
  return row?.[0] ?? null;
}

/** Rows that are looked at, times the share that is left of them; their places among EXPLAIN's columns differ by server. */
export async function estimateOf(database: Database, sql: string): Promise<number | null> {
  const [looked, left] = await withConnection(database, 'asking how a window would be read', async (connection) => {
    const isMaria = (await flavourOf(connection)) === 'mariadb';
    const [row = []] = await texts(connection, `EXPLAIN ${isMaria ? 'EXTENDED ' : ''}${sql}`);
    return row.slice(isMaria ? 8 : 9);
  });
  return looked === undefined || looked === null ? null : Math.round((Number(looked) * Number(left ?? 100)) / 100);
}
