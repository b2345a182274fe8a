/** A lake file's first rows as texts, for people. */
import type { LakeFile, ShownRow } from '../../activities/ports/lake-files.ts';
import { LINEAGE_COLUMNS, type Column } from '../../contracts/columns.ts';
import { quoteIdent } from '../../formats/sql-names.ts';
import { text } from './hash-sums.ts';
import { type DuckDb, rows } from './instance.ts';
import { loadText } from './load-text.ts';
import { readLake } from './read-lake.ts';

export async function firstRows(
  duckdb: DuckDb,
  file: LakeFile,
  columns: readonly Column[],
  limit: number,
): Promise<ShownRow[]> {
  const texts = columns.map((column) => `${loadText(column, true)} AS ${quoteIdent(column.name)}`);
  const lineage = LINEAGE_COLUMNS.map((name) => `${name}::VARCHAR AS ${name}`);
  const names = [...columns.map(({ name }) => name), ...LINEAGE_COLUMNS];
  const format = file.form?.format ?? 'parquet';
  return readLake(duckdb, [file], columns, format, async (connection, query) => {
    const wanted = `SELECT ${[...texts, ...lineage].join(', ')} FROM (${query}) LIMIT ${limit}`;
    const found = await rows(connection, wanted);
    return found.map((row) =>
      Object.fromEntries(names.map((name, i) => [name, row[i] === null ? null : text(row[i])])),
    );
  });
}
