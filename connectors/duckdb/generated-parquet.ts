/** Generated lines (JSON, one a line) as Parquet files. The same lines give the same bytes, whatever the machine. */
import type { Field, Output } from '../../generators/model.ts';
import { copied, type DuckDb } from './instance.ts';
import { quoteIdent } from '../../formats/sql-names.ts';
import { quoteText } from './sql-text.ts';

const TYPES: Readonly<Record<Field['type'], string>> = {
  text: 'VARCHAR',
  whole: 'INTEGER',
  big: 'BIGINT',
  money: 'DECIMAL(12,2)',
  number: 'DOUBLE',
  flag: 'BOOLEAN',
  time: 'TIMESTAMP',
  second: 'TIMESTAMP',
  json: 'JSON',
};

/** @returns rows written @throws Fault WorkerFault where memory or disk ran out */
export async function writeParquet(duckdb: DuckDb, output: Output, linesPath: string, path: string): Promise<number> {
  const columns = output.fields.map(({ name, type }) => `${quoteText(name)}: '${TYPES[type]}'`).join(', ');
  const query = `SELECT ${output.fields.map(({ name, type }) => `${quoteIdent(name)}${type === 'json' ? '::VARCHAR AS ' + quoteIdent(name) : ''}`).join(', ')}
    FROM read_json(${quoteText(linesPath)}, format = 'newline_delimited', columns = {${columns}})`;
  return await duckdb.withConnection((connection) =>
    copied(connection, query, path, 'FORMAT parquet, COMPRESSION zstd'),
  );
}
