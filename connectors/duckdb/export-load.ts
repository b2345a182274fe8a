/** The last rows a key as CSV for COPY: what PostgreSQL reads from it is what it once printed. */
import type { ExportedRows, LakeFile } from '../../activities/ports/lake-files.ts';
import type { Column } from '../../contracts/columns.ts';
import type { EncoderSettings } from '../../contracts/manifest.ts';
import { quoteIdent } from '../../formats/sql-names.ts';
import { copied, type DuckDb } from './instance.ts';
import { keyColumnsOf } from './key-columns.ts';
import { lastRows } from './last-rows.ts';
import { loadText } from './load-text.ts';
import { readLake } from './read-lake.ts';

export async function exportForLoad(
  duckdb: DuckDb,
  files: readonly LakeFile[],
  columns: readonly Column[],
  key: readonly string[],
  format: EncoderSettings['format'],
  csvPath: string,
  { places = false, except = [] }: ExportedRows = {},
): Promise<{ rows: number; read: number }> {
  if (files.length === 0) {
    const rows = await duckdb.withConnection((none) => copied(none, `SELECT 1 WHERE false`, csvPath, OPTIONS));
    return { rows, read: 0 };
  }
  return readLake(duckdb, files, columns, format, async (connection, query) => {
    const last = await lastRows(connection, query, keyColumnsOf(columns, key));
    const texts = columns.map((column) => `${loadText(column, last.overflowing > 0)} AS ${quoteIdent(column.name)}`);
    // Alone on its line, \. would end the data for PostgreSQL before 18; quoted it does not.
    const quoted = columns.length === 1 ? `${OPTIONS}, FORCE_QUOTE *` : OPTIONS;
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

/** NULL is an empty field without quotes, an empty string one with quotes: PostgreSQL's defaults for CSV. */
const OPTIONS = `FORMAT csv, HEADER false, NULLSTR ''`;
