/** The texts of a partitioned lake's fields (formats/partition-folder.ts), as expressions over typed lake rows. */
import type { Column } from '../../contracts/columns.ts';
import type { EncoderSettings } from '../../contracts/manifest.ts';
import type { PartitionField } from '../../contracts/pipeline.ts';
import { quoteIdent } from '../../formats/sql-names.ts';
import { loadText } from './load-text.ts';
import { quoteText } from './sql-text.ts';

const FORMATS = { year: '%Y', month: '%Y-%m', day: '%Y-%m-%d', hour: '%Y-%m-%d-%H' } as const;

/** A VARCHAR a field; NULL for a column that these rows do not have (of an older version of the table). */
export function partitionKeys(columns: readonly Column[], settings: EncoderSettings): string[] {
  return (settings.partitionBy ?? []).map((field) => {
    const column = columns.find(({ name }) => name === field.column);
    return column ? keyText(column, field, settings.timeZone) : 'NULL::VARCHAR';
  });
}

function keyText(column: Column, { by }: PartitionField, zone: string | undefined): string {
  if (by === undefined) return loadText(column, true);
  const x = quoteIdent(column.name);
  // A timestamp without a zone is taken for UTC's, as everywhere in Headrace; a date is a day in any zone.
  const utc = column.type.kind === 'timestamptz' ? `make_timestamp(epoch_us(${x}))` : x;
  const local =
    zone === undefined || column.type.kind === 'date'
      ? utc
      : `timezone(${quoteText(zone)}, ${column.type.kind === 'timestamptz' ? x : `make_timestamptz(epoch_us(${x}))`})`;
  return `strftime(${local}, ${quoteText(FORMATS[by])})`;
}
