/** The typed rows of a set of lake files, within the offsets asked for. */
import type { LakeFile } from '../../activities/ports/lake-files.ts';
import { LINEAGE_COLUMNS, OVERFLOW_COLUMN, type Column } from '../../contracts/columns.ts';
import type { EncoderSettings, FileForm } from '../../contracts/manifest.ts';
import { COMPRESSIONS } from '../../contracts/pipeline.ts';
import { quoteIdent } from '../../formats/sql-names.ts';
import { readCsv } from './lake-csv.ts';
import { readJson } from './lake-json.ts';
import { quoteText } from './sql-text.ts';

/**
 * Files of a kind (format and columns) are read at once, the kinds one below the other: DuckDB takes the columns of a list of
 * files from the first one.
 * @param files one at least
 * @returns a query of the table's columns, the lineage and _overflow
 */
export function lakeQuery(
  files: readonly LakeFile[],
  columns: readonly Column[],
  format: EncoderSettings['format'],
): string {
  const kinds = new Map<string, LakeFile[]>();
  for (const file of files) {
    const kind = JSON.stringify([file.form ?? format, file.columns ?? null, file.replays ?? null]);
    const same = kinds.get(kind);
    if (same) same.push(file);
    else kinds.set(kind, [file]);
  }
  return [...kinds.values()].map((same) => kindQuery(same, columns, format)).join(' UNION ALL ');
}

function kindQuery(files: readonly LakeFile[], columns: readonly Column[], format: EncoderSettings['format']): string {
  const paths = files.map((file) => file.path);
  const [first] = files;
  const form: FileForm = first?.form ?? { format, compression: COMPRESSIONS[format][0] };
  const all = readAll(paths, first?.columns ?? columns, form);
  const names = [...columns.map((column) => quoteIdent(column.name)), ...LINEAGE_COLUMNS, OVERFLOW_COLUMN];
  const replays = first?.replays?.map(quoteText).join(', ');
  const ofReplays = replays === undefined ? '' : ` AND _replay IN (${replays === '' ? 'NULL' : replays})`;
  return `SELECT ${names.join(', ')} FROM (${all}) WHERE ${withinRanges(files)}${ofReplays}${exceptSql(files)}`;
}

function exceptSql(files: readonly LakeFile[]): string {
  const places = files.flatMap(({ partition, except = [] }) => except.map((offset) => `(${partition}, ${offset})`));
  return places.length === 0 ? '' : ` AND (_partition, _offset) NOT IN (VALUES ${places.join(', ')})`;
}

function readAll(paths: readonly string[], columns: readonly Column[], form: FileForm): string {
  if (form.format === 'csv') return readCsv(paths, columns, form);
  if (form.format === 'jsonl') return readJson(paths, columns, form);
  return `SELECT * FROM read_parquet([${paths.map(quoteText).join(', ')}])`;
}

/**
 * A file holds the offsets of its cut, and cuts do not overlap: ranges that touch are one, so that a long row of cuts is one
 * comparison.
 * @returns a BOOLEAN expression over the lineage
 */
export function withinRanges(files: readonly LakeFile[]): string {
  const sorted = [...files].sort((a, b) => a.partition - b.partition || a.fromOffset - b.fromOffset);
  const merged: { partition: number; from: number; to: number }[] = [];
  for (const { partition, fromOffset, toOffset } of sorted) {
    const last = merged.at(-1);
    if (last?.partition === partition && last.to >= fromOffset) last.to = Math.max(last.to, toOffset);
    else merged.push({ partition, from: fromOffset, to: toOffset });
  }
  const conditions = merged.map(
    ({ partition, from, to }) => `(_partition = ${partition} AND _offset >= ${from} AND _offset < ${to})`,
  );
  return conditions.length === 0 ? 'false' : `(${conditions.join(' OR ')})`;
}
