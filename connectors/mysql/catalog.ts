/** What information_schema says of a table: the facts that a source and a warehouse judge it by. */
import type { PoolConnection } from 'mysql2';
import type { TableName } from '../../contracts/columns.ts';
import type { MysqlColumn } from '../../formats/mysql-types.ts';
import { type Flavour, texts } from './pool.ts';
import { quoteText } from './sql-text.ts';

export interface FoundColumn extends MysqlColumn {
  name: string;
  nullable: boolean;
  hasDefault: boolean;
  /** GENERATED ALWAYS AS (…): cannot be written. */
  computed: boolean;
  charset: string | null;
  collation: string | null;
}

export interface FoundKey {
  name: string;
  columns: readonly string[];
  /** Parts of columns (`name(10)`), or expressions: does not tell rows apart by the columns alone. */
  partial: boolean;
}

export interface FoundTable {
  /** BASE TABLE, VIEW, SEQUENCE… */
  kind: string;
  engine: string | null;
  estimatedRows: number;
  columns: readonly FoundColumn[];
  /** Unique ones, the primary key first. */
  keys: readonly FoundKey[];
}

/** Null where there is none of that name, or the user may not see it. */
export async function findTable(
  connection: PoolConnection,
  flavour: Flavour,
  name: TableName,
): Promise<FoundTable | null> {
  const of = (alias: string): string =>
    `${alias}table_schema = ${quoteText(name.schema)} AND ${alias}table_name = ${quoteText(name.table)}`;
  const [table] = await texts(
    connection,
    `SELECT table_type, engine, table_rows FROM information_schema.tables WHERE ${of('')}`,
  );
  if (table === undefined) return null;
  // MariaDB's json is an alias: longtext with this constraint, under the column's own name.
  const isJson =
    flavour === 'mariadb'
      ? `EXISTS (SELECT 1 FROM information_schema.check_constraints k WHERE k.constraint_schema = c.table_schema
           AND k.table_name = c.table_name AND k.constraint_name = c.column_name
           AND k.check_clause = CONCAT('json_valid(\`', c.column_name, '\`)'))`
      : '0';
  const columns = await texts(
    connection,
    `SELECT column_name, LOWER(data_type), LOWER(column_type), character_maximum_length, numeric_precision, numeric_scale,
       datetime_precision, is_nullable, column_default IS NOT NULL OR extra LIKE '%auto_increment%', extra LIKE '%GENERATED%'
         OR extra LIKE '%VIRTUAL%' OR extra LIKE '%PERSISTENT%', character_set_name, collation_name, ${isJson}
     FROM information_schema.columns c WHERE ${of('c.')} ORDER BY ordinal_position`,
  );
  const keys = await texts(
    connection,
    `SELECT index_name, column_name, sub_part IS NOT NULL OR column_name IS NULL FROM information_schema.statistics
     WHERE ${of('')} AND non_unique = 0 ORDER BY index_name <> 'PRIMARY', index_name, seq_in_index`,
  );
  const number = (text: string | null | undefined): number | null =>
    text === null || text === undefined ? null : Number(text);
  return {
    kind: table[0] ?? '',
    engine: table[1] ?? null,
    estimatedRows: Number(table[2] ?? 0),
    columns: columns.map((row) => ({
      name: row[0] ?? '',
      dataType: row[1] ?? '',
      columnType: row[2] ?? '',
      length: number(row[3]),
      precision: number(row[4]),
      scale: number(row[5]),
      fraction: number(row[6]),
      nullable: row[7] === 'YES',
      hasDefault: row[8] === '1',
      computed: row[9] === '1',
      charset: row[10] ?? null,
      collation: row[11] ?? null,
      isJson: row[12] === '1',
    })),
    keys: keysOf(keys),
  };
}

function keysOf(rows: readonly (string | null)[][]): FoundKey[] {
  const keys = new Map<string, { columns: string[]; partial: boolean }>();
  for (const [name, column, partial] of rows) {
    const key = keys.get(name ?? '') ?? { columns: [], partial: false };
    key.columns.push(column ?? '');
    key.partial ||= partial === '1';
    keys.set(name ?? '', key);
  }
  return [...keys].map(([name, key]) => ({ name, ...key }));
}

/** Which of these databases exist, as far as the user may see. */
export async function hasSchema(connection: PoolConnection, schema: string): Promise<boolean> {
  const rows = await texts(
    connection,
    `SELECT 1 FROM information_schema.schemata WHERE schema_name = ${quoteText(schema)}`,
  );
  return rows.length > 0;
}
