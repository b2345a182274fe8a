/**
 * Typed lake rows to files: one, or one a partition folder. Guarantees: the rows' order is kept, each row is in one file, and the
 * same rows and settings make the same files in the same order.
 */
import type { DuckDBConnection } from '@duckdb/node-api';
import { stat } from 'node:fs/promises';
import type { EncodedFile } from '../../activities/ports/lake-files.ts';
import type { Column } from '../../contracts/columns.ts';
import { fault } from '../../contracts/errors.ts';
import { type EncoderSettings, extensionOf } from '../../contracts/manifest.ts';
import { fieldText, MAX_FOLDERS_A_CUT, partitionFolder } from '../../formats/partition-folder.ts';
import { text } from './hash-sums.ts';
import { copied, rows as rowsOf } from './instance.ts';
import { csvRows, csvWriteOptions } from './lake-csv.ts';
import { jsonRows, JSON_WRITE_OPTIONS } from './lake-json.ts';
import { partitionKeys } from './partition-keys.ts';
import { concat, quoteText } from './sql-text.ts';

/**
 * @param query of typed lake rows
 * @param base path of the files without their endings, of this call's own
 * @throws Fault ConfigInvalid where the rows have too many partitions
 */
export async function writeRows(
  connection: DuckDBConnection,
  query: string,
  columns: readonly Column[],
  settings: EncoderSettings,
  base: string,
): Promise<EncodedFile[]> {
  const write = async (typed: string, name: string, folder: string): Promise<EncodedFile> => {
    const path = `${name}.${extensionOf(settings)}`;
    const rows = await copied(connection, formOf(typed, columns, settings), path, optionsOf(settings));
    return { path, rows, bytes: (await stat(path)).size, folder };
  };
  if (settings.partitionBy === undefined) return [await write(query, base, '')];
  const table = `parts_${base.replaceAll(/[^A-Za-z0-9]/g, '_')}`;
  const key = `[${partitionKeys(columns, settings).join(', ')}]::VARCHAR[]`;
  try {
    await connection.run(`CREATE TEMP TABLE ${table} AS SELECT lake, ${key} AS parts FROM (${query}) AS lake`);
    const folders = await foldersOf(connection, table, settings.partitionBy);
    const files: EncodedFile[] = [];
    for (const [folder, keys] of [...folders].sort(([a], [b]) => (a < b ? -1 : 1))) {
      const rows = `SELECT unnest(lake) FROM ${table} WHERE ${concatKey('parts')} IN (${keys.map(quoteText).join(', ')})`;
      files.push(await write(rows, `${base}-${files.length}`, folder));
    }
    return files;
  } finally {
    await connection.run(`DROP TABLE IF EXISTS ${table}`);
  }
}

/** By folder, the keys that go there: NULL and an empty text share one. */
async function foldersOf(
  connection: DuckDBConnection,
  table: string,
  fields: NonNullable<EncoderSettings['partitionBy']>,
): Promise<Map<string, string[]>> {
  const query = `SELECT DISTINCT ${concatKey('parts')} FROM ${table} LIMIT ${MAX_FOLDERS_A_CUT + 1}`;
  const folders = new Map<string, string[]>();
  for (const [found] of await rowsOf(connection, query)) {
    const key = text(found);
    const folder = partitionFolder(fields, JSON.parse(key) as (string | null)[]);
    folders.set(folder, [...(folders.get(folder) ?? []), key]);
  }
  if (folders.size <= MAX_FOLDERS_A_CUT) return folders;
  const names = fields.map(fieldText).join(', ');
  throw fault(
    'ConfigInvalid',
    `a cut has rows of more than ${MAX_FOLDERS_A_CUT} partitions by ${names}, and each would be a file of its own: choose ` +
      'coarser fields in lake.partitionBy (day instead of hour, no column of many values), or smaller cuts in lake.rotate',
  );
}

/** A list's texts as one text that tells them apart. */
function concatKey(list: string): string {
  return concat([`to_json(${list})`]);
}

function formOf(typed: string, columns: readonly Column[], { format }: EncoderSettings): string {
  if (format === 'csv') return csvRows(typed, columns);
  return format === 'jsonl' ? jsonRows(typed, columns) : typed;
}

function optionsOf(settings: EncoderSettings): string {
  const { format, compression, rowGroupRows } = settings;
  const packed = compression === 'none' ? 'uncompressed' : compression;
  if (format === 'parquet') return `FORMAT parquet, COMPRESSION ${packed}, ROW_GROUP_SIZE ${rowGroupRows}`;
  return `${format === 'csv' ? csvWriteOptions(settings) : JSON_WRITE_OPTIONS}, COMPRESSION ${compression}`;
}
