/**
 * The server's own hash of a row, where two servers are sure to give the same one to the same values: 0.35 microseconds for
 * 2.1 of the canonical one (formats/canonical-postgres.ts), most of which is printing. Source and warehouse that hash alike
 * are compared by it first; the lake, which no PostgreSQL hashes, never is.
 *
 * hash_record_extended (PostgreSQL 14) adds up its columns' hashes, each times a power of 31. Sums of such over rows would
 * not see two rows that swapped a column's values: each row's hash is hashed once more (0.01 microseconds).
 */
import type pg from 'pg';
import type { Column, TableName } from '../../contracts/columns.ts';
import { quoteIdent } from '../../formats/sql-names.ts';

const FIRST_MAJOR = 14;

/**
 * Types whose equal values, and no others, hash alike on every server of a version. Not json (has no hash), jsonb (takes 1.0
 * for 1.00, which print differently), arrays (their bounds are not hashed), enums (by a number of their own). A numeric's
 * scale is part of its type, for the same reason as jsonb's: 1.00 in numeric(9,2) is 1.0000 in numeric(9,4).
 */
const TYPES = new Set([
  ...['smallint', 'integer', 'bigint', 'numeric', 'real', 'double precision', 'boolean', 'uuid', 'bytea', 'date'],
  ...['text', 'character varying', 'character', 'time without time zone'],
  ...['timestamp without time zone', 'timestamp with time zone'],
]);
/** Compared byte by byte: a collation of the user's may take 'a' for 'A', and hash both alike. */
const TEXTS = new Set(['text', 'character varying', 'character']);

export interface OwnHash {
  /** OwnSourceHash.name */
  name: string;
  /** A bigint expression. */
  sql: string;
}

/**
 * @param alias as written in FROM (unquoted)
 * @returns null where the server has no hash that another could be held against
 */
export async function ownHash(
  client: pg.Pool | pg.PoolClient,
  name: TableName,
  columns: readonly Column[],
  alias: string,
): Promise<OwnHash | null> {
  const { rows } = await client.query<{ major: number; encoding: string; types: (string | null)[] }>(
    `SELECT current_setting('server_version_num')::int / 10000 AS major, getdatabaseencoding() AS encoding,
            ARRAY(SELECT format_type(a.atttypid, CASE a.atttypid WHEN 'numeric'::regtype THEN a.atttypmod END)
                  FROM unnest($3::text[]) WITH ORDINALITY AS wanted (name, place)
                  JOIN pg_class AS c ON c.relname = $2
                  JOIN pg_namespace AS n ON n.oid = c.relnamespace AND n.nspname = $1
                  JOIN pg_attribute AS a ON a.attrelid = c.oid AND a.attname = wanted.name AND a.attnum > 0
                  ORDER BY wanted.place) AS types`,
    [name.schema, name.table, columns.map((column) => column.name)],
  );
  const [found] = rows;
  if (!found || found.major < FIRST_MAJOR || found.types.length !== columns.length) return null;
  if (!found.types.every((type) => TYPES.has((type ?? '').replace(/^numeric\(.*/, 'numeric')))) return null;
  const values = columns.map((column, place) => {
    const value = `${quoteIdent(alias)}.${quoteIdent(column.name)}`;
    return TEXTS.has(found.types[place] ?? '') ? `${value} COLLATE "C"` : value;
  });
  return {
    name: `PostgreSQL ${found.major} ${found.encoding}: ${found.types.join(', ')}`,
    sql: `hashint8extended(hash_record_extended(ROW(${values.join(', ')}), 0), 0)`,
  };
}
