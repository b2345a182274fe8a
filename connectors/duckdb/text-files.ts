/** What CSV and JSON lines have in common: DuckDB reads both in buffers that must hold the longest row. */
import type { FileForm } from '../../contracts/manifest.ts';
import { quoteText } from './sql-text.ts';

/** Longer rows than this have no place in DuckDB's memory. */
const MAX_ROW_BYTES = 16 * 1024 * 1024;
/** A longer message is refused where it is encoded, as quotes may double it. */
export const MAX_TEXT_MESSAGE_BYTES = MAX_ROW_BYTES / 2;

/**
 * @param options how a row is taken apart
 * @param columns as read_csv names and types them
 */
export function lineFile(
  paths: readonly string[],
  { compression }: FileForm,
  options: string,
  columns: string,
): string {
  return (
    `read_csv([${paths.map(quoteText).join(', ')}], auto_detect = false, new_line = '\\n', ${options}, ` +
    `compression = '${compression}', max_line_size = ${MAX_ROW_BYTES}, buffer_size = ${MAX_ROW_BYTES * 2}, ` +
    `columns = {${columns}})`
  );
}
