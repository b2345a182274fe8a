/** The last rows a key as CSV for a warehouse: what it reads is what PostgreSQL prints of the value. */
import type { ExportedRows, LakeFile } from '../../activities/ports/lake-files.ts';
import type { Column } from '../../contracts/columns.ts';
import type { EncoderSettings } from '../../contracts/manifest.ts';
import { quoteIdent } from '../../formats/sql-names.ts';
import { copied, type DuckDb } from './instance.ts';
import { keyColumnsOf } from './key-columns.ts';
import { lastRows } from './last-rows.ts';
import { loadText } from './load-text.ts';
import { readLake } from './read-lake.ts';
import { quoteText } from './sql-text.ts';

export async function exportForLoad(
  duckdb: DuckDb,
  files: readonly LakeFile[],
  columns: readonly Column[],
  key: readonly string[],
  format: EncoderSettings['format'],
  csvPath: string,
  { places = false, except = [], csvNull = '' }: ExportedRows = {},
): Promise<{ rows: number; read: number }> {
  if (files.length === 0) {
    const rows = await duckdb.withConnection((none) => copied(none, `SELECT 1 WHERE false`, csvPath, options(csvNull)));
    return { rows, read: 0 };
  }
  return readLake(duckdb, files, columns, format, async (connection, query) => {
    const last = await lastRows(connection, query, keyColumnsOf(columns, key));
    const texts = columns.map((column) => `${loadText(column, last.overflowing > 0)} AS ${quoteIdent(column.name)}`);
    // Alone on its line, \. would end the data for PostgreSQL before 18; quoted it does not.
    const quoted = columns.length === 1 ? `${options(csvNull)}, FORCE_QUOTE *` : options(csvNull);
    const selected = places ? [...texts, '_partition', '_offset'] : texts;
    const left = except.length === 0 ? '' : ` WHERE (_partition, _offset) NOT IN (VALUES ${placesSql(except)})`;
    const selection = `SELECT ${selected.join(', ')} FROM (${last.query})${left}`;
    const rows = await copied(connection, selection, csvPath, quoted);
    return { rows, read: last.read };
  });
}

function placesSql(places: NonNullable<ExportedRows['except']>): string {
  return places.map(({ partition, offset }) => `(${partition}, ${offset})`).join(', ');
}

/** A value that looks like NULL is written with quotes, NULL without. */
function options(csvNull: string): string {
  return `FORMAT csv, HEADER false, NULLSTR ${quoteText(csvNull)}`;
}
