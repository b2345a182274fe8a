/** The warehouse's table as its server prints it, in PostgreSQL or MySQL as the pipeline says, by a plain client. */
import { createConnection } from 'mysql2/promise';
import type { PipelineSpec } from '../../contracts/pipeline.ts';
import { required } from '../replay/setting.ts';
import { rowsOf } from '../mysql/services.ts';
import type { Services } from './services.ts';

/** SQL of each kind, over the table's name. */
export interface WarehouseSql {
  postgres(table: string): string;
  mysql(table: string): string;
}

/** The first value of each row, as text; nothing where the table is not there yet. */
export async function askWarehouse(
  { warehouse }: Pick<Services, 'warehouse'>,
  { warehouse: { connection, table: name } }: PipelineSpec,
  sql: WarehouseSql,
): Promise<string[]> {
  const table = `${name.schema}.${name.table}`;
  if (!connection.startsWith('mysql')) {
    const there = await warehouse.query<{ there: boolean }>(`SELECT to_regclass($1) IS NOT NULL AS there`, [table]);
    if (there.rows[0]?.there !== true) return [];
    const { rows } = await warehouse.query<[unknown]>({ text: sql.postgres(table), rowMode: 'array' });
    return rows.map(([value]) => String(value));
  }
  const uri = required('HEADRACE_CONNECTION_MYSQL_WAREHOUSE');
  const client = await createConnection({ uri, rowsAsArray: true, typeCast: (field) => field.string('utf8') });
  try {
    const isThere = `SELECT 1 FROM information_schema.tables WHERE table_schema = '${name.schema}' AND table_name = '${name.table}'`;
    if ((await rowsOf(client, isThere)).length === 0) return [];
    return (await rowsOf(client, sql.mysql(table))).map(([value]) => value ?? '');
  } finally {
    client.destroy();
  }
}
