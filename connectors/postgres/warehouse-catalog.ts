/** What the warehouse's catalogue says of an existing table: what a load into it would meet. */
import type pg from 'pg';
import type { TableName } from '../../contracts/columns.ts';

export interface FoundColumn {
  name: string;
  /** As format_type prints it; of a domain, its base type. */
  type: string;
  notNull: boolean;
  hasDefault: boolean;
  /** GENERATED ALWAYS AS (…): cannot be written at all. */
  computed: boolean;
  /** GENERATED ALWAYS AS IDENTITY: can be inserted, not updated. */
  identityAlways: boolean;
  nondeterministic: boolean;
}

export interface FoundTable {
  /** pg_class.relkind: r table, p partitioned, v view, f foreign … */
  kind: string;
  columns: readonly FoundColumn[];
  /** Column lists of the unique indexes that ON CONFLICT can use: whole, plain, valid, not deferrable. */
  uniqueKeys: readonly (readonly string[])[];
  /** Names of rules for INSERT and UPDATE. */
  rules: readonly string[];
  /** What of it holds rows that a crash of the server would empty: itself, or partitions. */
  unlogged: readonly TableName[];
}

const COLUMNS_SQL = `
  SELECT a.attname AS name, a.attnotnull AS not_null, a.atthasdef OR a.attidentity <> '' AS has_default,
         a.attgenerated <> '' AS computed, a.attidentity = 'a' AS identity_always,
         CASE WHEN t.typtype = 'd' THEN format_type(t.typbasetype, t.typtypmod)
              ELSE format_type(a.atttypid, a.atttypmod) END AS type,
         NOT coalesce(l.collisdeterministic, true) AS nondeterministic
  FROM pg_attribute a JOIN pg_type t ON t.oid = a.atttypid LEFT JOIN pg_collation l ON l.oid = a.attcollation
  WHERE a.attrelid = $1::oid AND a.attnum > 0 AND NOT a.attisdropped ORDER BY a.attnum`;

const KEYS_SQL = `
  SELECT array_agg(a.attname::text ORDER BY k.place) AS columns
  FROM pg_index x CROSS JOIN LATERAL unnest(x.indkey::int2[]) WITH ORDINALITY AS k (attnum, place)
  JOIN pg_attribute a ON a.attrelid = x.indrelid AND a.attnum = k.attnum
  WHERE x.indrelid = $1::oid AND x.indisunique AND x.indisvalid AND x.indimmediate
    AND x.indpred IS NULL AND x.indexprs IS NULL AND k.place <= x.indnkeyatts
  GROUP BY x.indexrelid`;

/** Of commands 2 (UPDATE) and 3 (INSERT). */
const RULES_SQL = `SELECT rulename AS name FROM pg_rewrite WHERE ev_class = $1::oid AND ev_type IN ('2', '3') ORDER BY 1`;

/** A partitioned table's own persistence means nothing: it holds no rows. */
const UNLOGGED_SQL = `
  SELECT n.nspname AS schema, c.relname AS table FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
  WHERE c.relkind = 'r' AND c.relpersistence <> 'p'
    AND (c.oid = $1::oid OR c.oid IN (SELECT relid FROM pg_partition_tree($1::oid))) ORDER BY 1, 2`;

/** Null where there is no relation of that name. */
export async function findTable(client: pg.Pool | pg.PoolClient, name: TableName): Promise<FoundTable | null> {
  const relations = await client.query<{ oid: string; kind: string }>(
    `SELECT c.oid::text, c.relkind::text AS kind FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
     WHERE n.nspname = $1 AND c.relname = $2`,
    [name.schema, name.table],
  );
  const relation = relations.rows[0];
  if (!relation) return null;
  const columns = await client.query<{
    name: string;
    type: string;
    not_null: boolean;
    has_default: boolean;
    computed: boolean;
    identity_always: boolean;
    nondeterministic: boolean;
  }>(COLUMNS_SQL, [relation.oid]);
  const keys = await client.query<{ columns: string[] }>(KEYS_SQL, [relation.oid]);
  const rules = await client.query<{ name: string }>(RULES_SQL, [relation.oid]);
  const unlogged = await client.query<TableName>(UNLOGGED_SQL, [relation.oid]);
  return {
    kind: relation.kind,
    columns: columns.rows.map((row) => ({
      name: row.name,
      type: row.type,
      notNull: row.not_null,
      hasDefault: row.has_default,
      computed: row.computed,
      identityAlways: row.identity_always,
      nondeterministic: row.nondeterministic,
    })),
    uniqueKeys: keys.rows.map((row) => row.columns),
    rules: rules.rows.map((row) => row.name),
    unlogged: unlogged.rows,
  };
}

/** Which of these relations exist. */
export async function existing(client: pg.Pool | pg.PoolClient, names: readonly TableName[]): Promise<boolean[]> {
  const { rows } = await client.query<{ found: boolean }>(
    `SELECT EXISTS (SELECT FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
                    WHERE n.nspname = w.s AND c.relname = w.t) AS found
     FROM unnest($1::text[], $2::text[]) WITH ORDINALITY AS w (s, t, place) ORDER BY place`,
    [names.map((name) => name.schema), names.map((name) => name.table)],
  );
  return rows.map((row) => row.found);
}
