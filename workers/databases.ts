/** Which adapter serves a connection: the kind of its address says. */
import { openMysqlGeneratedTables } from '../connectors/mysql/generated-rows.ts';
import { openMysqlSourceHashes } from '../connectors/mysql/row-hashes.ts';
import { openMysqlSource } from '../connectors/mysql/source.ts';
import { quoteName, quoteTable as quoteMysqlTable } from '../connectors/mysql/sql-text.ts';
import { openMysqlWarehouseHashes } from '../connectors/mysql/warehouse-hashes.ts';
import { openMysqlWarehouse } from '../connectors/mysql/warehouse.ts';
import { openGeneratedTables } from '../connectors/postgres/generated-rows.ts';
import { openSourceHashes } from '../connectors/postgres/row-hashes.ts';
import { openPostgresSource } from '../connectors/postgres/source.ts';
import { openWarehouseHashes } from '../connectors/postgres/warehouse-hashes.ts';
import { openPostgresWarehouse } from '../connectors/postgres/warehouse.ts';
import type { GeneratedTables } from '../activities/ports/generated-tables.ts';
import type { Source } from '../activities/ports/source.ts';
import type { SourceHashes, WarehouseHashes } from '../activities/ports/verify.ts';
import type { Warehouse } from '../activities/ports/warehouse.ts';
import type { TableWords } from '../activities/window-warnings.ts';
import type { TableName } from '../contracts/columns.ts';
import { type DatabaseSettings, isMysql } from '../contracts/settings.ts';
import { quoteIdent, quoteTable } from '../formats/sql-names.ts';

export function openSource(settings: DatabaseSettings): Source {
  return isMysql(settings) ? openMysqlSource(settings) : openPostgresSource(settings);
}

/** A table in its own server's SQL: pasted into a client, it must mean that table. @param column for `indexSql` */
export function tableWordsOf(settings: DatabaseSettings, name: TableName, column = ''): TableWords {
  if (!isMysql(settings)) {
    const table = quoteTable(name);
    return { table, indexSql: `CREATE INDEX ON ${table} (${quoteIdent(column)})` };
  }
  const table = quoteMysqlTable(name);
  // CREATE INDEX would want a name.
  return { table, indexSql: `ALTER TABLE ${table} ADD INDEX (${quoteName(column)})` };
}

export function openWarehouse(settings: DatabaseSettings): Warehouse {
  return isMysql(settings) ? openMysqlWarehouse(settings) : openPostgresWarehouse(settings);
}

export function openHashesOfSource(settings: DatabaseSettings): SourceHashes {
  return isMysql(settings) ? openMysqlSourceHashes(settings) : openSourceHashes(settings);
}

export function openHashesOfWarehouse(settings: DatabaseSettings): WarehouseHashes {
  return isMysql(settings) ? openMysqlWarehouseHashes(settings) : openWarehouseHashes(settings);
}

export function openTablesOf(settings: DatabaseSettings, profile: string): GeneratedTables {
  return isMysql(settings) ? openMysqlGeneratedTables(settings, profile) : openGeneratedTables(settings, profile);
}
