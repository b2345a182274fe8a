/** The typed rows of a set of lake files, within the offsets asked for. */
import type { LakeFile } from '../../activities/ports/lake-files.ts';
import type { Column } from '../../contracts/columns.ts';
import type { EncoderSettings } from '../../contracts/manifest.ts';
import { readCsv } from './lake-csv.ts';
import { quoteText } from './sql-text.ts';

/** @returns a query of the table's columns, the lineage and _overflow; no rows where there are no files */
export function lakeQuery(
  files: readonly LakeFile[],
  columns: readonly Column[],
  format: EncoderSettings['format'],
): string {
  const paths = files.map((file) => file.path);
  const all =
    format === 'csv' ? readCsv(paths, columns) : `SELECT * FROM read_parquet([${paths.map(quoteText).join(', ')}])`;
  return `SELECT * FROM (${all}) WHERE ${withinRanges(files)}`;
}

/**
 * A file holds the offsets of its cut, and cuts do not overlap: ranges that touch are one, so that a long row of cuts is one
 * comparison.
 */
function withinRanges(files: readonly LakeFile[]): string {
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
